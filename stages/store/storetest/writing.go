package storetest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"palimpsest/stages/store"
)

func (p place) want(t *testing.T, key string, data []byte) {
	t.Helper()
	got, err := p.s.ReadAll(t.Context(), p.root, key, int64(len(data))+1)
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("%s holds %d bytes, %.40q, want %d, %.40q: %v", key, len(got), got, len(data), data, err)
	}
}

func (p place) create(t *testing.T, key string, data []byte, want bool) {
	t.Helper()
	created, err := p.s.Create(t.Context(), p.root, key, data, "application/json")
	if err != nil || created != want {
		t.Errorf("create %s: %v, %v, want %v", key, created, err, want)
	}
}

func putReplaces(t *testing.T, p place) {
	for _, data := range [][]byte{content(1000), {}, content(3), content(3), []byte("other")} {
		if err := p.s.Put(t.Context(), p.root, "run/plan.json", data, "application/json"); err != nil {
			t.Fatal(err)
		}
		p.want(t, "run/plan.json", data)
	}
	p.onlyKeys(t, "run", "plan.json")
	for _, bad := range []string{"", "/x", "a//b", "../x", "a/", "a\nb", "a\x00b", "a\xffb"} {
		wantError(t, p.s.Put(t.Context(), p.root, bad, nil, "text/plain"), store.ErrURL, "")
		_, err := p.s.Create(t.Context(), p.root, bad, nil, "text/plain")
		wantError(t, err, store.ErrURL, "")
	}
}

// onlyKeys fails the test unless there is exactly that below a prefix: temporary files count.
func (p place) onlyKeys(t *testing.T, below string, want ...string) {
	t.Helper()
	if got, err := p.s.Keys(t.Context(), p.url(below)); err != nil || !slices.Equal(got, want) {
		t.Errorf("below %s: %q, %v, want %q", below, got, err, want)
	}
}

// createIsExclusive: of writers that race, each with bytes of its own, one is told that it won, and its bytes are there.
func createIsExclusive(t *testing.T, p place) {
	const keys, writers = 20, 8
	for k := range keys {
		key := fmt.Sprintf("run/%02d/plan.json", k)
		data := func(w int) []byte { return fmt.Appendf(nil, "%s by %d%s", key, w, bytes.Repeat([]byte("."), w%3)) }
		var wins atomic.Int32
		var winner atomic.Int32
		start := make(chan struct{})
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				<-start
				created, err := p.s.Create(t.Context(), p.root, key, data(w), "application/json")
				if err != nil {
					t.Errorf("%s: %v", key, err)
				}
				if created {
					wins.Add(1)
					winner.Store(int32(w))
				}
			})
		}
		close(start)
		wg.Wait()
		if wins.Load() != 1 {
			t.Fatalf("%s: %d writers won", key, wins.Load())
		}
		p.want(t, key, data(int(winner.Load())))
	}
}

// createAgain: the same bytes again are as good as created, others are not and change nothing.
func createAgain(t *testing.T, p place) {
	for _, data := range [][]byte{[]byte("first"), {}} {
		key := fmt.Sprintf("run/%d.json", len(data))
		p.create(t, key, data, true)
		p.create(t, key, data, true)
		for _, other := range []string{"other", "longer than that", "f"} {
			p.create(t, key, []byte(other), false)
		}
		p.want(t, key, data)
		if err := p.s.Delete(t.Context(), p.root, key); err != nil {
			t.Fatal(err)
		}
		p.create(t, key, []byte("other"), true)
		p.want(t, key, []byte("other"))
	}
	p.onlyKeys(t, "run", "0.json", "5.json")
}

// createInParts does the same with an object that SDKs send in several requests.
func createInParts(t *testing.T, p place) {
	first, second := content(20<<20), content(20<<20+1)
	p.create(t, "run/plan.json", first, true)
	p.create(t, "run/plan.json", second, false)
	p.create(t, "run/plan.json", first, true)
	p.want(t, "run/plan.json", first)
}

// oddKeys writes, finds and deletes objects whose keys hold what some store or protocol has a use for.
func oddKeys(t *testing.T, p place) {
	keys := []string{"a b", "a+b", "100%", "%41", "a%2Fb", "x?y=1&z", "a#b", "q'\"", "(a)[b]{c}", "~!@$^,;:=|", "<a&amp;>", `back\slash`,
		"\u00e4", "a\u0308", "日本/語", "😀", ".hidden", "_mark", "a..b", "trailing.", "-"}
	for _, k := range keys {
		p.create(t, "odd/"+k, []byte(k), true)
	}
	for _, k := range keys {
		p.want(t, "odd/"+k, []byte(k))
	}
	slices.Sort(keys)
	p.onlyKeys(t, "odd", keys...)
	for _, k := range keys {
		if err := p.s.Delete(t.Context(), p.root, "odd/"+k); err != nil {
			t.Errorf("delete %q: %v", k, err)
		}
	}
	p.onlyKeys(t, "odd")
}

// cancelledUploads stops uploads at any moment: what is there then is nothing or all of it.
func cancelledUploads(t *testing.T, p place) {
	data := content(12 << 20)
	file := filepath.Join(t.TempDir(), "object")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	var kept []string
	stopped := 0
	for i, after := range []time.Duration{0, time.Millisecond, 3 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, time.Minute} {
		for _, kind := range []string{"upload", "create"} {
			key := fmt.Sprintf("%d-%s", i, kind)
			ctx, cancel := context.WithTimeout(t.Context(), after)
			var err error
			if kind == "upload" {
				err = p.s.Upload(ctx, p.root, "run/"+key, file, "application/octet-stream")
			} else {
				_, err = p.s.Create(ctx, p.root, "run/"+key, data, "application/octet-stream")
			}
			cancel()
			if err != nil {
				stopped++
			}
			found, eerr := p.s.Exists(t.Context(), p.root, "run/"+key)
			if eerr != nil || err == nil && !found {
				t.Fatalf("%s: %v, there is an object: %v, %v", key, err, found, eerr)
			}
			if found {
				p.want(t, "run/"+key, data)
				kept = append(kept, key)
			}
		}
	}
	if stopped == 0 {
		t.Error("no upload was stopped")
	}
	slices.Sort(kept)
	p.onlyKeys(t, "run", kept...)
}
