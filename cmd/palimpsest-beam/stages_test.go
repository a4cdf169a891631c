package main

import (
	"math"
	"reflect"
	"testing"

	"palimpsest/pipeline"
)

// What a record is written as is read as the same, and what is cut short is refused.
func TestRecord(t *testing.T) {
	for _, r := range []pipeline.TextRecord{
		{Known: []byte{}}, {Text: 1, Records: 1, Known: []byte("x")}, {Text: math.MaxUint32, Records: math.MaxInt64, Known: make([]byte, 1000)},
	} {
		b := encodeRecord(r)
		got, err := decodeRecord(b)
		if err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("%v is read as %v, %v", r, got, err)
		}
		for n := range len(b) - len(r.Known) {
			if _, err := decodeRecord(b[:n]); err == nil {
				t.Errorf("%d bytes of %v are read", n, r)
			}
		}
	}
}

// The run's URL stands before the flags or after them.
func TestParse(t *testing.T) {
	for _, args := range [][]string{{"s3://b/r"}, {"s3://b/r", "--parallelism=2"}, {"--parallelism=2", "s3://b/r"}} {
		if url, err := parse(args); err != nil || url != "s3://b/r" {
			t.Errorf("%q: %q, %v", args, url, err)
		}
	}
	for _, args := range [][]string{
		{}, {"--parallelism=2"}, {"a", "--parallelism=2", "b"}, {"a", "--parallelism=x"}, {"a", "--no-such-flag"},
	} {
		if _, err := parse(args); exitCode(err) != pipeline.ExitUsage {
			t.Errorf("%q: %v", args, err)
		}
	}
}
