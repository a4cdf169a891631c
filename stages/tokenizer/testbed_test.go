package tokenizer_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"palimpsest/stages/tokenizer"
)

var testbed = filepath.Join("..", "..", "..", "shared", "testbed")

// testbedTokenizer reads the testbed's own format: token bytes in hexadecimal, of the ids from 1. Id 0 ends a document.
func testbedTokenizer(t testing.TB) *tokenizer.Tokenizer {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(testbed, "tokenizer.json"))
	if err != nil {
		t.Skipf("the testbed is not here: %v", err)
	}
	var file struct {
		Tokens []string
		Merges [][2]string
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	escapeHex := func(s string) string {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return escape(b)
	}
	v := tokenizer.Vocabulary{Model: "gpt2", Pre: "gpt-2", Tokens: []string{"<|end|>"}, Types: []int32{3}, AddBOS: true}
	for _, token := range file.Tokens {
		v.Tokens = append(v.Tokens, escapeHex(token))
		v.Types = append(v.Types, 1)
	}
	for _, m := range file.Merges {
		v.Merges = append(v.Merges, escapeHex(m[0])+" "+escapeHex(m[1]))
	}
	tok, err := tokenizer.New(v)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// escape writes bytes as a byte-level vocabulary does: printable Latin-1 as itself, the others from U+0100 on.
func escape(raw []byte) string {
	var s strings.Builder
	for _, b := range raw {
		s.WriteRune(escaped[b])
	}
	return s.String()
}

var escaped = func() (runes []rune) {
	next := rune(256)
	for b := range rune(256) {
		switch {
		case '!' <= b && b <= '~', '¡' <= b && b <= '¬', '®' <= b:
			runes = append(runes, b)
		default:
			runes = append(runes, next)
			next++
		}
	}
	return runes
}()

type testbedRow struct {
	ID   string  `parquet:"id,optional"`
	Text string  `parquet:"text,optional"`
	IDs  []int64 `parquet:"ids,list,optional"`
}

type testbedTokens struct {
	ID      string  `parquet:"id,optional"`
	Offsets []int64 `parquet:"byte_off,list,optional"`
}

// The testbed's texts become the tokens its model was trained on, in 1,458 of 1,480 rows. The 22 others are texts that were cut or
// edited between tokens, so that no tokenizer gives their tokens back.
func TestTestbed(t *testing.T) {
	tok := testbedTokenizer(t)
	rows := readRows[testbedRow](t, "ground_truth.parquet")
	tokens := readRows[testbedTokens](t, "token_logprobs.parquet")
	equal, edited := 0, 0
	for i, row := range rows {
		var spelt []byte
		for _, id := range row.IDs {
			spelt = append(spelt, tok.Bytes(id)...)
		}
		if valid := !strings.Contains(row.Text, "\uFFFD"); valid && string(spelt) != row.Text {
			t.Errorf("%s: its tokens spell %q, not %q", row.ID, spelt, row.Text)
		}
		if row.ID != tokens[i].ID {
			t.Fatalf("row %d is %s in one table and %s in the other", i, row.ID, tokens[i].ID)
		}
		ids, offsets := tok.Encode([]byte(row.Text))
		if !slices.Equal(ids, row.IDs) {
			if row.ID != "m00254" && !strings.HasPrefix(row.ID, "em") {
				t.Errorf("%s: tokens %v, want %v", row.ID, ids, row.IDs)
			}
			edited++
			continue
		}
		equal++
		if !slices.Equal(offsets, tokens[i].Offsets) {
			t.Errorf("%s: offsets %v, want %v", row.ID, offsets, tokens[i].Offsets)
		}
	}
	if equal != 1458 || edited != 22 {
		t.Errorf("%d rows have the testbed's tokens and %d others, want 1458 and 22", equal, edited)
	}
}

func readRows[T any](t testing.TB, name string) []T {
	t.Helper()
	rows, err := parquet.ReadFile[T](filepath.Join(testbed, name))
	if err != nil {
		t.Skipf("the testbed is not here: %v", err)
	}
	return rows
}

// Every way through a corpus that a run takes is at most as fast as this.
func BenchmarkEncode(b *testing.B) {
	tok := testbedTokenizer(b)
	var text []byte
	for _, row := range readRows[testbedRow](b, "ground_truth.parquet") {
		text = append(append(text, row.Text...), '\n')
	}
	for _, in := range []struct {
		name string
		text []byte
	}{
		{"prose", text},
		{"one letter", bytes.Repeat([]byte("a"), 10<<20)},
		{"digits", bytes.Repeat([]byte("123"), 1<<20)},
		{"spaces", bytes.Repeat([]byte(" "), 10<<20)},
	} {
		b.Run(in.name, func(b *testing.B) {
			b.SetBytes(int64(len(in.text)))
			b.ReportAllocs()
			for b.Loop() {
				tok.Encode(in.text)
			}
		})
	}
}
