package ingest

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"unicode/utf16"
	"unicode/utf8"
)

// The functions of this file read JSON that is known to be valid, in place: a line of many megabytes is not copied for the two
// fields that are wanted of it.

// member is a member of an object, as it is written.
type member struct {
	key   []byte // with its quotes
	value []byte
}

// appendMembers appends the members of an object.
func appendMembers(dst []member, object []byte) []member {
	p := object[1:] // after the brace
	for {
		p = space(p)
		if p[0] == '}' {
			return dst
		}
		if p[0] == ',' {
			p = space(p[1:])
		}
		n := valueEnd(p)
		m := member{key: p[:n]}
		p = space(space(p[n:])[1:]) // over the colon
		n = valueEnd(p)
		m.value, p = p[:n], p[n:]
		dst = append(dst, m)
	}
}

func space(p []byte) []byte {
	for len(p) > 0 && (p[0] == ' ' || p[0] == '\t' || p[0] == '\n' || p[0] == '\r') {
		p = p[1:]
	}
	return p
}

// valueEnd returns the length of the value that p begins with.
func valueEnd(p []byte) int {
	switch p[0] {
	case '"':
		return stringEnd(p)
	case '{', '[':
	default:
		if n := bytes.IndexAny(p, " \t\r\n,]}"); n >= 0 {
			return n
		}
		return len(p)
	}
	depth := 0
	for i := 0; ; {
		switch p[i] {
		case '"':
			i += stringEnd(p[i:])
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
}

// stringEnd returns the length of the string that p begins with, quotes included.
func stringEnd(p []byte) int {
	for i := 1; ; i++ {
		i += bytes.IndexByte(p[i:], '"')
		escapes := 0
		for p[i-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return i + 1
		}
	}
}

// find returns the value at a path among the members of an object. A key that is the whole path comes first; else the part before
// a dot is the key of an object that is searched for the rest. Of equal keys the last counts, as in most readers.
func find(members []member, path string) ([]byte, bool) {
	var nested []byte
	rest := ""
	for i := len(members) - 1; i >= 0; i-- {
		m := &members[i]
		key := keyText(m.key)
		if string(key) == path {
			return m.value, true
		}
		if nested == nil && len(path) > len(key) && path[len(key)] == '.' && path[:len(key)] == string(key) && m.value[0] == '{' {
			nested, rest = m.value, path[len(key)+1:]
		}
	}
	if nested == nil {
		return nil, false
	}
	return find(appendMembers(nil, nested), rest)
}

func keyText(quoted []byte) []byte {
	key := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(key, '\\') < 0 {
		return key
	}
	key, _ = appendText(nil, key)
	return key
}

// appendText appends the text of a string, given without its quotes. What no UTF-8 can hold becomes U+FFFD: runs of invalid
// bytes, and escaped halves of surrogate pairs without the other half. replaced counts these.
func appendText(dst, s []byte) (text []byte, replaced int64) {
	for len(s) > 0 {
		n := bytes.IndexByte(s, '\\')
		if n < 0 {
			n = len(s)
		}
		var r int64
		if dst, r = appendValid(dst, s[:n]); r > 0 {
			replaced += r
		}
		if s = s[n:]; len(s) == 0 {
			break
		}
		if s[1] == 'u' {
			r, used := escaped(s)
			if r == utf8.RuneError && !bytes.EqualFold(s[2:6], []byte("fffd")) {
				replaced++
			}
			dst, s = utf8.AppendRune(dst, r), s[used:]
			continue
		}
		c := s[1]
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		}
		dst, s = append(dst, c), s[2:]
	}
	return dst, replaced
}

// escaped decodes the \u escape that s begins with, and the one after it when the two are a surrogate pair.
func escaped(s []byte) (r rune, used int) {
	r = hexRune(s)
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if len(s) >= 12 && s[6] == '\\' && s[7] == 'u' {
		if pair := utf16.DecodeRune(r, hexRune(s[6:])); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return utf8.RuneError, 6
}

func hexRune(s []byte) rune {
	var b [2]byte
	if _, err := hex.Decode(b[:], s[2:6]); err != nil {
		return utf8.RuneError // not valid JSON
	}
	return rune(binary.BigEndian.Uint16(b[:]))
}

// appendValid appends text with every run of bytes that are not UTF-8 replaced by one U+FFFD.
func appendValid(dst, s []byte) (text []byte, replaced int64) {
	if utf8.Valid(s) {
		return append(dst, s...), 0
	}
	inside := false // a run of invalid bytes
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		bad := r == utf8.RuneError && n == 1
		if !bad {
			dst = append(dst, s[:n]...)
		} else if !inside {
			dst = utf8.AppendRune(dst, utf8.RuneError)
			replaced++
		}
		inside, s = bad, s[n:]
	}
	return dst, replaced
}
