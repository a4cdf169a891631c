package tokens_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"palimpsest/stages/tokens"
	"palimpsest/stages/words"
)

func TestStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOfN(rapid.Int64Range(0, tokens.Most-1), 0, 40).Draw(t, "ids")
		stream, err := tokens.AppendStream([]byte("before"), ids)
		if err != nil {
			t.Fatal(err)
		}
		stream = stream[len("before"):]
		text := tokens.Text{Stream: stream}
		if n := int64(len(ids)); text.Len() != n || words.Count(stream) != n || int64(len(stream)) != tokens.Size(n) {
			t.Fatalf("%d ids give %q: %d tokens, %d words", n, stream, text.Len(), words.Count(stream))
		}
		for k, key := range bytes.Split(bytes.Trim(stream, " "), []byte(" ")) {
			if len(ids) == 0 {
				break
			}
			id := int64(key[0]&0x7F)<<14 | int64(key[1]&0x7F)<<7 | int64(key[2]&0x7F)
			if len(key) != tokens.Width || id != ids[k] {
				t.Fatalf("the key of %d is %q", ids[k], key)
			}
		}
	})
	if empty, _ := tokens.AppendStream(nil, nil); string(empty) != tokens.Empty {
		t.Errorf("no tokens have the stream %q", empty)
	}
	for _, id := range []int64{-1, tokens.Most, 1 << 62} {
		if _, err := tokens.AppendStream(nil, []int64{5, id}); err == nil || !strings.Contains(err.Error(), "token 1") {
			t.Errorf("id %d: %v", id, err)
		}
	}
}

func TestCheckOffsets(t *testing.T) {
	for _, c := range []struct {
		offsets []int64
		n, size int
		ok      bool
	}{
		{nil, 0, 5, true},
		{[]int64{0, 2, 2, 5}, 4, 5, true},
		{[]int64{0, 2}, 3, 5, false},
		{[]int64{0, 3, 2}, 3, 5, false},
		{[]int64{-1, 3}, 2, 5, false},
		{[]int64{0, 6}, 2, 5, false},
	} {
		if err := tokens.CheckOffsets(c.offsets, c.n, c.size); (err == nil) != c.ok {
			t.Errorf("%v of %d tokens in %d bytes: %v", c.offsets, c.n, c.size, err)
		}
	}
}

// vocabulary has the bytes of token i at i; none for 0, an end of document.
var vocabulary = []string{"", " The", "The", " cat", "s", "é", "\xc3", "\xa9", "\xe4\xb8", "\xad", " ", "\uFFFD", "\n\n"}

func bytesOf(id int64) []byte { return []byte(vocabulary[id]) }

func TestAppendOffsets(t *testing.T) {
	for _, c := range []struct {
		name string
		ids  []int64
		text string
		want []int64 // nil: they do not spell it
	}{
		{"plain", []int64{2, 3, 4}, "The cats", []int64{0, 3, 7, 8}},
		{"nothing", nil, "", []int64{0}},
		{"an end of document within", []int64{2, 0, 2, 0}, "TheThe", []int64{0, 3, 3, 6, 6}},
		{"without the first space", []int64{1, 3}, "The cat", []int64{0, 3, 7}},
		{"with it", []int64{1, 3}, " The cat", []int64{0, 4, 8}},
		{"a space that is dropped whole", []int64{10, 2}, "The", []int64{0, 0, 3}},
		{"a letter in two tokens", []int64{6, 7, 4}, "és", []int64{0, 1, 2, 3}},
		{"a letter cut off at the end", []int64{4, 6}, "s\uFFFD", []int64{0, 1, 4}},
		{"a letter cut off at the start", []int64{7, 4}, "\uFFFDs", []int64{0, 3, 4}},
		{"two bytes, one sign", []int64{4, 8, 4}, "s\uFFFDs", []int64{0, 1, 4, 5}},
		{"two bytes, two signs", []int64{4, 8, 4}, "s\uFFFD\uFFFDs", []int64{0, 1, 7, 8}},
		{"cut, then a letter of its own", []int64{8, 6, 7}, "\uFFFDé", []int64{0, 3, 4, 5}},
		{"cut letters in a row", []int64{6, 6, 4}, "\uFFFD\uFFFDs", []int64{0, 6, 6, 7}},
		{"the sign itself", []int64{11, 4}, "\uFFFDs", []int64{0, 3, 4}},
		{"another text", []int64{2, 3}, "The dog", nil},
		{"a longer text", []int64{2}, "The cat", nil},
		{"a shorter text", []int64{2, 3}, "The", nil},
		{"cut letters dropped", []int64{4, 8, 4}, "ss", nil},
		{"no text", []int64{4}, "", nil},
	} {
		var s tokens.Speller
		got, err := s.AppendOffsets([]int64{-7}, []byte(c.text), c.ids, bytesOf)
		if c.want == nil {
			if err == nil {
				t.Errorf("%s: %v spell %q at %v", c.name, c.ids, c.text, got)
			}
			continue
		}
		if err != nil || !slices.Equal(got, append([]int64{-7}, c.want...)) {
			t.Errorf("%s: %v in %q: %v, %v; want %v", c.name, c.ids, c.text, got, err, c.want)
		}
	}
}

// TestAnyDecoder spells texts as decoders do, which put one U+FFFD for each byte that is not UTF-8, or for each run of these.
func TestAnyDecoder(t *testing.T) {
	var s tokens.Speller
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOfN(rapid.Int64Range(0, int64(len(vocabulary)-1)), 0, 12).Draw(t, "ids")
		var spelt []byte
		ends := []int64{0}
		for _, id := range ids {
			spelt = append(spelt, bytesOf(id)...)
			ends = append(ends, int64(len(spelt)))
		}
		each := []byte(strings.Map(func(r rune) rune { return r }, string(spelt)))
		for name, text := range map[string][]byte{"raw": spelt, "each": each, "run": bytes.ToValidUTF8(spelt, []byte("\uFFFD"))} {
			offsets, err := s.AppendOffsets(nil, text, ids, bytesOf)
			if err != nil {
				t.Fatalf("%s: %v do not spell %q: %v", name, ids, text, err)
			}
			if err := tokens.CheckOffsets(offsets, len(ids)+1, len(text)); err != nil || offsets[len(ids)] != int64(len(text)) {
				t.Fatalf("%s: %v in %q: %v: %v", name, ids, text, offsets, err)
			}
			if utf8.Valid(spelt) && !slices.Equal(offsets, ends) {
				t.Fatalf("%s: %v in %q: %v, want %v", name, ids, text, offsets, ends)
			}
		}
	})
}

func FuzzAppendOffsets(f *testing.F) {
	f.Add([]byte{1, 3, 0, 8}, []byte("The cat\uFFFD"))
	f.Fuzz(func(t *testing.T, ids, text []byte) {
		wide := make([]int64, len(ids))
		for i, id := range ids {
			wide[i] = int64(id) % int64(len(vocabulary))
		}
		var s tokens.Speller
		offsets, err := s.AppendOffsets(nil, text, wide, bytesOf)
		if err != nil {
			return
		}
		if err := tokens.CheckOffsets(offsets, len(ids)+1, len(text)); err != nil {
			t.Error(err)
		}
	})
}

// BenchmarkText makes the stream of a text of 1,000 tokens, and finds where they stand in it where some bytes are not UTF-8: the slow way.
func BenchmarkText(b *testing.B) {
	var ids []int64
	var text []byte
	for i := range 1000 {
		ids = append(ids, int64(1+i%6))
		text = append(text, bytesOf(ids[i])...)
	}
	text = bytes.ToValidUTF8(text, []byte("\uFFFD"))
	var s tokens.Speller
	var stream []byte
	var offsets []int64
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		var err error
		if stream, err = tokens.AppendStream(stream[:0], ids); err != nil {
			b.Fatal(err)
		}
		if offsets, err = s.AppendOffsets(offsets[:0], text, ids, bytesOf); err != nil {
			b.Fatal(err)
		}
	}
}
