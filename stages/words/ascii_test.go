package words

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// asciiOracle is the contract of appendASCII a byte at a time.
func asciiOracle(dst, text []byte, i int) ([]byte, int) {
	for ; i < len(text) && text[i] < 0x80; i++ {
		c := text[i]
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		default:
			c = ' '
		}
		if c != ' ' || dst[len(dst)-1] != ' ' {
			dst = append(dst, c)
		}
	}
	return dst, i
}

// asciiPaths are the forms of appendASCII that this build and this processor have.
var asciiPaths = map[string]func(dst, text []byte, i int) ([]byte, int){
	"portable": portableASCII,
	"chosen":   appendASCII,
}

// checkASCII holds every form of appendASCII against the oracle, on text[i:] after begun, in a slice with so much room to spare.
// Bytes beyond what a form returns may change, but only within that slice's capacity.
func checkASCII(t interface {
	Helper()
	Errorf(string, ...any)
}, begun string, text []byte, i, room int) {
	t.Helper()
	want, wantNext := asciiOracle([]byte(begun), text, i)
	for name, path := range asciiPaths {
		memory := bytes.Repeat([]byte{0xA5}, len(begun)+room+128)
		copy(memory, begun)
		whole := bytes.Clone(text)
		got, next := path(memory[:len(begun):len(begun)+room], text, i)
		if further := name == "chosen" && wide; further && next > wantNext && bytes.HasPrefix(got, want) {
			// What it made of the rest is for the tests of whole texts.
		} else if next != wantNext || !bytes.Equal(got, want) {
			t.Errorf("%s: %q[%d:] after %q gives %q up to %d, want %q up to %d", name, text, i, begun, got, next, want, wantNext)
		}
		if beyond := memory[len(begun)+room:]; !bytes.Equal(beyond, bytes.Repeat([]byte{0xA5}, len(beyond))) {
			t.Errorf("%s: %q[%d:] wrote beyond its slice", name, text, i)
		}
		if !bytes.Equal(text, whole) {
			t.Errorf("%s: %q[%d:] changed the text", name, text, i)
		}
	}
}

// asciiBytes draws the bytes where the forms could differ: runs of separators, edges of the ranges, the end of ASCII.
func asciiBytes() *rapid.Generator[[]byte] {
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{" ", "  ", "\n\t\t", "word", "Word", ", ", "; (", "        ", "x", "/09:@AZ[`az{", "\x00\x10\x1f\x7f", "it's", "\x80", "é", "—"}),
		rapid.StringMatching(`[ -~]{0,20}`),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 9), func(b []byte) string { return string(b) }),
	)
	return rapid.Map(rapid.SliceOfN(piece, 0, 60), func(pieces []string) []byte {
		var b []byte
		for _, p := range pieces {
			b = append(b, p...)
		}
		return b
	})
}

func TestASCII(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := asciiBytes().Draw(t, "text")
		begun := rapid.SampledFrom([]string{" ", " begun", " begun "}).Draw(t, "begun")
		checkASCII(t, begun, text, rapid.IntRange(0, len(text)).Draw(t, "i"), rapid.IntRange(0, 400).Draw(t, "room"))
	})
}

// TestASCIIEveryLength goes over every length up to four blocks and every alignment to a block, with the first non-ASCII byte at
// the end or at a random place.
func TestASCIIEveryLength(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const some = "aZ09  \t\n.,-"
	text := make([]byte, 64+300)
	for length := range 301 {
		for at := range 64 {
			for k := range text {
				text[k] = byte(random.IntN(128))
				if at%2 == 0 {
					text[k] = some[random.IntN(len(some))]
				}
			}
			part := text[: at+length : at+length]
			if length > 0 && at%3 == 0 {
				part[at+random.IntN(length)] = 0x80
			}
			checkASCII(t, []string{" ", " a"}[at%2], part, at, length)
		}
	}
}

// TestASCIIEveryPair goes over every two bytes of ASCII, after a letter and after a space.
func TestASCIIEveryPair(t *testing.T) {
	for _, between := range []string{"xy", "x "} {
		for first := range 128 {
			var text []byte
			for second := range 128 {
				text = append(append(text, between...), byte(first), byte(second))
			}
			checkASCII(t, " ", text, 0, 0)
		}
	}
}

// TestWideIsPortable compares the streams of the two forms over texts in which everything that stops the wide one meets, at every
// place of a block.
func TestWideIsPortable(t *testing.T) {
	if !wide {
		t.Skip("this build or this processor has no wide form")
	}
	chosen := appendASCII
	defer func() { appendASCII, wide = chosen, true }()
	piece := rapid.SampledFrom([]string{" ", "word", "The Word", ", ", "\n\t\t", "é", "É", "ß", "Ж", "ж", "Й", "ё", "ا", "ّ", "َ", "،", "א", "ִ", "ς", "Σ", "ǆ", "\u00a0", "«", "»",
		"\u00ad", "—", "’", "…", "\u200b", "\u2060", "‰", "€", "\u0301", "\u0308", "漢", "。", "क", "्", "𐐀", "\xc3", "\xe2\x80", "\xe2", "\x80", "\xc1\x81", "\xf0\x9f"})
	rapid.Check(t, func(t *rapid.T) {
		var text []byte
		for _, p := range rapid.SliceOfN(piece, 0, 120).Draw(t, "pieces") {
			text = append(text, p...)
		}
		var n Normaliser
		appendASCII, wide = chosen, true
		got := n.AppendStream(nil, text)
		appendASCII, wide = portableASCII, false
		if want := n.AppendStream(nil, text); !bytes.Equal(got, want) {
			t.Errorf("%q: wide %q, portable %q", text, got, want)
		}
	})
}

func FuzzASCII(f *testing.F) {
	f.Add(true, 3, []byte("if err != nil {\n\t\treturn nil, fmt.Errorf(\"%s: %w\", name, err)\n\t}\n"))
	f.Add(false, 0, []byte("The vault, they said -- caf\xc3\xa9 ..."))
	f.Fuzz(func(t *testing.T, within bool, i int, text []byte) {
		begun := " "
		if within {
			begun = " w"
		}
		checkASCII(t, begun, text, min(max(i, 0), len(text)), 0)
	})
}

func BenchmarkASCII(b *testing.B) {
	for name, text := range map[string]string{
		"prose": "The Vault code of A is 1 2 3; it was the best of times, it was the worst of times, \"perhaps\".\n",
		"code":  "\tfor i := range x.probes {\n\t\tif n := len(x.probes[i].Text); n > 0 { // not empty\n\t\t\ttotal += n\n\t\t}\n\t}\n",
	} {
		text := bytes.Repeat([]byte(text), 4096/len(text)+1)
		for path, append := range asciiPaths {
			b.Run(fmt.Sprintf("%s/%s", name, path), func(b *testing.B) {
				dst := make([]byte, 1, 2*len(text))
				dst[0] = ' '
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					append(dst, text, 0)
				}
			})
		}
	}
}
