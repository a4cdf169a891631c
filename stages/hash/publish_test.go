package hash_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zeebo/xxh3"

	"palimpsest/stages/fold"
	"palimpsest/stages/hash"
	"palimpsest/stages/words"
)

// alikeProbes are texts of which many are near others, some the same in their words, some short, some empty.
func alikeProbes() (probes []*fold.Probe) {
	r := rand.New(rand.NewPCG(6, 6))
	licence := english(r, 60)
	for i := range 80 {
		w := slices.Concat(licence[:r.IntN(60)], english(r, r.IntN(30)))
		switch {
		case i%5 == 4:
			w = slices.Clone(strings.Fields(strings.ToUpper(string(probes[i-1].Text))))
		case i%7 == 6:
			w = append(strings.Fields(string(probes[i-2].Text)), "more")
		case i%11 == 10:
			w = w[:min(i%4, len(w))]
		}
		probes = append(probes, &fold.Probe{ID: fmt.Sprint("p", i), Kind: fold.Work, Text: []byte(strings.Join(w, " "))})
	}
	return probes
}

func publish(t testing.TB, x *hash.Index) []byte {
	t.Helper()
	var b bytes.Buffer
	if n, err := x.WriteTo(&b); err != nil || n != int64(b.Len()) {
		t.Fatal(n, b.Len(), err)
	}
	return b.Bytes()
}

// find counts what an index finds in the probes themselves, and in what is nearly the same.
func find(x *hash.Index, probes []*fold.Probe) (all []hash.Counts) {
	s := hash.NewState(x)
	var n words.Normaliser
	var d fold.Document
	for i := range 2 * len(probes) {
		text := slices.Clone(probes[i/2].Text)
		if i%2 == 1 {
			text = append(text, " and more"...)
		}
		stream, count := n.Stream(text)
		d.Reset(text, stream, count, func() fold.Ref { return fold.NewRef("", "mem://c/x", int64(i)) })
		s.Add(&d)
	}
	for i := range probes {
		all = append(all, s.Counts(i))
	}
	return all
}

func TestPublish(t *testing.T) {
	for _, near := range []float64{.3, .8, 1} {
		probes := alikeProbes()
		built, err := hash.NewIndex(t.Context(), probes, near)
		if err != nil {
			t.Fatal(err)
		}
		data := publish(t, built)
		read, err := hash.ReadIndex(t.Context(), bytes.NewReader(data), probes, near)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(publish(t, read), data) {
			t.Error("what was read is written otherwise")
		}
		if d := cmp.Diff(find(built, probes), find(read, probes)); d != "" {
			t.Errorf("(-built +read):\n%s", d)
		}
	}
}

// Of no probes there is an index, and where near-duplicates are not looked for nothing is published.
func TestPublishNothing(t *testing.T) {
	for _, c := range []struct {
		near  float64
		empty bool
	}{{0, true}, {.8, false}} {
		built, err := hash.NewIndex(t.Context(), nil, c.near)
		if err != nil {
			t.Fatal(err)
		}
		data := publish(t, built)
		if (len(data) == 0) != c.empty {
			t.Errorf("least similarity %v: %d bytes", c.near, len(data))
		}
		if _, err := hash.ReadIndex(t.Context(), bytes.NewReader(data), nil, c.near); err != nil {
			t.Error(err)
		}
	}
}

func TestReadIndexRefuses(t *testing.T) {
	probes := alikeProbes()
	built, err := hash.NewIndex(t.Context(), probes, .8)
	if err != nil {
		t.Fatal(err)
	}
	data := publish(t, built)
	other := alikeProbes()
	other[0].Text = append(other[0].Text, " x"...)
	for _, c := range []struct {
		name   string
		data   []byte
		probes []*fold.Probe
		near   float64
		want   string
	}{
		{"another similarity", data, probes, .7, "made for another least similarity"},
		{"another number", data, probes[:70], .8, "made for another number of texts"},
		{"another text", data, other, .8, "made for another digest of the probes' words"},
		{"another kind of file", bytes.Repeat([]byte("x"), 1000), probes, .8, "no palimpsest index of near-duplicates"},
		{"half", data[:len(data)/2], probes, .8, "unexpected EOF"},
		{"more", append(bytes.Clone(data), 0), probes, .8, "goes on after its end"},
	} {
		if _, err := hash.ReadIndex(t.Context(), bytes.NewReader(c.data), c.probes, c.near); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want one of %q", c.name, err, c.want)
		}
	}
	for at := 0; at < len(data); at += 61 {
		changed := bytes.Clone(data)
		changed[at] ^= 1 << (at % 8)
		for _, data := range [][]byte{data[:at], changed} {
			if _, err := hash.ReadIndex(t.Context(), bytes.NewReader(data), probes, .8); err == nil {
				t.Fatalf("an index that was changed at byte %d of %d is read", at, len(data))
			}
		}
	}
}

// FuzzReadIndex changes an index and gives it the digest of what it is then. It is an error, or finds something; it never ends a run.
func FuzzReadIndex(f *testing.F) {
	probes := alikeProbes()
	built, err := hash.NewIndex(f.Context(), probes, .5)
	if err != nil {
		f.Fatal(err)
	}
	original := publish(f, built)
	for at := 0; at < len(original); at += 101 {
		f.Add(uint32(at), []byte{1, 0, 0, 128})
	}
	f.Fuzz(func(t *testing.T, at uint32, patch []byte) {
		data := bytes.Clone(original)
		end := len(data) - 16
		for i, b := range patch {
			data[(int(at)+i)%end] ^= b
		}
		sum := xxh3.Hash128(data[:end]).Bytes()
		copy(data[end:], sum[:])
		if x, err := hash.ReadIndex(t.Context(), bytes.NewReader(data), probes, .5); err == nil {
			find(x, probes)
		}
	})
}
