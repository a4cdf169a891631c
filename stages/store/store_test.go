package store

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		raw                        string
		scheme, bucket, key, query string
	}{
		{"s3x://b/d/a.parquet", "", "", "", ""},
		{"mem://b/d/a.parquet", "mem", "b", "d/a.parquet", ""},
		{"mem://b/d/a?.parquet", "mem", "b", "d/a?.parquet", ""},
		{"mem://b/d/*.parquet?endpoint=http://h:1&use_path_style=true", "mem", "b", "d/*.parquet", "endpoint=http://h:1&use_path_style=true"},
		{"mem://b/d/a?.parquet?region=x", "mem", "b", "d/a?.parquet", "region=x"},
		{"mem://b?region=x", "mem", "b", "", "region=x"},
		{"mem://b", "mem", "b", "", ""},
		{"mem://b/", "mem", "b", "", ""},
		{"mem://b/license=cc0/a?.parquet", "mem", "b", "license=cc0/a?.parquet", ""},
		{"mem://b/100%20.parquet", "mem", "b", "100%20.parquet", ""},
		{"file:///data/a b.parquet", "file", "", "data/a b.parquet", ""},
		{"file:///data/a.parquet?v=1", "file", "", "data/a.parquet?v=1", ""},
		{"file:///data/run#1/a%20b", "file", "", "data/run#1/a%20b", ""},
		{"/data/day?d=1/a#b.parquet", "file", "", "data/day?d=1/a#b.parquet", ""},
		{"/data/", "file", "", "data/", ""},
		{"/", "file", "", "", ""},
		{"./x.parquet", "file", "", wd[1:] + "/x.parquet", ""},
		{"data/*.parquet", "file", "", wd[1:] + "/data/*.parquet", ""},
		{"data/", "file", "", wd[1:] + "/data/", ""},
		{"file://data/a.parquet", "", "", "", ""},
		{"mem:///a", "", "", "", ""},
		{"", "", "", "", ""},
	} {
		l, err := parse(c.raw)
		if c.scheme == "" {
			if !errors.Is(err, ErrURL) {
				t.Errorf("%s: got %+v, %v, want an error", c.raw, l, err)
			}
			continue
		}
		if want := (location{c.scheme, c.bucket, c.key, c.query}); err != nil || l != want {
			t.Errorf("%s: got %+v, %v, want %+v", c.raw, l, err, want)
		}
	}
}

func TestParametersAreOneSetABucket(t *testing.T) {
	s := New()
	defer s.Close()
	_, err := s.List(t.Context(), []string{"mem://b/a?x=1", "mem://b/b?x=2"})
	if !errors.Is(err, ErrURL) || !strings.Contains(err.Error(), "two sets of parameters") {
		t.Errorf("got %v", err)
	}
}

// slowMatch is matchComponents by its definition.
func slowMatch(pattern, names []string) bool {
	if len(pattern) == 0 {
		return len(names) == 0
	}
	if pattern[0] == "**" {
		return slowMatch(pattern[1:], names) ||
			len(names) > 0 && !strings.HasPrefix(names[0], ".") && !strings.HasPrefix(names[0], "_") && slowMatch(pattern, names[1:])
	}
	return len(names) > 0 && matchComponent(pattern[0], names[0]) && slowMatch(pattern[1:], names[1:])
}

func TestGlobEqualsDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.SliceOfN(rapid.SampledFrom([]string{"**", "*", "a", "a*", "?", "_*", ".x", "[ab]"}), 1, 6).Draw(t, "pattern")
		names := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "ab", "_x", ".x", "c"}), 1, 6).Draw(t, "names")
		if got, want := matchComponents(pattern, names), slowMatch(pattern, names); got != want {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func TestBadPattern(t *testing.T) {
	s := New()
	defer s.Close()
	_, err := s.List(t.Context(), []string{"mem://b/[a.parquet"})
	if !errors.Is(err, ErrURL) || !strings.Contains(err.Error(), `component "[a.parquet"`) {
		t.Errorf("got %v", err)
	}
}

func TestLocalPathsAndUnreadableDirectories(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.MkdirAll("data/deep", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"data/a.parquet", "data/deep/b.parquet"} {
		if err := os.WriteFile(f, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := New()
	defer s.Close()
	objects, err := s.List(t.Context(), []string{"data/**/*.parquet", "./data/a.parquet", "file://" + dir + "/data/"})
	if err != nil {
		t.Fatal(err)
	}
	if len(objects) != 2 || objects[0].URI != "file://"+dir+"/data/a.parquet" || objects[1].URI != "file://"+dir+"/data/deep/b.parquet" {
		t.Errorf("got %+v", objects)
	}
	if err := os.Symlink(filepath.Join(dir, "data", "deep"), "data/link"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.List(t.Context(), []string{"data/"}); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "data/link") {
		t.Errorf("a directory that is not followed: %v", err)
	}
	if err := os.Remove("data/link"); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() != 0 {
		if err := os.Chmod("data/deep", 0); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod("data/deep", 0o755)
		if _, err := s.List(t.Context(), []string{"data/"}); !errors.Is(err, ErrUnavailable) {
			t.Errorf("a directory that cannot be read: %v", err)
		}
	}
}

func TestLocalNamesAreLiteral(t *testing.T) {
	dir := t.TempDir() + "/day?d=1#2"
	s := New()
	defer s.Close()
	file := filepath.Join(t.TempDir(), "object")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{dir, "file://" + dir} {
		if err := s.Upload(t.Context(), url, "a?v=1.parquet", file, "text/plain"); err != nil {
			t.Fatal(err)
		}
		objects, err := s.List(t.Context(), []string{url + "/", url + "/a?v=1.parquet", url + "/*.parquet"})
		if err != nil || len(objects) != 1 || objects[0].URI != "file://"+dir+"/a?v=1.parquet" {
			t.Errorf("%s: got %+v, %v", url, objects, err)
		}
		for _, o := range append(objects, Object{URI: "file://" + dir + "/a?v=1.parquet"}) {
			r, err := s.Open(t.Context(), o)
			if err != nil || r.Object() != objects[0] {
				t.Errorf("%s: got %+v, %v", url, r, err)
			}
		}
	}
}

func TestNotWritable(t *testing.T) {
	dir := t.TempDir()
	s := New()
	defer s.Close()
	if err := os.WriteFile(dir+"/file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, u := range []string{dir + "/file", dir + "/file/run", "file://" + dir + "/file/a/b"} {
		if err := s.Writable(t.Context(), u); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "not a directory") ||
			strings.Contains(err.Error(), ".palimpsest") {
			t.Errorf("%s: %v", u, err)
		}
	}
	if err := s.Writable(t.Context(), dir+"/new/run"); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("it left %v, %v", entries, err)
	}
	if os.Getuid() == 0 {
		return // may write anywhere
	}
	if err := os.Mkdir(dir+"/closed", 0o555); err != nil {
		t.Fatal(err)
	}
	if err := s.Writable(t.Context(), dir+"/closed/run"); err == nil || !strings.Contains(err.Error(), "/closed: permission denied") {
		t.Errorf("got %v", err)
	}
}

func TestFileChangedInPlaceDuringRead(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a.parquet")
	if err := os.WriteFile(name, make([]byte, 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	s := New()
	defer s.Close()
	objects, err := s.List(t.Context(), []string{name})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Open(t.Context(), objects[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, time.Time{}, time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if err := r.ReadRange(t.Context(), make([]byte, 10), 0); !errors.Is(err, ErrChanged) {
		t.Errorf("got %v", err)
	}
}

func TestRetryOnlyWhatMayPass(t *testing.T) {
	s := New()
	defer s.Close()
	s.retry.first = time.Millisecond
	l := location{scheme: "mem", bucket: "b", key: "k"}
	flaky := errors.New("connection reset\n by peer")
	n := 0
	if err := s.do(t.Context(), l, "read", func(context.Context, alive) error {
		if n++; n < 3 {
			return flaky
		}
		return nil
	}); err != nil || n != 3 {
		t.Errorf("after %d tries: %v", n, err)
	}
	n = 0
	err := s.do(t.Context(), l, "read", func(context.Context, alive) error { n++; return flaky })
	if n != int(defaultRetry.tries) || !errors.Is(err, ErrUnavailable) ||
		err.Error() != "read mem://b/k: store unavailable: connection reset by peer" {
		t.Errorf("after %d tries: %v", n, err)
	}
	n = 0
	if err := s.do(t.Context(), l, "read", func(context.Context, alive) error { n++; return ErrChanged }); n != 1 || !errors.Is(err, ErrChanged) {
		t.Errorf("after %d tries: %v", n, err)
	}
	// A cancelled context ends the wait between two tries.
	s.retry.first = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	start := time.Now()
	if err := s.do(ctx, l, "read", func(context.Context, alive) error { return flaky }); err == nil || time.Since(start) > 10*time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}

// At keeps the contract of io.ReaderAt at the object's end, which ReadRange treats as an error.
func TestReaderAt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "o")
	if err := os.WriteFile(path, []byte("palimpsest"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := New()
	defer s.Close()
	r, err := s.Open(t.Context(), Object{URI: path})
	if err != nil {
		t.Fatal(err)
	}
	if err := iotest.TestReader(io.NewSectionReader(r.At(t.Context()), 0, 10), []byte("palimpsest")); err != nil {
		t.Error(err)
	}
	for off, want := range map[int64]string{-1: "", 0: "palimpsest", 7: "est", 10: "", 11: ""} {
		p := make([]byte, 20)
		n, err := r.At(t.Context()).ReadAt(p, off)
		if err != io.EOF || string(p[:n]) != want {
			t.Errorf("at %d: %q, %v", off, p[:n], err)
		}
	}
}
