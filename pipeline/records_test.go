package pipeline

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"
)

type recordOf struct {
	kind       byte
	key, value string
}

func put(t interface{ Fatal(...any) }, path, head string, records []recordOf) {
	err := writeRecords(path, head, func(w *recordWriter) error {
		for _, r := range records {
			if err := w.add(r.kind, []byte(r.key), []byte(r.value)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func take(data []byte) (head string, records []recordOf, err error) {
	err = readRecords(bytes.NewReader(data), &head, func() error { return nil }, func(kind byte, key, value []byte) error {
		records = append(records, recordOf{kind, string(key), string(value)})
		return nil
	})
	return head, records, err
}

// What is written is what is read, and its bytes are a function of it; whatever bit is changed, wherever it is cut, that is found out.
func TestRecords(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		head := rapid.String().Draw(t, "head")
		records := rapid.SliceOf(rapid.Custom(func(t *rapid.T) recordOf {
			return recordOf{rapid.ByteMin(1).Draw(t, "kind"), rapid.String().Draw(t, "key"), rapid.StringN(0, 2000, -1).Draw(t, "value")}
		})).Draw(t, "records")
		path, again := filepath.Join(dir, "a"), filepath.Join(dir, "b")
		put(t, path, head, records)
		put(t, again, head, records)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if other, err := os.ReadFile(again); err != nil || !bytes.Equal(data, other) {
			t.Fatal("the same records have other bytes", err)
		}
		gotHead, got, err := take(data)
		if err != nil || gotHead != head || fmt.Sprint(got) != fmt.Sprint(records) {
			t.Fatalf("%v, %q: %v; want %v, %q", err, gotHead, got, records, head)
		}
		cut := rapid.IntRange(0, len(data)-1).Draw(t, "cut")
		if _, _, err := take(data[:cut]); err == nil {
			t.Fatalf("cut at %d of %d bytes it was taken", cut, len(data))
		}
		bit := rapid.IntRange(0, len(data)*8-1).Draw(t, "bit")
		data[bit/8] ^= 1 << (bit % 8)
		if gotHead, got, err := take(data); err == nil && (gotHead != head || fmt.Sprint(got) != fmt.Sprint(records)) {
			t.Fatalf("with bit %d changed it was taken for something else", bit)
		}
	})
}

// FuzzRecords reads anything, as it is and compressed. What is taken for whole reads the same when it is written anew.
func FuzzRecords(f *testing.F) {
	path := filepath.Join(f.TempDir(), "seed")
	put(f, path, "head", []recordOf{{1, "key", "value"}, {2, "", ""}})
	seed, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	z, err := zstd.NewReader(nil)
	if err != nil {
		f.Fatal(err)
	}
	plain, err := z.DecodeAll(seed, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed, false)
	f.Add(plain, true)
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), true)
	f.Add([]byte("\x02\"\"\x01\xff\xff\xff\xff\x0f"), true)
	f.Fuzz(func(t *testing.T, data []byte, compress bool) {
		if compress {
			z, err := zstd.NewWriter(nil)
			if err != nil {
				t.Fatal(err)
			}
			data = z.EncodeAll(data, nil)
		}
		head, records, err := take(data)
		if err != nil {
			return
		}
		path := filepath.Join(t.TempDir(), "again")
		put(t, path, head, records)
		again, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		gotHead, got, err := take(again)
		if err != nil || gotHead != head || fmt.Sprint(got) != fmt.Sprint(records) {
			t.Fatalf("%v, %q, %v: %q, %v", err, gotHead, got, head, records)
		}
	})
}
