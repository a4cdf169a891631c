package ingest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// maxText is the longest line and the longest text file, in bytes. It is a variable for the tests.
var maxText = 256 << 20

// keepBuffer is the longest buffer that is kept for the next text.
const keepBuffer = 16 << 20

// ingestion makes rows of sources.
type ingestion struct {
	fields  *fields
	replace bool
	out     *parquetFile

	replaced int64
	members  []member
	id, text []byte // of the row in hand
}

// value is the value of a column in the row in hand.
type value struct {
	some bool
	text []byte
}

// add adds the rows of one file.
func (in *ingestion) add(ctx context.Context, s source) error {
	if s.table() {
		return &InputError{File: s.path, Reason: "a table of values is no text: turn it into Parquet with the columns id and text, " +
			"with DuckDB for instance, which reads CSV and writes Parquet"}
	}
	r, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	if s.lines() {
		return in.addLines(s, r)
	}
	return in.addFile(s, r)
}

// addFile adds a file of text as one row.
func (in *ingestion) addFile(s source, r io.Reader) error {
	var b bytes.Buffer
	if _, err := b.ReadFrom(io.LimitReader(r, int64(maxText)+1)); err != nil {
		return err
	}
	text := b.Bytes()
	if len(text) > maxText {
		return &InputError{File: s.path, Reason: fmt.Sprintf("longer than %d bytes: split it into several texts", maxText)}
	}
	if !utf8.Valid(text) {
		if !in.replace {
			return &InputError{File: s.path, Reason: notUTF8(text)}
		}
		var n int64
		text, n = appendValid(make([]byte, 0, len(text)), text)
		in.replaced += n
	}
	name := []byte(s.name)
	if !utf8.Valid(name) {
		if !in.replace {
			return &InputError{File: strconv.Quote(s.path), Reason: "the name is not UTF-8: rename it, or replace what is invalid"}
		}
		var n int64
		name, n = appendValid(nil, name)
		in.replaced += n
	}
	clear(in.fields.values)
	return in.out.write(name, text, in.fields.values)
}

// notUTF8 says where a text stops being UTF-8 and what can be done.
func notUTF8(text []byte) string {
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		return "the text is not UTF-8 but looks like UTF-16: convert it (iconv -f UTF-16 -t UTF-8)"
	}
	at := 0
	for at < len(text) {
		r, n := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	return fmt.Sprintf("the text is not UTF-8 (byte %d): convert it, leave the file out if it holds no text, or replace what is invalid", at)
}

// addLines adds the objects of a file of JSON lines.
func (in *ingestion) addLines(s source, r io.Reader) error {
	lines := newLineReader(r)
	for {
		line, err := lines.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && len(bytes.TrimSpace(line)) > 0 {
			err = in.addObject(s, lines.number, line)
		}
		var bad lineError
		if errors.As(err, &bad) {
			return &InputError{File: s.path, Line: lines.number, Reason: string(bad)}
		}
		if err != nil {
			return err
		}
	}
}

// lineError is what is wrong with a line, and the remedy.
type lineError string

func (e lineError) Error() string { return string(e) }

func badLine(format string, args ...any) error { return lineError(fmt.Sprintf(format, args...)) }

// addObject adds one line as a row.
func (in *ingestion) addObject(s source, number int64, line []byte) (err error) {
	line = bytes.TrimSpace(line)
	if !json.Valid(line) {
		return notJSON(line)
	}
	if line[0] != '{' {
		return badLine("the line holds %s, not an object: a row is one object a line; jq -c '.[]' makes lines of an array", kindOf(line))
	}
	f := in.fields
	f.objects++
	in.members = appendMembers(in.members[:0], line)

	raw, ok := find(in.members, f.text)
	if !ok {
		return badLine("the object has no field %q: name the field that holds the text, or take the line out", f.text)
	}
	if raw[0] != '"' {
		return badLine("the field %q is %s, not a string: name the field that holds the text, or take the line out", f.text, kindOf(raw))
	}
	if in.text, err = in.scalar(in.text[:0], f.text, raw); err != nil {
		return err
	}
	if raw, ok = find(in.members, f.id); ok && string(raw) != "null" {
		f.hadID = true
		in.id, err = in.scalar(in.id[:0], f.id, raw)
	} else {
		var n int64
		in.id, n = appendValid(in.id[:0], []byte(s.name))
		in.id = strconv.AppendInt(append(in.id, ':'), number, 10)
		if in.replaced += n; n > 0 && !in.replace {
			err = badLine("the file's name, which the id is made of, is not UTF-8: rename the file, or replace what is invalid")
		}
	}
	if err != nil {
		return err
	}
	for i, path := range f.paths {
		v := &f.values[i]
		raw, ok := find(in.members, path)
		f.had[i] = f.had[i] || ok
		if v.some = ok && string(raw) != "null"; !v.some {
			continue
		}
		if v.text, err = in.scalar(v.text[:0], path, raw); err != nil {
			return err
		}
	}
	err = in.out.write(in.id, in.text, f.values)
	if cap(in.text) > keepBuffer {
		in.text = nil
	}
	return err
}

// scalar appends the text of a string, number or boolean.
func (in *ingestion) scalar(dst []byte, field string, raw []byte) ([]byte, error) {
	switch raw[0] {
	case '{':
		return dst, badLine("the field %q is an object: name a field inside it, as in %s.name", field, field)
	case '[':
		return dst, badLine("the field %q is an array: a column takes strings, numbers and booleans; make one of it first", field)
	case '"':
		dst, n := appendText(dst, raw[1:len(raw)-1])
		if in.replaced += n; n > 0 && !in.replace {
			return dst, badLine("the field %q is not UTF-8, or has half of a surrogate pair: convert it, or replace what is invalid", field)
		}
		return dst, nil
	}
	return append(dst, raw...), nil
}

func kindOf(raw []byte) string {
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	}
	return "a number"
}

// notJSON says what is wrong with a line.
func notJSON(line []byte) error {
	var whole json.RawMessage
	err := json.Unmarshal(line, &whole)
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return badLine("not JSON")
	case errors.As(err, &syntax) && (line[0] == '{' || line[0] == '[') && syntax.Offset >= int64(len(line)):
		return badLine("not JSON (%v): each line must hold one whole object; jq -c . makes lines of objects that span several", err)
	case errors.As(err, &syntax):
		return badLine("not JSON (at byte %d: %v): correct the line, or take it out", syntax.Offset, err)
	}
	return badLine("not JSON (%v): correct the line, or take it out", err)
}

// lineReader reads lines of any length up to maxText.
type lineReader struct {
	r      *bufio.Reader
	buf    []byte // of a line longer than r's buffer
	number int64  // of the line in hand, from 1
}

func newLineReader(r io.Reader) *lineReader { return &lineReader{r: bufio.NewReaderSize(r, 1<<20)} }

// next returns the next line without its end, which is "\n" or "\r\n", or io.EOF. A byte order mark before the first line is left
// out. The line is valid until the next call.
func (l *lineReader) next() ([]byte, error) {
	if cap(l.buf) > keepBuffer {
		l.buf = nil
	}
	l.buf = l.buf[:0]
	l.number++
	for {
		part, err := l.r.ReadSlice('\n')
		if len(l.buf)+len(part) > maxText+2 {
			return nil, badLine("longer than %d bytes: split it, or take it out", maxText)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			l.buf = append(l.buf, part...)
			continue
		case errors.Is(err, io.EOF) && len(l.buf)+len(part) > 0:
		case err != nil:
			return nil, err
		}
		line := part
		if len(l.buf) > 0 {
			l.buf = append(l.buf, part...)
			line = l.buf
		}
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		if l.number == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if len(line) > maxText {
			return nil, badLine("longer than %d bytes: split it, or take it out", maxText)
		}
		return line, nil
	}
}
