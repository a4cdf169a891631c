package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// oracle is what encoding/json makes of a line's member, with the rules of find.
func oracle(line []byte, path string) (json.RawMessage, bool) {
	var members map[string]json.RawMessage
	if json.Unmarshal(line, &members) != nil {
		return nil, false
	}
	v, ok := members[path]
	return v, ok
}

func FuzzObject(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"text":"x"}`, ` { "a" : [ {"}":"]"} , "\"" ] , "text" : "\\" } `, `{"text":1e5,"text":"\u00e9\ud83d\ude00"}`,
		`{"\u0074ext":"\ud800"}`, `{"text":{"text":"a"}}`, "{\"text\":\"\xff\"}", `{"text":"\\\\\""}`, `{"a":-1.5E+3,"text":true}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		line = bytes.TrimSpace(line)
		if !json.Valid(line) || line[0] != '{' {
			return
		}
		members := appendMembers(nil, line)
		got, ok := find(members, "text")
		want, wanted := oracle(line, "text")
		if ok != wanted || ok && !bytes.Equal(got, want) {
			t.Fatalf("%q: got %q %v, want %q %v", line, got, ok, want, wanted)
		}
		if !ok || got[0] != '"' {
			return
		}
		text, replaced := appendText(nil, got[1:len(got)-1])
		if !utf8.Valid(text) {
			t.Fatalf("%q is not UTF-8", text)
		}
		var decoded string
		if err := json.Unmarshal(got, &decoded); err != nil {
			t.Fatal(err)
		}
		if replaced == 0 && string(text) != decoded {
			t.Fatalf("%q: got %q, want %q", got, text, decoded)
		}
		if back, err := json.Marshal(decoded); replaced == 0 && err == nil {
			if again, n := appendText(nil, back[1:len(back)-1]); n != 0 || string(again) != decoded {
				t.Fatalf("%q: got %q, %d", back, again, n)
			}
		}
	})
}

func FuzzLines(f *testing.F) {
	for _, s := range []string{"", "\n", "a\nb", "a\r\nb\r\n", "\ufeffa\n\ufeffb\n", "\r\r\n", "long long line\nx"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) { compareLines(t, data) })
}

func TestLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		compareLines(t, []byte(rapid.StringOf(rapid.SampledFrom([]rune("ab\r\n\ufeff"))).Draw(t, "data")))
	})
	t.Run("longer than the buffer", func(t *testing.T) {
		long := strings.Repeat("x", 5<<20)
		compareLines(t, []byte("a\n"+long+"\r\nb\n"+long))
	})
}

// compareLines reads the lines and compares them with a split of the whole.
func compareLines(t interface{ Fatalf(string, ...any) }, data []byte) {
	var want []string
	rest := strings.TrimPrefix(string(data), "\ufeff")
	if len(data) > 0 {
		want = strings.Split(rest, "\n")
		if strings.HasSuffix(string(data), "\n") {
			want = want[:len(want)-1]
		}
	}
	r := newLineReader(bytes.NewReader(data))
	for i, w := range want {
		w = strings.TrimSuffix(w, "\r")
		got, err := r.next()
		if err != nil || string(got) != w || r.number != int64(i+1) {
			t.Fatalf("line %d (%d): got %.80q %v, want %.80q", i+1, r.number, got, err, w)
		}
	}
	if line, err := r.next(); !errors.Is(err, io.EOF) {
		t.Fatalf("after the last line: %.80q %v", line, err)
	}
}

func TestTooLong(t *testing.T) {
	defer func(n int) { maxText = n }(maxText)
	maxText = 10
	for _, c := range []struct {
		data string
		want bool
	}{
		{"0123456789\n", true}, {"0123456789\r\n", true}, {"0123456789", true}, {"0123456789a", false}, {"0123456789a\n", false},
	} {
		_, err := newLineReader(strings.NewReader(c.data)).next()
		if (err == nil) != c.want {
			t.Errorf("%q: %v", c.data, err)
		}
		if err != nil && err.Error() != "longer than 10 bytes: split it, or take it out" {
			t.Errorf("%q: %v", c.data, err)
		}
	}
}
