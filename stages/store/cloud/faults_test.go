package cloud_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"palimpsest/stages/store"
	"palimpsest/stages/store/storetest"
)

func random(seed uint64, n int) []byte {
	data := make([]byte, n)
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	return data
}

// TestFaults writes, lists and reads through a network that fails in every way: all of it comes out right.
func TestFaults(t *testing.T) {
	happened := map[string]int64{}
	for seed := range uint64(2) {
		f := &storetest.Faults{
			Seed: seed, Latency: time.Millisecond, Unavailable: .05, Reset: .1, Truncate: .1, Unranged: .1, Slow: .1, Lost: .1,
		}
		bucket := "s3://bucket" + serve(t, f.Before)
		s := open(t)
		sizes := []int{1, 100, 5_000, 70_000, 300_000, 1 << 20, 20 << 20}
		for i, n := range sizes {
			if err := s.Put(t.Context(), bucket, fmt.Sprintf("d/%d.parquet", i), random(seed, n), "text/plain"); err != nil {
				t.Fatal(err)
			}
			if created, err := s.Create(t.Context(), bucket, fmt.Sprintf("c/%d", i), random(seed+1, n), "text/plain"); err != nil || !created {
				t.Fatalf("create: %v, %v", created, err)
			}
			if created, err := s.Create(t.Context(), bucket, fmt.Sprintf("c/%d", i), random(seed+2, n), "text/plain"); err != nil || created {
				t.Fatalf("create over others: %v, %v", created, err)
			}
			if got, err := s.ReadAll(t.Context(), bucket, fmt.Sprintf("c/%d", i), 1<<30); err != nil || !bytes.Equal(got, random(seed+1, n)) {
				t.Fatalf("read all: %d bytes, %v", len(got), err)
			}
		}
		objects, err := s.List(t.Context(), []string{"s3://bucket/d/*.parquet"})
		if err != nil || len(objects) != len(sizes) {
			t.Fatalf("%v, %v", objects, err)
		}
		var wg sync.WaitGroup
		for i, o := range objects {
			data := random(seed, sizes[i])
			r, err := s.Open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			for try := range uint64(6) {
				wg.Go(func() {
					from := rand.New(rand.NewPCG(seed, try)).IntN(len(data))
					if try == 0 {
						from = 0
					}
					got := make([]byte, len(data)-from)
					if err := r.ReadRange(t.Context(), got, int64(from)); err != nil {
						t.Errorf("seed %d, %s from %d: %v", seed, o.URI, from, err)
					} else if !bytes.Equal(got, data[from:]) {
						t.Errorf("seed %d, %s from %d: other bytes", seed, o.URI, from)
					}
				})
			}
		}
		wg.Wait()
		for k, n := range f.Done() {
			happened[k] += n
		}
	}
	t.Log(happened)
	for _, k := range []string{"Unavailable", "Reset", "Truncate", "Unranged", "Slow", "Lost"} {
		if happened[k] == 0 {
			t.Errorf("%s never happened", k)
		}
	}
}

// TestReadsOnAfterSilence: an answer that stands still is cut and read on from there.
func TestReadsOnAfterSilence(t *testing.T) {
	if testing.Short() {
		t.Skip("silence takes ten seconds")
	}
	var ranges []string
	params := serve(t, func(h http.Handler) http.Handler {
		f := &storetest.Faults{Stall: 1}
		stalls := f.Before(h)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") == "" {
				h.ServeHTTP(w, r)
				return
			}
			if ranges = append(ranges, r.Header.Get("Range")); len(ranges) == 1 {
				stalls.ServeHTTP(w, r)
			} else {
				h.ServeHTTP(w, r)
			}
		})
	})
	s := open(t)
	data := random(1, 1<<20)
	o := put(t, s, "s3://bucket"+params, "a.parquet", string(data))
	r, err := s.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(data))
	began := time.Now()
	if err := r.ReadRange(t.Context(), got, 0); err != nil || !bytes.Equal(got, data) {
		t.Fatal(err)
	}
	if len(ranges) != 2 || strings.HasPrefix(ranges[1], "bytes=0-") {
		t.Errorf("asked for %q: want the second time for the rest only", ranges)
	}
	t.Logf("took %v, asked for %q", time.Since(began), ranges)
}

// TestS3ListsWithoutLookUps: what a listing says is not asked again.
func TestS3ListsWithoutLookUps(t *testing.T) {
	f := &storetest.Faults{}
	params := serve(t, f.Before)
	s := open(t)
	for i := range 5 {
		put(t, s, "s3://bucket"+params, fmt.Sprintf("d/%d.parquet", i), "x")
	}
	before := f.Requests()
	objects, err := s.List(t.Context(), []string{"s3://bucket/d/", "s3://bucket/d/*.parquet"})
	if err != nil || len(objects) != 5 || f.Requests()-before != 2 {
		t.Errorf("%d requests for %d objects, want 2: %v", f.Requests()-before, len(objects), err)
	}
	looked, err := s.Open(t.Context(), store.Object{URI: objects[3].URI})
	if err != nil || looked.Object() != objects[3] {
		t.Errorf("looked up %+v, listed %+v, %v", looked.Object(), objects[3], err)
	}
}

// TestExpiredCredentials: the error says what to do, and nothing is tried again.
func TestExpiredCredentials(t *testing.T) {
	for code, status := range map[string]int{"ExpiredToken": 400, "TokenRefreshRequired": 400, "InvalidToken": 400} {
		f := &storetest.Faults{Refuse: func(_ int64, w http.ResponseWriter, r *http.Request) bool {
			storetest.S3Error(w, r, status, code)
			return true
		}}
		_, err := open(t).List(t.Context(), []string{"s3://bucket/*.parquet" + serve(t, f.Before)})
		if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "renew them") {
			t.Errorf("%s: %v", code, err)
		}
		if f.Requests() != 1 {
			t.Errorf("%s: %d requests", code, f.Requests())
		}
	}
}

// TestWithoutConditionalWrites: a store that says it has none is asked whether the object is there.
func TestWithoutConditionalWrites(t *testing.T) {
	f := &storetest.Faults{Refuse: func(_ int64, w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("If-None-Match") == "" {
			return false
		}
		storetest.S3Error(w, r, http.StatusNotImplemented, "NotImplemented")
		return true
	}}
	bucket := "s3://bucket" + serve(t, f.Before)
	s := open(t)
	for i, want := range []bool{true, false} {
		created, err := s.Create(t.Context(), bucket, "k", []byte{byte(i)}, "text/plain")
		if err != nil || created != want {
			t.Errorf("%d: %v, %v", i, created, err)
		}
	}
	if got, err := s.ReadAll(t.Context(), bucket, "k", 10); err != nil || !bytes.Equal(got, []byte{0}) {
		t.Errorf("%v, %v", got, err)
	}
}
