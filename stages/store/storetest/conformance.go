// Package storetest is the conformance suite of package store: what every kind of store has to do, whatever its driver.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"palimpsest/stages/store"
)

// Run runs the suite. open returns a store and the URL of an empty place in it, which may have parameters.
func Run(t *testing.T, open func(t *testing.T) (s *store.Store, root string)) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, p place)
	}{
		{"ListNamesObjectsOnceInOrder", listNamesObjects},
		{"ListHidesMarkers", listHidesMarkers},
		{"ListOfNothingIsAnError", listNothing},
		{"ListPages", listPages},
		{"RangesEqualTheObject", ranges},
		{"RangesOutsideAreErrors", rangesOutside},
		{"ChangedObject", changed},
		{"ChangedObjectOfTheSameSize", changedSameSize},
		{"MissingObject", missing},
		{"Cancelled", cancelled},
		{"UploadExistsReadAll", upload},
		{"NamesLikeURLs", oddNames},
		{"KeysAndDelete", keysAndDelete},
		{"PutReplaces", putReplaces},
		{"CreateIsExclusive", createIsExclusive},
		{"CreateAgain", createAgain},
		{"CreateInParts", createInParts},
		{"OddKeys", oddKeys},
		{"CancelledUploadsLeaveNothing", cancelledUploads},
		{"Writable", writable},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, root := open(t)
			base, query, found := strings.Cut(root, "?")
			if found {
				query = "?" + query
			}
			c.run(t, place{s: s, root: root, base: strings.TrimSuffix(base, "/"), query: query})
		})
	}
}

type place struct {
	s                 *store.Store
	root, base, query string
}

func (p place) url(key string) string { return p.base + "/" + key + p.query }
func (p place) uri(key string) string { return p.base + "/" + key }

func (p place) put(t *testing.T, key string, data []byte) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "object")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.s.Upload(t.Context(), p.root, key, file, "application/octet-stream"); err != nil {
		t.Fatal(err)
	}
}

func (p place) list(t *testing.T, patterns ...string) string {
	t.Helper()
	for i := range patterns {
		patterns[i] = p.url(patterns[i])
	}
	objects, err := p.s.List(t.Context(), patterns)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, o := range objects {
		if o.Version == "" || o.Size <= 0 {
			t.Errorf("%s has version %q and size %d", o.URI, o.Version, o.Size)
		}
		key, ok := strings.CutPrefix(o.URI, p.base+"/")
		if !ok {
			t.Errorf("%s does not begin with %s", o.URI, p.base)
		}
		keys = append(keys, key)
	}
	return strings.Join(keys, " ")
}

func (p place) reader(t *testing.T, key string) *store.Reader {
	t.Helper()
	objects, err := p.s.List(t.Context(), []string{p.url(key)})
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.s.Open(t.Context(), objects[0])
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wantError(t *testing.T, err, want error, mentions string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
	if !strings.Contains(err.Error(), mentions) || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q is not one line that mentions %q", err, mentions)
	}
}

func listNamesObjects(t *testing.T, p place) {
	for _, k := range []string{"a/1.parquet", "a/2.parquet", "a/b/3.parquet", "a/b/c d/4.parquet", "a/notes.txt", "b/x.parquet",
		"top.parquet"} {
		p.put(t, k, []byte(k))
	}
	for _, c := range []struct{ patterns, want string }{
		{"a/1.parquet", "a/1.parquet"},
		{"a/notes.txt", "a/notes.txt"},
		{"a/", "a/1.parquet a/2.parquet a/b/3.parquet a/b/c d/4.parquet"},
		{"a/*.parquet", "a/1.parquet a/2.parquet"},
		{"a/?.parquet", "a/1.parquet a/2.parquet"},
		{"a/[2-9].parquet", "a/2.parquet"},
		{"a/**/*.parquet", "a/1.parquet a/2.parquet a/b/3.parquet a/b/c d/4.parquet"},
		{"**/3.parquet", "a/b/3.parquet"},
		{"**/*.parquet", "a/1.parquet a/2.parquet a/b/3.parquet a/b/c d/4.parquet b/x.parquet top.parquet"},
		{"*/*.parquet", "a/1.parquet a/2.parquet b/x.parquet"},
		{"a/b/**", "a/b/3.parquet a/b/c d/4.parquet"},
		{"t*", "top.parquet"},
		{"[ab]/", "a/1.parquet a/2.parquet a/b/3.parquet a/b/c d/4.parquet b/x.parquet"},
		{"*/b/", "a/b/3.parquet a/b/c d/4.parquet"},
		{"b/x.parquet,a/1.parquet,*/1.parquet", "a/1.parquet b/x.parquet"},
	} {
		if got := p.list(t, strings.Split(c.patterns, ",")...); got != c.want {
			t.Errorf("%s: got %s, want %s", c.patterns, got, c.want)
		}
	}
}

func listHidesMarkers(t *testing.T, p place) {
	for _, k := range []string{"d/a.parquet", "d/_SUCCESS.parquet", "d/.part.parquet", "d/_temporary/0/b.parquet"} {
		p.put(t, k, []byte(k))
	}
	for _, c := range []struct{ pattern, want string }{
		{"d/", "d/a.parquet"},
		{"d/*", "d/a.parquet"},
		{"d/**", "d/a.parquet"},
		{"d/**/*.parquet", "d/a.parquet"},
		{"d/_*", "d/_SUCCESS.parquet"},
		{"d/_*/**/*.parquet", "d/_temporary/0/b.parquet"},
		{"d/_SUCCESS.parquet", "d/_SUCCESS.parquet"},
	} {
		if got := p.list(t, c.pattern); got != c.want {
			t.Errorf("%s: got %s, want %s", c.pattern, got, c.want)
		}
	}
}

func listNothing(t *testing.T, p place) {
	p.put(t, "a/1.parquet", []byte("x"))
	for _, pattern := range []string{"a/*.csv", "a/b/", "a/2.parquet", "nowhere/**/*.parquet"} {
		_, err := p.s.List(t.Context(), []string{p.url("a/1.parquet"), p.url(pattern)})
		wantError(t, err, store.ErrMissing, strings.TrimRight(pattern, "/"))
	}
}

func listPages(t *testing.T, p place) {
	const n = 1030 // more than a page of a listing
	for i := range n {
		p.put(t, fmt.Sprintf("many/%04d.parquet", i), []byte("x"))
	}
	if got := strings.Count(p.list(t, "many/"), ".parquet"); got != n {
		t.Errorf("got %d objects, want %d", got, n)
	}
}

func content(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 7 >> (i % 5))
	}
	return b
}

func ranges(t *testing.T, p place) {
	data := content(300_000)
	p.put(t, "o.parquet", data)
	r := p.reader(t, "o.parquet")
	before := p.s.Stats()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			off := i * 37_000
			got := make([]byte, 41_000)
			if err := r.ReadRange(t.Context(), got, int64(off)); err != nil {
				t.Error(err)
			} else if !bytes.Equal(got, data[off:off+len(got)]) {
				t.Errorf("range at %d differs", off)
			}
		})
	}
	wg.Wait()
	after := p.s.Stats()
	if after.Bytes-before.Bytes != 8*41_000 || after.Requests-before.Requests < 8 {
		t.Errorf("counted %+v after %+v", after, before)
	}
	if err := r.ReadRange(t.Context(), nil, int64(len(data))); err != nil {
		t.Errorf("nothing at the end: %v", err)
	}
	tail := make([]byte, 1)
	if err := r.ReadRange(t.Context(), tail, int64(len(data)-1)); err != nil || tail[0] != data[len(data)-1] {
		t.Errorf("last byte: %v", err)
	}
}

func rangesOutside(t *testing.T, p place) {
	p.put(t, "o.parquet", content(100))
	r := p.reader(t, "o.parquet")
	for _, c := range []struct{ off, n int }{{-1, 10}, {95, 6}, {100, 1}, {1000, 1}} {
		if err := r.ReadRange(t.Context(), make([]byte, c.n), int64(c.off)); err == nil {
			t.Errorf("no error for %d bytes at %d", c.n, c.off)
		}
	}
	longer := r.Object()
	longer.Size = 200 // than the store has of that version
	r, err := p.s.Open(t.Context(), longer)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ off, n int }{{90, 20}, {100, 1}, {150, 50}, {0, 200}} {
		if err := r.ReadRange(t.Context(), make([]byte, c.n), int64(c.off)); err == nil {
			t.Errorf("no error for %d bytes at %d of 100", c.n, c.off)
		}
	}
}

func changed(t *testing.T, p place) {
	p.put(t, "o.parquet", content(1000))
	r := p.reader(t, "o.parquet")
	p.put(t, "o.parquet", content(2000))
	err := r.ReadRange(t.Context(), make([]byte, 1000), 0)
	wantError(t, err, store.ErrChanged, p.uri("o.parquet"))
}

func changedSameSize(t *testing.T, p place) {
	p.put(t, "o.parquet", content(1000))
	r := p.reader(t, "o.parquet")
	if err := r.ReadRange(t.Context(), make([]byte, 10), 0); err != nil {
		t.Fatal(err)
	}
	p.put(t, "o.parquet", bytes.Repeat([]byte("z"), 1000))
	err := r.ReadRange(t.Context(), make([]byte, 10), 0)
	wantError(t, err, store.ErrChanged, p.uri("o.parquet"))
}

func missing(t *testing.T, p place) {
	p.put(t, "here.parquet", content(10))
	o := store.Object{URI: p.uri("o.parquet"), Size: 10, Version: `"1"`}
	if strings.HasPrefix(p.base, "gs:") {
		o.Version = "1"
	}
	if _, err := p.s.List(t.Context(), []string{p.url("here.parquet")}); err != nil {
		t.Fatal(err) // makes the bucket's parameters known
	}
	r, err := p.s.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, r.ReadRange(t.Context(), make([]byte, 10), 0), store.ErrMissing, o.URI)
	o.Version = ""
	_, err = p.s.Open(t.Context(), o)
	wantError(t, err, store.ErrMissing, o.URI)
}

func cancelled(t *testing.T, p place) {
	p.put(t, "o.parquet", content(1000))
	r := p.reader(t, "o.parquet")
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("preempted")
	cancel(why)
	wantError(t, r.ReadRange(ctx, make([]byte, 10), 0), why, p.uri("o.parquet"))
	_, err := p.s.List(ctx, []string{p.url("*.parquet")})
	if !errors.Is(err, why) {
		t.Errorf("list: %v", err)
	}
	file := filepath.Join(t.TempDir(), "object")
	if err := os.WriteFile(file, content(10), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.s.Upload(ctx, p.root, "new", file, "text/plain"); !errors.Is(err, why) {
		t.Errorf("upload: %v", err)
	}
	if ok, err := p.s.Exists(t.Context(), p.root, "new"); ok || err != nil {
		t.Errorf("a cancelled upload left an object: %v, %v", ok, err)
	}
}

func upload(t *testing.T, p place) {
	const key = "run/arrow/spans/part-00000.arrow"
	if ok, err := p.s.Exists(t.Context(), p.root, key); ok || err != nil {
		t.Fatalf("before: %v, %v", ok, err)
	}
	_, err := p.s.ReadAll(t.Context(), p.root, key, 10)
	wantError(t, err, store.ErrMissing, p.uri(key))
	for _, data := range [][]byte{content(70_000), {}, content(3)} {
		p.put(t, key, data)
		if ok, err := p.s.Exists(t.Context(), p.root, key); !ok || err != nil {
			t.Fatalf("after: %v, %v", ok, err)
		}
		got, err := p.s.ReadAll(t.Context(), p.root, key, int64(len(data)))
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("read %d of %d bytes: %v", len(got), len(data), err)
		}
	}
	_, err = p.s.ReadAll(t.Context(), p.root, key, 2)
	wantError(t, err, store.ErrTooBig, p.uri(key))
	for _, bad := range []string{"", "/x", "a//b", "../x", "a/"} {
		if _, err := p.s.Exists(t.Context(), p.root, bad); !errors.Is(err, store.ErrURL) {
			t.Errorf("key %q: %v", bad, err)
		}
	}
	if err := p.s.Upload(t.Context(), p.root, "gone", filepath.Join(t.TempDir(), "absent"), "text/plain"); err == nil {
		t.Error("no error for an absent local file")
	}
}

// oddNames lists objects whose names hold what means something in a URL or a pattern, and reads them.
func oddNames(t *testing.T, p place) {
	names := []string{"d/a[1]?x=1.parquet", "d/b?v=1.parquet", "d/c#1%20.parquet", "d/day?d=2/e.parquet", "d/f*.parquet"}
	for _, k := range names {
		p.put(t, k, []byte(k))
	}
	objects, err := p.s.List(t.Context(), []string{p.url("d/")})
	if err != nil || len(objects) != len(names) {
		t.Fatalf("got %v, %v", objects, err)
	}
	again, err := p.s.List(t.Context(), []string{p.url("d/**/*.parquet")})
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range objects {
		if o.URI != p.uri(names[i]) {
			t.Errorf("got %s, want %s", o.URI, p.uri(names[i]))
		}
		if o != again[i] {
			t.Errorf("listed twice, %+v is not %+v", again[i], o)
		}
		r, err := p.s.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, o.Size)
		if err := r.ReadRange(t.Context(), got, 0); err != nil || string(got) != names[i] {
			t.Errorf("%s holds %q: %v", o.URI, got, err)
		}
	}
}

func keysAndDelete(t *testing.T, p place) {
	keys := func(below, want string) {
		t.Helper()
		got, err := p.s.Keys(t.Context(), p.url(below))
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("below %s: got %q, %v, want %s", below, got, err, want)
		}
	}
	keys("run", "")
	if err := p.s.Delete(t.Context(), p.root, "run/a"); err != nil {
		t.Errorf("delete where nothing is: %v", err)
	}
	for _, k := range []string{"run/b/2", "run/b-1", "run/_SUCCESS", "run/b/.1", "run2/x"} {
		p.put(t, k, []byte(k))
	}
	keys("run", "_SUCCESS b-1 b/.1 b/2")
	keys("run/b/", ".1 2")
	keys("ru", "")
	for _, k := range []string{"b/2", "b/2", "absent"} {
		if err := p.s.Delete(t.Context(), p.url("run"), k); err != nil {
			t.Errorf("delete %s: %v", k, err)
		}
	}
	keys("run", "_SUCCESS b-1 b/.1")
	keys("run2", "x")
	for _, bad := range []string{"", "../x", "b/"} {
		if err := p.s.Delete(t.Context(), p.root, bad); !errors.Is(err, store.ErrURL) {
			t.Errorf("key %q: %v", bad, err)
		}
	}
}

func writable(t *testing.T, p place) {
	for _, u := range []string{p.root, p.url("new/run")} {
		if err := p.s.Writable(t.Context(), u); err != nil {
			t.Errorf("%s: %v", u, err)
		}
	}
	if got, err := p.s.Keys(t.Context(), p.root); err != nil || len(got) != 0 {
		t.Errorf("it left %q, %v", got, err)
	}
	p.put(t, "o", []byte("x"))
	if err := p.s.Writable(t.Context(), p.root); err != nil {
		t.Error(err)
	}
}
