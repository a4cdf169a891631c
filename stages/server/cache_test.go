package server_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"sync/atomic"
	"testing"

	"palimpsest/stages/model"
	"palimpsest/stages/server"
	"palimpsest/stages/store"
)

// set is a set of texts to score, some of them equal.
func set(n int) []model.Request {
	var list []model.Request
	for i := range n {
		list = append(list, model.Request{Text: fmt.Appendf(nil, "the text numbered %d on the mat", i%(n-2))})
	}
	return list
}

func cached(t *testing.T, url, protocol, dir string) *server.Engine {
	t.Helper()
	s := store.New()
	t.Cleanup(func() { s.Close() })
	return open(t, url, protocol, server.Options{Cache: "file://" + dir, Store: s, Batch: 4, Concurrency: 2})
}

func TestSecondRunAsksNothing(t *testing.T) {
	for _, p := range protocols {
		t.Run(p.fake, func(t *testing.T) {
			dir, list := t.TempDir(), set(20)
			f := &fakeServer{protocol: p.fake}
			url := start(t, f)
			e := cached(t, url, p.protocol, dir)
			for i := range list {
				list[i].Top = min(3, e.Facts().MostTop)
			}
			before := f.scored()
			first, err := e.Score(context.Background(), list)
			if err != nil {
				t.Fatal(err)
			}
			if n := f.scored() - before; p.fake != "llamacpp" && n != 18 {
				t.Errorf("%d prompts were scored for 18 different texts", n)
			}
			prompt := []model.Prompt{{Text: []byte("the cat"), Length: 4, TopK: 1}}
			wrote, err := e.Generate(context.Background(), prompt)
			if err != nil {
				t.Fatal(err)
			}

			again := cached(t, url, p.protocol, dir)
			requests, before := len(f.paths), f.scored()
			second, err := again.Score(context.Background(), list)
			if err != nil {
				t.Fatal(err)
			}
			rewrote, err := again.Generate(context.Background(), prompt)
			if err != nil {
				t.Fatal(err)
			}
			if len(f.paths) != requests || f.scored() != before {
				t.Errorf("the second run sent %v", f.paths[requests:])
			}
			if a, b := fmt.Sprint(first, wrote), fmt.Sprint(second, rewrote); a != b {
				t.Errorf("the second run has other values:\n%s\n%s", a, b)
			}
			if !reflect.DeepEqual(wrote, rewrote) {
				t.Errorf("%+v and %+v", wrote, rewrote)
			}
		})
	}
}

// A run that is stopped in the middle goes on there: what was answered is not asked for again.
func TestStoppedRunGoesOn(t *testing.T) {
	dir, list := t.TempDir(), set(42)
	f := &fakeServer{protocol: "vllm"}
	var stop context.CancelFunc
	var left atomic.Int64
	url := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/completions" && left.Add(-1) == 0 {
			stop()
		}
		f.ServeHTTP(w, r)
	}))
	e := cached(t, url, server.VLLM, dir)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop = cancel
	left.Store(6)
	if _, err := e.Score(ctx, list); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	kept := 0
	filepath.WalkDir(dir, func(_ string, d fs.DirEntry, _ error) error {
		if !d.IsDir() {
			kept++
		}
		return nil
	})
	kept -= 40 // the tokens of the texts
	if kept < 4 || kept >= 40 {
		t.Fatalf("%d answers were kept of a run that was stopped", kept)
	}
	e = cached(t, url, server.VLLM, dir)
	before := f.scored()
	got, err := e.Score(context.Background(), list)
	if err != nil {
		t.Fatal(err)
	}
	if n := f.scored() - before; n != 40-kept {
		t.Errorf("%d texts were scored, %d of 40 had been", n, kept)
	}
	whole := open(t, url, server.VLLM, server.Options{})
	want, err := whole.Score(context.Background(), list)
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("a run that was stopped has other values: %v", err)
	}
}

func TestDamagedAnswersAreAskedForAgain(t *testing.T) {
	dir, list := t.TempDir(), set(12)
	f := &fakeServer{protocol: "sglang"}
	url := start(t, f)
	want, err := cached(t, url, server.SGLang, dir).Score(context.Background(), list)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, _ error) error {
		if d.IsDir() {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		switch n++; n % 4 {
		case 0:
			b = b[:len(b)/2]
		case 1:
			b[len(b)-1] ^= 1
		case 2:
			b = nil
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return nil
	})
	before := f.scored()
	got, err := cached(t, url, server.SGLang, dir).Score(context.Background(), list)
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v\n%v\n%v", err, got, want)
	}
	if f.scored() == before {
		t.Error("nothing was asked for again")
	}
}

// Conform compares answers, so they must not be remembered; and another model's are not this one's.
func TestWhatTheCacheIsNotAskedFor(t *testing.T) {
	dir := t.TempDir()
	f := &fakeServer{protocol: "vllm", wrong: wrong{drifts: true}}
	url := start(t, f)
	e := cached(t, url, server.VLLM, dir)
	for range 2 {
		if _, err := model.Conform(context.Background(), e); err == nil {
			t.Fatal("a server whose values drift passed")
		}
	}
	list := set(4)
	if _, err := e.Score(context.Background(), list); err != nil {
		t.Fatal(err)
	}
	s := store.New()
	defer s.Close()
	other := open(t, url, server.VLLM, server.Options{Cache: "file://" + dir, Store: s, ModelSHA256: "abcd"})
	before := f.scored()
	if _, err := other.Score(context.Background(), list); err != nil || f.scored() == before {
		t.Errorf("another model's answers were taken: %v", err)
	}
}

// Two servers may give one name to two models. Without the digest of the weights the answers of one are not the other's; with it they
// are, wherever the server stands.
func TestCacheOfTwoServers(t *testing.T) {
	s := store.New()
	defer s.Close()
	for _, c := range []struct {
		first, second string
		asks          bool
	}{
		{"", "", true},
		{"abcd", "abcd", false},
		{"abcd", "ef01", true},
		{"abcd", "", true},
	} {
		dir, list := t.TempDir(), set(4)
		var scored []int
		for i, digest := range []string{c.first, c.second} {
			f := &fakeServer{protocol: "vllm", wrong: wrong{shift: -i}} // of the second server the values are others
			e := open(t, start(t, f), server.VLLM, server.Options{Cache: "file://" + dir, Store: s, ModelSHA256: digest})
			before := f.scored()
			if _, err := e.Score(context.Background(), list); err != nil {
				t.Fatal(err)
			}
			scored = append(scored, f.scored()-before)
		}
		if scored[0] != 2 || (scored[1] > 0) != c.asks {
			t.Errorf("%+v: the servers were asked %v", c, scored)
		}
	}
}
