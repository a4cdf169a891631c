package coder_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"palimpsest/stages/coder"
)

// roundTrip compresses a text, checks that it comes back, and returns the file.
func roundTrip(t rapid.TB, m *coder.Model, text []byte) ([]byte, *coder.Stats) {
	t.Helper()
	file, wrote, err := coder.Compress(context.Background(), m, text)
	if err != nil {
		t.Fatalf("compressing %q: %v", text, err)
	}
	back, read, err := coder.Decompress(context.Background(), m, file)
	if err != nil {
		t.Fatalf("decompressing %q: %v", text, err)
	}
	if !bytes.Equal(back, text) {
		t.Fatalf("%q came back as %q", text, back)
	}
	if *read != *wrote {
		t.Fatalf("%q was written as %+v and read as %+v", text, *wrote, *read)
	}
	return file, wrote
}

// Whatever the text, the vocabulary, the context and the distributions, the text comes back.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &toy{
			extra: words, vocabulary: 0xF0 + len(words) + rapid.IntRange(0, 40).Draw(t, "more"),
			context: rapid.IntRange(0, 9).Draw(t, "context"), bos: rapid.Bool().Draw(t, "bos"),
			prefix: rapid.SampledFrom([]string{"", " "}).Draw(t, "prefix"),
			spread: rapid.SampledFrom([]float64{0, .1, 3, 30, 1e4, 1e30}).Draw(t, "spread"),
		}
		part := rapid.OneOf(
			rapid.SampledFrom(append([]string{"\xff", "\xfe\xff", strings.Repeat("\xf0", 300), " ", "€"}, words...)),
			rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
		)
		text := strings.Join(rapid.SliceOfN(part, 0, 12).Draw(t, "text"), "")
		roundTrip(t, m.model(), []byte(text))
	})
}

// A text costs what the model says of it, to .1 % and 64 bits, also with a large vocabulary. It costs less only where the model finds
// a token less likely than 2^-40, which is as little as a token gets.
func TestCost(t *testing.T) {
	text := []byte(strings.Repeat("the memory of the palimpsest and the rest\n\n", 12))
	for _, c := range []struct {
		name       string
		vocabulary int
		spread     float64
	}{{"flat", 300, .01}, {"usual", 300, 3}, {"peaked", 300, 30}, {"large", 200_000, 4}} {
		t.Run(c.name, func(t *testing.T) {
			m := small()
			m.vocabulary, m.spread, m.keep = c.vocabulary, c.spread, true
			model := m.model()
			_, s, err := coder.Compress(t.Context(), model, text)
			if err != nil {
				t.Fatal(err)
			}
			ids, _ := m.tokenize(text)
			want := 0.0
			for i, id := range ids {
				want += negativeLog2(m.seen[i], id)
			}
			if over := float64(s.Bits) - want; over < -want/1000-1 && c.name != "peaked" || over > want/1000+64 {
				t.Errorf("%d bits for a text of %.2f: %.2f more", s.Bits, want, over)
			}
			if math.Abs(s.ModelBits-want) > 1e-4*want {
				t.Errorf("the model's bits are %v, and %v by its logits", s.ModelBits, want)
			}
			if s.Tokens != int64(len(ids)) || s.EscapedBytes != 0 {
				t.Errorf("%d tokens and %d escaped bytes; want %d and 0", s.Tokens, s.EscapedBytes, len(ids))
			}
		})
	}
}

// A token that the model is sure of costs next to nothing, however many come.
func TestCertainty(t *testing.T) {
	m := small().model()
	sure := make([]float64, m.Vocabulary)
	sure['a'] = 100
	m.Start = func() ([]float64, error) { return sure, nil }
	m.Next = func(int64) ([]float64, error) { return sure, nil }
	_, s := roundTrip(t, m, bytes.Repeat([]byte("a"), 100_000))
	if s.Bits > 8 {
		t.Errorf("%d bits", s.Bits)
	}
}

// A few bytes that are no tokens cost 8 bits each, their neighbourhood at most, and 48 a run.
func TestEscapes(t *testing.T) {
	m := small()
	around := strings.Repeat("the memory ", 50)
	_, plain := roundTrip(t, m.model(), []byte(around+around))
	_, s := roundTrip(t, m.model(), []byte(around+"\xff\xff\xff"+around))
	if s.EscapedBytes < 3 || s.EscapedBytes > 2*16 {
		t.Errorf("%d bytes were escaped for 3", s.EscapedBytes)
	}
	if more := s.Bits - plain.Bits; more > 1200 { // the cuts around them also spoil the words of this model
		t.Errorf("3 odd bytes cost %d bits", more)
	}
	_, s = roundTrip(t, m.model(), bytes.Repeat([]byte{0xff}, 10_000))
	if most := int64(10_000*8 + 40*48 + 64); s.EscapedBytes != 10_000 || s.Bits > most {
		t.Errorf("%d bytes were escaped in %d bits; want all 10000 in %d at most", s.EscapedBytes, s.Bits, most)
	}
}

// A tokenizer that puts a space before every text costs that space, and no more.
func TestPrefix(t *testing.T) {
	m := small()
	m.prefix = " "
	text := strings.Repeat("the memory of the ", 30)
	if _, s := roundTrip(t, m.model(), []byte(text)); s.EscapedBytes != 0 {
		t.Errorf("%d bytes were escaped", s.EscapedBytes)
	}
	if _, s := roundTrip(t, m.model(), []byte(text+"\xff"+text)); s.EscapedBytes > 32 {
		t.Errorf("%d bytes were escaped for one", s.EscapedBytes)
	}
}

func TestEmptyText(t *testing.T) {
	file, s := roundTrip(t, small().model(), nil)
	if s.Bits != 0 || s.BitsPerByte() != 0 || s.FileBytes != int64(len(file)) {
		t.Errorf("%+v for a file of %d bytes", *s, len(file))
	}
}

// Files that were altered anywhere, cut short or extended are refused; no other text comes out of them.
func TestDamage(t *testing.T) {
	m := small().model()
	text := []byte("the palimpsest and the \xff memory")
	file, _ := roundTrip(t, m, text)
	refused := func(name string, bad []byte) {
		t.Helper()
		got, _, err := coder.Decompress(t.Context(), m, bad)
		var other *coder.OtherModelError
		switch {
		case err == nil && bytes.Equal(got, text): // bits after the last that matters, or the model's name
		case err == nil:
			t.Errorf("%s: gave %q", name, got)
		case got != nil:
			t.Errorf("%s: gave %q beside %v", name, got, err)
		case !errors.Is(err, coder.ErrDamaged) && !errors.As(err, &other):
			t.Errorf("%s: %v", name, err)
		case strings.Contains(err.Error(), "\n"):
			t.Errorf("%s: more than a line: %v", name, err)
		}
	}
	for n := range file {
		if _, _, err := coder.Decompress(t.Context(), m, file[:n]); !errors.Is(err, coder.ErrDamaged) {
			t.Errorf("cut to %d of %d bytes: %v", n, len(file), err)
		}
		for bit := range 8 {
			bad := bytes.Clone(file)
			bad[n] ^= 1 << bit
			refused("a bit flipped", bad)
		}
	}
	if _, _, err := coder.Decompress(t.Context(), m, append(bytes.Clone(file), 0)); !errors.Is(err, coder.ErrDamaged) {
		t.Errorf("a byte more: %v", err)
	}
}

func TestOtherModel(t *testing.T) {
	m := small().model()
	file, _ := roundTrip(t, m, []byte("the memory"))
	for _, c := range []struct {
		name   string
		change func(*coder.Model)
		want   []string
	}{
		{"model", func(m *coder.Model) { m.Name, m.SHA256[0] = "stranger", m.SHA256[0]+1 }, []string{`with model "toy"`, `not with "stranger"`}},
		{"tokenizer", func(m *coder.Model) { m.TokenizerSHA256[0]++ }, []string{"with tokenizer sha256 000000000000", "give it that tokenizer"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			other := small().model()
			c.change(other)
			_, _, err := coder.Decompress(t.Context(), other, file)
			var wrong *coder.OtherModelError
			if !errors.As(err, &wrong) {
				t.Fatalf("%v is no OtherModelError", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

// What the model cannot mean, and what cannot be stored, are errors on both sides.
func TestErrors(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		name   string
		change func(*coder.Model)
		want   string
	}{
		{"NaN", logits(0, nan), "not a number"},
		{"infinity", logits(0, inf), "largest log-probability"},
		{"none possible", logits(-inf), "largest log-probability"},
		{"too few", logits(1, 2, 3), "3 log-probabilities for a vocabulary of 250"},
		{"vocabulary", func(m *coder.Model) { m.Vocabulary = coder.MaxVocabulary + 1 }, "a vocabulary of"},
		{"start", func(m *coder.Model) { m.Start = func() ([]float64, error) { return nil, errors.New("asleep") } }, "asleep"},
		{"tokenizer", func(m *coder.Model) { m.Tokenize = func([]byte) ([]int64, error) { return nil, errors.New("lost") } }, "lost"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := small().model()
			c.change(m)
			if _, _, err := coder.Compress(t.Context(), m, []byte("the")); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v; want one that says %q", err, c.want)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	m := small().model()
	file, _ := roundTrip(t, m, []byte("the memory"))
	cancel()
	if _, _, err := coder.Compress(ctx, m, []byte("the")); !errors.Is(err, context.Canceled) {
		t.Errorf("compressing under a cancelled context: %v", err)
	}
	if _, _, err := coder.Decompress(ctx, m, file); !errors.Is(err, context.Canceled) {
		t.Errorf("decompressing under a cancelled context: %v", err)
	}
	if _, _, err := coder.Compress(t.Context(), m, make([]byte, coder.MaxText+1)); err == nil {
		t.Error("a text above the limit was taken")
	}
}

// logits makes a model give these logits; one value is given to all tokens, two to all but the last and the last.
func logits(v ...float64) func(*coder.Model) {
	return func(m *coder.Model) {
		all := v
		if len(v) < 3 {
			all = make([]float64, m.Vocabulary)
			for i := range all {
				all[i] = v[0]
			}
			all[len(all)-1] = v[len(v)-1]
		}
		m.Start = func() ([]float64, error) { return all, nil }
	}
}

// Whatever the file, there is no panic, and what comes out has the digest that the file names.
func FuzzDecompress(f *testing.F) {
	m := small()
	m.context = 5
	model := m.model()
	for _, text := range []string{"", "the memory of the palimpsest", "\xff\xfe and \xf8"} {
		file, _, err := coder.Compress(context.Background(), model, []byte(text))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		text, s, err := coder.Decompress(t.Context(), model, file)
		if err != nil {
			if text != nil || s != nil {
				t.Errorf("something came beside %v", err)
			}
			return
		}
		back, _, err := coder.Compress(t.Context(), model, text)
		if err != nil {
			t.Fatal(err)
		}
		if again, _, err := coder.Decompress(t.Context(), model, back); err != nil || !bytes.Equal(again, text) {
			t.Errorf("%q came back as %q, %v", text, again, err)
		}
	})
}

// The whole of what fuzzing would need luck for: a file whose body is anything, whose header is right.
func FuzzBody(f *testing.F) {
	m := small()
	m.spread = 12
	model := m.model()
	file, _, err := coder.Compress(context.Background(), model, nil)
	if err != nil {
		f.Fatal(err)
	}
	head := file[:len(file)-2]
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, byte(12))
	f.Fuzz(func(t *testing.T, body []byte, size byte) {
		if len(body) > 127 {
			body = body[:127]
		}
		file := append(append(bytes.Clone(head), size&127, byte(len(body))), body...)
		if text, _, err := coder.Decompress(t.Context(), model, file); err == nil && len(text) > 0 {
			t.Errorf("%q has the digest of the empty text", text)
		} else if err != nil && !errors.Is(err, coder.ErrDamaged) {
			t.Error(err)
		}
	})
}
