package words_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"palimpsest/stages/words"
)

type word struct {
	Key string
	At  words.Range
}

func scan(text string) []word {
	var n words.Normaliser
	var all []word
	n.Scan([]byte(text), func(key []byte, at words.Range) bool {
		all = append(all, word{string(key), at})
		return true
	})
	return all
}

func stream(text string) string {
	var n words.Normaliser
	s, _ := n.Stream([]byte(text))
	return string(s)
}

func TestWords(t *testing.T) {
	for _, c := range []struct {
		name, text, stream string
		at                 []words.Range
	}{
		{"empty", "", " ", nil},
		{"separators only", " -- …\n", " ", nil},
		{"case and punctuation", "Alpha - BETA", " alpha beta ", []words.Range{{0, 5}, {8, 12}}},
		{"digits join letters", "x2 3.14", " x2 3 14 ", []words.Range{{0, 2}, {3, 4}, {5, 7}}},
		{"underscore separates", "a_b", " a b ", []words.Range{{0, 1}, {2, 3}}},
		{"soft hyphen is skipped", "co\u00adop", " coop ", []words.Range{{0, 6}}},
		{"format characters at the edges do not count", "\ufeffa\u200d b", " a b ", []words.Range{{3, 4}, {8, 9}}},
		{"a decomposed letter is the composed one", "E\u0301t\u00e9", " \u00e9t\u00e9 ", []words.Range{{0, 6}}},
		{"sharp s", "STRASSE straße", " strasse strasse ", []words.Range{{0, 7}, {8, 15}}},
		{"final sigma", "ΕΛΛΆΣ ελλάς", " ελλάσ ελλάσ ", []words.Range{{0, 10}, {11, 21}}},
		{"dotted capital i", "İ", " i\u0307 ", []words.Range{{0, 2}}},
		{"ligature and full width", "ﬁn ＦＵＬＬ Ⅳ x²", " fin full iv x2 ", []words.Range{{0, 4}, {5, 17}, {18, 21}, {22, 25}}},
		{"a ligature that decomposes to words is one", "ﷺ", " صلىاللهعليهوسلم ", []words.Range{{0, 3}}},
		{"each ideograph is a word", "漢字a1", " 漢 字 a1 ", []words.Range{{0, 3}, {3, 6}, {6, 8}}},
		{"letters before an ideograph", "ab漢", " ab 漢 ", []words.Range{{0, 2}, {2, 5}}},
		{"marks attach to a Thai letter", "ที่นี่", " ที่ นี่ ", []words.Range{{0, 9}, {9, 18}}},
		{"cherokee folds to capitals", "Ꭰꭰ ᏸ", " ᎠᎠ Ᏸ ", []words.Range{{0, 6}, {7, 10}}},
		{"invalid bytes separate", "a\xffb \xe2\x82", " a b ", []words.Range{{0, 1}, {2, 3}}},
		{"the replacement character separates", "a\ufffdb", " a b ", []words.Range{{0, 1}, {4, 5}}},
		{"a square that is a word only inside", "㍿ ㎏", " ", nil},
		{"accent over a long ASCII word", "internationalise\u0301", " internationalisé ", []words.Range{{0, 18}}},
		{"more marks than a streaming normaliser takes", "a" + strings.Repeat("\u0301", 40), " á" + strings.Repeat("\u0301", 39) + " ",
			[]words.Range{{0, 81}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := stream(c.text); got != c.stream {
				t.Errorf("stream %q, want %q", got, c.stream)
			}
			var at []words.Range
			for _, w := range scan(c.text) {
				at = append(at, w.At)
			}
			if d := cmp.Diff(c.at, at); d != "" {
				t.Errorf("ranges (-want +got):\n%s", d)
			}
		})
	}
}

// TestVectors holds the words of the shared vectors' probes against their keys and byte ranges.
func TestVectors(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "vectors", "spans.json"))
	if err != nil {
		t.Skip("the shared vectors are absent: ", err)
	}
	var vectors struct {
		Cases []struct {
			Probe     string
			Keys      []string
			WordBytes [][2]int64 `json:"word_bytes"`
		}
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	for i, c := range vectors.Cases {
		var want []word
		for j, k := range c.Keys {
			want = append(want, word{k, words.Range{Start: c.WordBytes[j][0], End: c.WordBytes[j][1]}})
		}
		if d := cmp.Diff(want, scan(c.Probe)); d != "" {
			t.Errorf("case %d (-want +got):\n%s", i, d)
		}
	}
}

// oracle is methods, section 1, word for word, as slow as it likes.
func oracle(text string) []word {
	lone := func(r rune) bool {
		return unicode.IsLetter(r) && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
	}
	counts := func(r rune) bool { return unicode.In(r, unicode.L, unicode.M, unicode.N) }
	var all []word
	var run []rune
	var at words.Range
	flush := func() {
		key := norm.NFKC.String(string(run))
		var folded strings.Builder
		for _, r := range key {
			if unicode.Is(unicode.Cherokee, r) {
				folded.WriteRune(unicode.ToUpper(r)) // package cases folds Cherokee the wrong way
			} else {
				folded.WriteString(cases.Fold().String(string(r)))
			}
		}
		key = strings.Map(func(r rune) rune {
			if counts(r) {
				return r
			}
			return -1
		}, norm.NFKC.String(folded.String()))
		if key != "" {
			all = append(all, word{key, at})
		}
		run = nil
	}
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		valid := r != utf8.RuneError || size > 1
		switch {
		case valid && unicode.Is(unicode.Cf, r):
		case !valid || !counts(r):
			flush()
		default:
			if len(run) > 0 && (lone(r) || lone(run[0]) && !unicode.IsMark(r)) {
				flush()
			}
			if len(run) == 0 {
				at.Start = int64(i)
			}
			run = append(run, r)
			at.End = int64(i + size)
		}
		i += size
	}
	flush()
	return all
}

// texts draws texts whose words meet at every kind of seam.
func texts() *rapid.Generator[string] {
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{" ", "a", "B", "e", "7", "word", "\u0301", "\u0323", "\u00ad", "\u200d", "é", "ß", "ς", "İ", "漢", "か", "\u3099", "ไ", "\u0e35",
			"ﬁ", "ﷺ", "Ⅳ", "한", "\u1112", "\u1161", "\u11ab", "हि", "\u094d", "\u093c", "क", "—", "\xff", "\xe2\x82", "\ufffd", "ꭰ", "Ꭰ", "ᏸ", "ﾞ", "ｶ", "㍿", "½", "\u0345", "ᾳ", "ŉ", "ǰ"}),
		rapid.Map(rapid.Rune(), func(r rune) string { return string(r) }),
	)
	return rapid.Map(rapid.SliceOfN(piece, 0, 40), func(p []string) string { return strings.Join(p, "") })
}

func TestOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { checkText(t, texts().Draw(t, "text")) })
}

func checkText(t interface {
	Helper()
	Errorf(string, ...any)
}, text string) {
	t.Helper()
	want := oracle(text)
	if d := cmp.Diff(want, scan(text)); d != "" {
		t.Errorf("words of %q (-want +got):\n%s", text, d)
	}
	joined := " "
	for _, w := range want {
		joined += w.Key + " "
	}
	if got := stream(text); got != joined {
		t.Errorf("stream of %q is %q, want %q", text, got, joined)
	}
}

func FuzzWords(f *testing.F) {
	f.Add([]byte("Don't co\u00adop e\u0301té 漢字 ที่ \xff"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if strings.Count(norm.NFKD.String(string(text)), "") > 4*len(text)+64 || manyMarks(text) {
			t.Skip("the oracle's normaliser puts joiners into long runs of marks")
		}
		checkText(t, string(text))
	})
}

func manyMarks(text []byte) bool {
	run := 0
	for _, r := range norm.NFKD.String(string(text)) {
		if norm.NFD.PropertiesString(string(r)).CCC() != 0 || unicode.Is(unicode.Cf, r) {
			if run++; run > 20 {
				return true
			}
		} else {
			run = 0
		}
	}
	return false
}

func TestLocate(t *testing.T) {
	var n words.Normaliser
	got := n.Locate([]byte("One, two; café 漢字."), []int64{1, 2, 2, 4})
	want := []words.Range{{5, 8}, {10, 15}, {10, 15}, {19, 22}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestEveryRune holds each rune of Unicode, alone and between letters, against the oracle.
func TestEveryRune(t *testing.T) {
	if testing.Short() {
		t.Skip("seconds")
	}
	var n words.Normaliser
	var dst []byte
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) || !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.Cf) {
			continue
		}
		text := "a" + string(r) + "b " + string(r)
		joined := " "
		for _, w := range oracle(text) {
			joined += w.Key + " "
		}
		if dst = n.AppendStream(dst[:0], []byte(text)); string(dst) != joined {
			t.Errorf("%U: stream %q, want %q", r, dst, joined)
		}
	}
}

func BenchmarkStream(b *testing.B) {
	for _, c := range []struct{ name, text string }{
		{"english", "The Vault code of a is 1 2 3; it was the best of times, it was the worst of times.\n"},
		{"french", "L’été dernier, à l’orée de la forêt, où naît le ruisseau, nous étions émus.\n"},
		{"russian", "Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему.\n"},
		{"hindi", "सभी मनुष्य जन्म से स्वतंत्र तथा मर्यादा और अधिकारों में समान होते हैं।\n"},
		{"chinese", "人人生而自由，在尊嚴和權利上一律平等。他們賦有理性和良心。\n"},
	} {
		text := bytes.Repeat([]byte(c.text), 4096/len(c.text)+1)
		b.Run(c.name, func(b *testing.B) {
			var n words.Normaliser
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				n.Stream(text)
			}
		})
	}
}
