package ngram_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zeebo/xxh3"

	"palimpsest/stages/fold"
	"palimpsest/stages/ngram"
	"palimpsest/stages/words"
)

// published is an index of probes that have much in common, and some documents.
type published struct {
	probes   []*fold.Probe
	texts    *ngram.Texts
	config   ngram.Config
	sampling ngram.Sampling
	index    *ngram.Index
	corpus   []string
}

// publish makes the probes of texts of a small vocabulary, in which passages and single grams come back.
func publish(t testing.TB, c ngram.Config, every, probes, workers int) *published {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(every), 9))
	some := func(n int) string {
		w := make([]string, n)
		for i := range w {
			w[i] = fmt.Sprint("w", r.IntN(12))
		}
		return strings.Join(w, " ")
	}
	header := some(40)
	x := &published{config: c, sampling: c.Sampling(every)}
	for i := range probes {
		text := some(r.IntN(60))
		if i%3 == 0 {
			text = header + " " + text
		}
		p := work(fmt.Sprint("p", i), text)
		if c.Unit == fold.Tokens {
			p.Tokens = fieldTokens(t, text)
		}
		x.probes = append(x.probes, p)
		x.corpus = append(x.corpus, some(5)+" "+text[:len(text)*2/3])
	}
	var err error
	if x.texts, err = ngram.NewTexts(x.probes, c.Unit); err != nil {
		t.Fatal(err)
	}
	if x.index, err = ngram.NewIndex(t.Context(), x.texts, c, x.sampling, workers); err != nil {
		t.Fatal(err)
	}
	return x
}

func (x *published) bytes(t testing.TB, index *ngram.Index) []byte {
	t.Helper()
	var b bytes.Buffer
	if n, err := index.WriteTo(&b); err != nil || n != int64(b.Len()) {
		t.Fatal(n, b.Len(), err)
	}
	return b.Bytes()
}

// find says all that an index finds in the documents.
func (x *published) find(t testing.TB, index *ngram.Index) (all []ngram.Finding) {
	t.Helper()
	state := ngram.NewMatcher(index, 1<<20).NewState()
	var n words.Normaliser
	var d fold.Document
	for i, text := range x.corpus {
		stream, count := n.Stream([]byte(text))
		d.Reset([]byte(text), stream, count, func() fold.Ref { return fold.NewRef(fmt.Sprint("d", i), "mem://c/x", int64(i)) })
		if x.config.Unit == fold.Tokens {
			d.Tokens = fieldTokens(t, text)
		}
		state.Add(&d)
	}
	finder := ngram.NewFinder(state, int64(len(x.corpus)), []int{5}, true)
	for i := range x.probes {
		all = append(all, finder.Find(i))
	}
	return all
}

var publishable = []ngram.Config{
	{MinWords: 5, MaxSources: 2}, {MinWords: 1, MaxSources: 2}, usual, {Unit: fold.Bytes, MinBytes: 12, MaxSources: 2},
	{Unit: fold.Tokens, MinWords: 4, MaxSources: 2},
}

// An index that was read finds what the one finds that was written, and is written as that was; and so is one that others have built.
func TestPublish(t *testing.T) {
	for _, c := range publishable {
		for every := 1; every <= ngram.MostEvery; every++ {
			x := publish(t, c, every, 60, 1)
			data := x.bytes(t, x.index)
			read, err := ngram.ReadIndex(t.Context(), bytes.NewReader(data), x.texts, c, x.sampling, 2)
			if err != nil {
				t.Fatalf("%+v, every %d: %v", c, every, err)
			}
			if !bytes.Equal(x.bytes(t, read), data) {
				t.Errorf("%+v, every %d: what was read is written otherwise", c, every)
			}
			if d := cmp.Diff(x.find(t, x.index), x.find(t, read)); d != "" {
				t.Errorf("%+v, every %d (-built +read):\n%s", c, every, d)
			}
			for _, workers := range []int{2, 7} {
				if other := publish(t, c, every, 60, workers); !bytes.Equal(other.bytes(t, other.index), data) {
					t.Errorf("%+v, every %d: %d workers have built another index", c, every, workers)
				}
			}
		}
	}
	none := publish(t, usual, 1, 0, 3)
	if _, err := ngram.ReadIndex(t.Context(), bytes.NewReader(none.bytes(t, none.index)), none.texts, usual, none.sampling, 2); err != nil {
		t.Errorf("the index of no probes: %v", err)
	}
}

// Many partitions, and probes that several workers share.
func TestPublishLarge(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	x := &published{config: usual, sampling: usual.Sampling(1)}
	x.probes = []*fold.Probe{work("book", prose(r, 1<<20)), work("p", prose(r, 1<<16))}
	var err error
	if x.texts, err = ngram.NewTexts(x.probes, fold.Words); err != nil {
		t.Fatal(err)
	}
	var data []byte
	for workers := 1; workers <= 3; workers++ {
		index, err := ngram.NewIndex(t.Context(), x.texts, usual, x.sampling, workers)
		if err != nil {
			t.Fatal(err)
		}
		if again := x.bytes(t, index); data == nil {
			data = again
		} else if !bytes.Equal(data, again) {
			t.Errorf("%d workers have built another index", workers)
		}
	}
	if _, err := ngram.ReadIndex(t.Context(), bytes.NewReader(data), x.texts, usual, x.sampling, 2); err != nil {
		t.Error(err)
	}
}

func TestReadIndexRefuses(t *testing.T) {
	x := publish(t, usual, 2, 60, 1)
	data := x.bytes(t, x.index)
	texts := func(change func(probes []*fold.Probe) []*fold.Probe) *ngram.Texts {
		other, err := ngram.NewTexts(change(publish(t, usual, 2, 60, 1).probes), fold.Words)
		if err != nil {
			t.Fatal(err)
		}
		return other
	}
	tight := usual
	tight.MinBytes = 61
	digest := "the palimpsest index of n-grams was made for another digest of the probes' texts"
	for _, c := range []struct {
		name     string
		data     []byte
		texts    *ngram.Texts
		config   ngram.Config
		sampling ngram.Sampling
		want     string
	}{
		{"another config", data, x.texts, tight, x.sampling, "made for another min_bytes: 60, not 61"},
		{"another sampling", data, x.texts, usual, usual.Sampling(3), "made for another stride"},
		{"another probe", data, texts(func(p []*fold.Probe) []*fold.Probe { return append(p, work("more", "")) }), usual, x.sampling,
			"made for another number of probes: 60, not 61"},
		{"another text", data, texts(func(p []*fold.Probe) []*fold.Probe { p[3].Text[0] = 'v'; return p }), usual, x.sampling, digest},
		{"another order", data, texts(func(p []*fold.Probe) []*fold.Probe { p[3], p[6] = p[6], p[3]; return p }), usual, x.sampling, digest},
		{"another kind of file", []byte(strings.Repeat("x", 1000)), x.texts, usual, x.sampling, "no palimpsest index of n-grams"},
		{"nothing", nil, x.texts, usual, x.sampling, "unexpected EOF"},
		{"half", data[:len(data)/2], x.texts, usual, x.sampling, "unexpected EOF"},
		{"all but a byte", data[:len(data)-1], x.texts, usual, x.sampling, "unexpected EOF"},
		{"more", append(bytes.Clone(data), 0), x.texts, usual, x.sampling, "goes on after its end"},
		{"a bit", flip(data, len(data)/2, 16), x.texts, usual, x.sampling, "digest"},
	} {
		_, err := ngram.ReadIndex(t.Context(), bytes.NewReader(c.data), c.texts, c.config, c.sampling, 2)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want one of %q", c.name, err, c.want)
		}
	}
	for n := range len(data) / 97 {
		if _, err := ngram.ReadIndex(t.Context(), bytes.NewReader(data[:97*n]), x.texts, usual, x.sampling, 2); err == nil {
			t.Fatalf("an index of which %d bytes are left is read", 97*n)
		}
	}
}

func flip(data []byte, at int, mask byte) []byte {
	data = bytes.Clone(data)
	data[at] ^= mask
	return data
}

// forge changes an index at a place, and gives it the digest of what it is then.
func forge(data []byte, at int, patch []byte) []byte {
	data = bytes.Clone(data)
	end := len(data) - 16
	for i, b := range patch {
		data[(at+i)%end] ^= b
	}
	sum := xxh3.Hash128(data[:end]).Bytes()
	copy(data[end:], sum[:])
	return data
}

// A forged index, whose digest is right, is an error or finds something; it never ends a run.
func TestForgedIndex(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	refused := 0
	for _, c := range publishable {
		x := publish(t, c, 1, 30, 1)
		data := x.bytes(t, x.index)
		if _, err := ngram.ReadIndex(t.Context(), bytes.NewReader(forge(data, 0, nil)), x.texts, c, x.sampling, 2); err != nil {
			t.Fatal(err)
		}
		for range 300 {
			if !x.survives(t, forge(data, r.IntN(len(data)), []byte{1 << r.IntN(8), byte(r.IntN(2) * r.IntN(256))})) {
				refused++
			}
		}
	}
	if refused == 0 {
		t.Error("no forged index is refused")
	}
}

// survives reports whether the index can be read; if so it is used.
func (x *published) survives(t testing.TB, data []byte) bool {
	index, err := ngram.ReadIndex(t.Context(), bytes.NewReader(data), x.texts, x.config, x.sampling, 2)
	if err != nil {
		return false
	}
	x.find(t, index)
	return true
}

func FuzzReadIndex(f *testing.F) {
	var all []*published
	var data [][]byte
	for _, c := range publishable {
		x := publish(f, c, 2, 6, 1)
		all, data = append(all, x), append(data, x.bytes(f, x.index))
	}
	f.Add(uint8(0), uint32(0), []byte{1})
	f.Add(uint8(1), uint32(300), []byte{255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, which uint8, at uint32, patch []byte) {
		i := int(which) % len(all)
		all[i].survives(t, forge(data[i], int(at), patch))
	})
}
