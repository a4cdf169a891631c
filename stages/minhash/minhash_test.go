package minhash_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"palimpsest/stages/minhash"
	"palimpsest/stages/words"
)

// vector is a text with what datasketch and datatrove give for its shingles. .ci/interop/minhash.py makes them.
type vector struct {
	Name, Text string
	Shingles   int64
	signatures map[string]signed
}

// signed is a signature in hexadecimal: how it begins, and the digest of all of it.
type signed struct{ Starts, SHA256 string }

func (v *vector) UnmarshalJSON(b []byte) error {
	type plain vector
	if err := json.Unmarshal(b, (*plain)(v)); err != nil {
		return err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	v.signatures = make(map[string]signed)
	for _, name := range minhash.Names() {
		if raw, ok := all[name]; ok {
			var s signed
			if err := json.Unmarshal(raw, &s); err != nil {
				return err
			}
			v.signatures[name] = s
		}
	}
	return nil
}

func signer(t testing.TB, name string) (*minhash.Signer, minhash.Profile) {
	t.Helper()
	p, ok := minhash.Lookup(name)
	if !ok {
		t.Fatalf("no profile %s", name)
	}
	return minhash.NewSigner(p), p
}

// sign signs a text and returns the signature in hexadecimal.
func sign(s *minhash.Signer, p minhash.Profile, text string) (string, int64) {
	var n words.Normaliser
	stream, _ := n.Stream([]byte(text))
	signature, shingles := s.Sign(stream)
	return string(p.AppendHex(nil, signature)), shingles
}

func TestVectors(t *testing.T) {
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	for _, name := range minhash.Names() {
		s, p := signer(t, name)
		for _, v := range vectors {
			got, shingles := sign(s, p, v.Text)
			if shingles != v.Shingles {
				t.Errorf("%s, %s: %d shingles, want %d", name, v.Name, shingles, v.Shingles)
			}
			want, ok := v.signatures[name]
			switch sum := sha256.Sum256([]byte(got)); {
			case !ok && got != "":
				t.Errorf("%s, %s: a text without words has the signature %s", name, v.Name, got)
			case ok && (!strings.HasPrefix(got, want.Starts) || hex.EncodeToString(sum[:]) != want.SHA256):
				t.Errorf("%s, %s: the signature is %.64s..., want %s... with digest %s", name, v.Name, got, want.Starts, want.SHA256)
			}
		}
	}
}

// The order of shingles and their repeats change nothing: paragraphs of more than 5 words, set apart by a word of their own each,
// are put in another order and written twice.
func TestSetOfShingles(t *testing.T) {
	for _, name := range minhash.Names() {
		s, p := signer(t, name)
		rapid.Check(t, func(t *rapid.T) {
			paragraphs := rapid.SliceOfN(rapid.SliceOfN(rapid.SampledFrom(vocabulary), 5, 40), 1, 30).Draw(t, "paragraphs")
			order := rapid.Permutation(indices(len(paragraphs))).Draw(t, "order")
			cycle := func(order []int) string { // a closed walk: every paragraph begins and ends with the same 4 words
				var b strings.Builder
				for _, i := range order {
					fmt.Fprintf(&b, "%s %s ", gate, strings.Join(paragraphs[i], " "))
				}
				return b.String() + gate
			}
			plain, n := sign(s, p, cycle(indices(len(paragraphs))))
			shuffled, m := sign(s, p, cycle(slices.Concat(order, order)))
			if plain != shuffled || n != m {
				t.Fatalf("%s: %d and %d shingles, signatures %.32s and %.32s", name, n, m, plain, shuffled)
			}
		})
	}
}

const gate = "this gate is open"

var vocabulary = append(strings.Fields("a b c d the cat sat on mat été straße 羊 皮 palimpsest"), strings.Repeat("long", 12), strings.Repeat("longer", 15))

func indices(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// A signer that has signed other texts signs as a new one does.
func TestReuse(t *testing.T) {
	texts := []string{strings.Repeat("a b c d e f g ", 1000), "", "one", "the cat sat on the mat", numbers(0, 20_000), "one two three four"}
	for _, name := range minhash.Names() {
		used, p := signer(t, name)
		for _, text := range texts {
			fresh, _ := signer(t, name)
			want, n := sign(fresh, p, text)
			if got, m := sign(used, p, text); got != want || m != n {
				t.Errorf("%s: %.30q: %.32s of %d shingles after other texts, %.32s of %d alone", name, text, got, m, want, n)
			}
		}
	}
}

// numbers is a text of the numbers from first to before last.
func numbers(first, last int) string {
	var b strings.Builder
	for i := first; i < last; i++ {
		fmt.Fprintf(&b, "%d ", i)
	}
	return b.String()
}

// A text of over a million shingles, whose repeats are found by sorting.
func TestManyShingles(t *testing.T) {
	if testing.Short() {
		t.Skip("signs a text of 2 million words")
	}
	s, p := signer(t, "datasketch-128")
	const n = 1_100_000
	once, shingles := sign(s, p, numbers(0, n))
	if shingles != n-4 {
		t.Errorf("%d shingles, want %d", shingles, n-4)
	}
	twice, shingles := sign(s, p, numbers(0, n)+numbers(0, n))
	if shingles != n { // 4 more run over the seam
		t.Errorf("%d shingles, want %d", shingles, n)
	}
	if same := agreement(p, once, twice); same < .95 {
		t.Errorf("%v of the values agree", same)
	}
}

// agreement returns the share of values that two signatures have in common: the estimate of the Jaccard similarity.
func agreement(p minhash.Profile, a, b string) float64 {
	same, digits := 0, p.Bits/4
	for i := 0; i < len(a); i += digits {
		if a[i:i+digits] == b[i:i+digits] {
			same++
		}
	}
	return float64(same) / float64(p.Values())
}

// The estimate is close to the similarity. Of n values its standard error is sqrt(j(1-j)/n), so that none of 60 pairs is further off
// than 4.5 of them, and their mean not further than 4.5 of its own.
func TestEstimate(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, name := range minhash.Names() {
		s, p := signer(t, name)
		var sum, variance float64
		const pairs = 60
		for range pairs {
			first := random.IntN(1 << 30)
			size, shift := 50+random.IntN(500), random.IntN(400)
			// The shingles of a run of numbers are told apart by their first number.
			a, _ := sign(s, p, numbers(first, first+size+4))
			b, _ := sign(s, p, numbers(first+shift, first+shift+size+4))
			common := float64(max(size-shift, 0))
			j := common / (2*float64(size) - common)
			estimate, deviation := agreement(p, a, b), math.Sqrt(j*(1-j)/float64(p.Values()))
			if math.Abs(estimate-j) > 4.5*deviation+1e-9 {
				t.Errorf("%s: %d shingles, %v in common: estimate %v, similarity %v", name, size, common, estimate, j)
			}
			sum += estimate - j
			variance += deviation * deviation
		}
		if math.Abs(sum) > 4.5*math.Sqrt(variance) {
			t.Errorf("%s: the estimate is off by %v in the mean", name, sum/pairs)
		}
	}
}

// The bands of a profile fit its values.
func TestProfiles(t *testing.T) {
	for _, name := range minhash.Names() {
		_, p := signer(t, name)
		if p.Bands*p.Rows > p.Values() || p.BandDigits() != p.Rows*p.Bits/4 {
			t.Errorf("%s: %d bands of %d of %d values, %d digits", name, p.Bands, p.Rows, p.Values(), p.BandDigits())
		}
	}
	if _, ok := minhash.Lookup("datasketch"); ok {
		t.Error("a profile that is none")
	}
}

func TestNoAllocation(t *testing.T) {
	var n words.Normaliser
	stream, _ := n.Stream([]byte(numbers(0, 5000)))
	stream = bytes.Clone(stream)
	for _, name := range minhash.Names() {
		s, _ := signer(t, name)
		s.Sign(stream)
		if allocations := testing.AllocsPerRun(10, func() { s.Sign(stream) }); allocations != 0 {
			t.Errorf("%s: %v allocations", name, allocations)
		}
	}
}

// BenchmarkSignature signs documents of 500 words.
func BenchmarkSignature(b *testing.B) {
	random := rand.New(rand.NewPCG(3, 4))
	const documents, size = 64, 500
	streams, total := make([][]byte, documents), 0
	var n words.Normaliser
	for i := range streams {
		var text strings.Builder
		for range size {
			for range 1 + random.IntN(8) {
				text.WriteByte(byte('a' + random.IntN(26)))
			}
			text.WriteByte(' ')
		}
		stream, _ := n.Stream([]byte(text.String()))
		streams[i] = bytes.Clone(stream)
		total += len(stream)
	}
	for _, name := range minhash.Names() {
		b.Run(name, func(b *testing.B) {
			s, _ := signer(b, name)
			b.SetBytes(int64(total / documents))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				s.Sign(streams[i%documents])
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*(size-4)), "ns/shingle")
		})
	}
}
