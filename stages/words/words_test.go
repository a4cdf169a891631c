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
	joined := join(want)
	for range 2 { // runes that are met, and runes that are known
		if got := stream(text); got != joined {
			t.Errorf("stream of %q is %q, want %q", text, got, joined)
		}
	}
}

func join(all []word) string {
	joined := " "
	for _, w := range all {
		joined += w.Key + " "
	}
	return joined
}

func oracleStream(text string) string { return join(oracle(text)) }

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

// TestEveryRune holds each rune of Unicode, alone and between letters, against the oracle: first when it is met, then when it is
// known.
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
		text := "a" + string(r) + "b " + string(r) + " 漢" + string(r)
		want := oracleStream(text)
		for range 2 {
			if dst = n.AppendStream(dst[:0], []byte(text)); string(dst) != want {
				t.Errorf("%U: stream %q, want %q", r, dst, want)
			}
		}
	}
}

// blocks are where runes change their neighbours: the letters and marks of each are tried in all pairs.
var blocks = []struct {
	name   string
	ranges [][2]rune
}{
	{"latin", [][2]rune{{'A', 'Z'}, {'a', 'z'}, {0xC0, 0x24F}, {0x1E00, 0x1EFF}, {0x300, 0x345}}},
	{"greek", [][2]rune{{0x370, 0x3FF}, {0x1F00, 0x1FFF}, {0x300, 0x315}, {0x342, 0x345}}},
	{"cyrillic", [][2]rune{{0x400, 0x489}, {0x300, 0x30F}}},
	{"hebrew", [][2]rune{{0x591, 0x5F4}, {0xFB1D, 0xFB4F}, {0x200C, 0x200F}}},
	{"arabic", [][2]rune{{0x600, 0x6FF}, {0x8A0, 0x8FF}, {0x200C, 0x200F}}},
	{"devanagari", [][2]rune{{0x900, 0x97F}, {0x200C, 0x200D}}},
	{"bengali, gurmukhi", [][2]rune{{0x980, 0xA7F}}},
	{"gujarati, oriya", [][2]rune{{0xA80, 0xB7F}}},
	{"tamil, telugu", [][2]rune{{0xB80, 0xC7F}}},
	{"kannada, malayalam, sinhala", [][2]rune{{0xC80, 0xDFF}}},
	{"thai, lao", [][2]rune{{0xE00, 0xEFF}, {'a', 'c'}}},
	{"tibetan", [][2]rune{{0xF00, 0xFFF}}},
	{"myanmar", [][2]rune{{0x1000, 0x109F}, {'a', 'c'}}},
	{"khmer", [][2]rune{{0x1780, 0x17FF}, {'a', 'c'}}},
	{"hangul", [][2]rune{{0x1100, 0x1112}, {0x115F, 0x1175}, {0x11A7, 0x11C2}, {0xAC00, 0xAC1F}}},
	{"kana", [][2]rune{{0x3041, 0x30FF}, {0xFF65, 0xFF9F}, {0x4E00, 0x4E02}}},
	{"balinese", [][2]rune{{0x1B00, 0x1B4B}}},
	{"brahmi and later", [][2]rune{{0x11080, 0x110BA}, {0x11127, 0x11132}, {0x11347, 0x11357}, {0x114B0, 0x114BD}, {0x115AF, 0x115B8}}},
}

func runesOf(ranges [][2]rune) []rune {
	var all []rune
	for _, bounds := range ranges {
		for r := bounds[0]; r <= bounds[1]; r++ {
			if unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.Cf) {
				all = append(all, r)
			}
		}
	}
	return all
}

// TestEveryPair holds the letters and marks of each block, in all pairs, after a letter that composes and after a lone one, against
// the oracle.
func TestEveryPair(t *testing.T) {
	if testing.Short() {
		t.Skip("seconds")
	}
	for _, block := range blocks {
		t.Run(block.name, func(t *testing.T) {
			t.Parallel()
			var n words.Normaliser
			all := runesOf(block.ranges)
			for _, first := range all {
				for _, second := range all {
					if unicode.IsLetter(first) && unicode.IsLetter(second) && second < 0x1100 {
						continue // two letters; the oracle has enough to do
					}
					pair := string(first) + string(second)
					text := pair + " क" + pair + "ก" + pair
					if got, want := n.AppendStream(nil, []byte(text)), oracleStream(text); string(got) != want {
						t.Errorf("%U %U: stream %q, want %q", first, second, got, want)
					}
				}
			}
		})
	}
}

// TestScripts holds random words of each block, with separators, invalid bytes and what other scripts begin with, against the
// oracle.
func TestScripts(t *testing.T) {
	for _, block := range blocks {
		t.Run(block.name, func(t *testing.T) {
			all := runesOf(block.ranges)
			piece := rapid.OneOf(
				rapid.Map(rapid.SampledFrom(all), func(r rune) string { return string(r) }),
				rapid.Map(rapid.SampledFrom(all), func(r rune) string { return string(r) }),
				rapid.Map(rapid.SampledFrom(all), func(r rune) string { return string(r) }),
				rapid.SampledFrom([]string{" ", ", ", "e", "Word", "a long stretch of ASCII", "漢", "ก", "\u0301", "\u0323", "\u00ad", "\u200d", "\xff", "\xe0\xa4", "\xc1\x81", "\xed\xa0\x80"}),
			)
			pieces := rapid.SliceOfN(piece, 0, 30)
			rapid.Check(t, func(t *rapid.T) { checkText(t, strings.Join(pieces.Draw(t, "pieces"), "")) })
		})
	}
}

// FuzzScripts draws its runes from the blocks: a byte picks one within the block of the first byte.
func FuzzScripts(f *testing.F) {
	for i := range blocks {
		f.Add([]byte{byte(i), 0, 1, 2, 250, 3, 77, 255, 9})
	}
	f.Fuzz(func(t *testing.T, picks []byte) {
		if len(picks) == 0 {
			return
		}
		all := runesOf(blocks[int(picks[0])%len(blocks)].ranges)
		var text []byte
		for _, p := range picks[1:] {
			switch p {
			case 255:
				text = append(text, ' ')
			case 254:
				text = append(text, "stretches"...)
			case 253:
				text = append(text, 0xE0)
			default:
				text = utf8.AppendRune(text, all[(int(p)*len(all)/253+len(text))%len(all)])
			}
		}
		if manyMarks(text) {
			t.Skip("the oracle's normaliser puts joiners into long runs of marks")
		}
		checkText(t, string(text))
	})
}

// samples are texts that benchmarks repeat.
var samples = []struct{ name, text string }{
	{"english", "The ferry left at seven; by noon the harbour was empty, and nobody on the quay could say who had been aboard. \"Ask the pilot,\" she said.\n"},
	{"typographic", "The ferry left at seven — by noon the harbour was empty, and nobody could say who’d been aboard. “Ask the pilot,” she said…\n"},
	{"code", "\tfor i, probe := range index.probes {\n\t\tif n := len(probe.Text); n >= least { // long enough\n\t\t\ttotal[i] += n * 2\n\t\t}\n\t}\n"},
	{"french", "L’été dernier, à l’orée de la forêt où naît le ruisseau, nous étions émus : personne n’avait gardé la clé du vieux château.\n"},
	{"german", "Über den Dächern wehte ein kühler Wind; die Straße war leer, und niemand wusste, wem der große Schlüssel gehörte.\n"},
	{"vietnamese", "Chiếc phà rời bến lúc bảy giờ; đến trưa, bến cảng vắng tanh và không ai biết những người trên tàu là ai.\n"},
	{"russian", "Паром ушёл в семь часов; к полудню гавань опустела, и никто на причале не мог сказать, кто был на борту.\n"},
	{"greek", "Το πλοίο έφυγε στις επτά· το μεσημέρι το λιμάνι ήταν άδειο και κανείς δεν ήξερε ποιος ήταν μέσα.\n"},
	{"arabic", "غادرت العبارة في الساعة السابعة، وعند الظهر كان الميناء خاليا ولم يعرف أحد من كان على متنها.\n"},
	{"hebrew", "המעבורת יצאה בשבע; בצהריים היה הנמל ריק, ואיש על הרציף לא ידע מי היה על סיפונה.\n"},
	{"hindi", "नौका सात बजे चली गई; दोपहर तक बंदरगाह खाली था और घाट पर कोई नहीं बता सका कि उस पर कौन सवार था, ज़रा भी नहीं।\n"},
	{"bengali", "নৌকাটি সাতটায় ছেড়ে গেল; দুপুরের মধ্যে বন্দর খালি হয়ে গেল, আর ঘাটে কেউ বলতে পারল না কে তাতে ছিল।\n"},
	{"thai", "เรือข้ามฟากออกไปตอนเจ็ดโมง พอเที่ยงท่าเรือก็ว่างเปล่า ไม่มีใครบอกได้ว่ามีใครอยู่บนเรือบ้าง\n"},
	{"korean", "배는 일곱 시에 떠났다. 정오가 되자 항구는 텅 비었고, 부두의 누구도 배에 누가 탔는지 말하지 못했다.\n"},
	{"chinese", "渡船七点钟开走了；到了中午，码头上空无一人，谁也说不出船上坐的是什么人。\n"},
	{"japanese", "渡し船は七時に出た。正午には港はがらんとして、桟橋にいた者は誰ひとり、船に誰が乗っていたのか言えなかった。\n"},
	{"decomposed", "L’e\u0301te\u0301 dernier, a\u0300 l’ore\u0301e de la fore\u0302t ou\u0300 nai\u0302t le ruisseau.\n"},
}

func BenchmarkStream(b *testing.B) {
	for _, c := range samples {
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

func BenchmarkLocate(b *testing.B) {
	for _, c := range samples {
		text := bytes.Repeat([]byte(c.text), 4096/len(c.text)+1)
		b.Run(c.name, func(b *testing.B) {
			var n words.Normaliser
			_, count := n.Stream(text)
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				n.Locate(text, []int64{count - 1})
			}
		})
	}
}
