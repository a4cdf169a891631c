package write

import (
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"time"
	"unicode/utf8"

	"palimpsest/schemas"
)

// A codec knows the row type of one table: which field is which column. It checks rows, and turns them into two byte strings.
//
// The row encoding is the row's columns in order: for a nullable column a byte 0 (null) or 1, then the value as a length and
// bytes (string), a zigzag varint (int64, timestamp in microseconds), eight bytes (float64) or one byte (bool). Equal rows have
// equal encodings, so a digest of them compares a file with the rows that went into it; runs on disk hold the same encoding.
//
// The key encoding compares as bytes like the columns of the key one after the other, nulls first: strings with every zero
// byte followed by 0xff and a terminator of two zero bytes, integers big-endian with the sign bit flipped.
type codec struct {
	table  *schemas.Table
	fields []field
	keys   []int
}

type field struct {
	schemas.Column
	index int
}

func newCodec(t *schemas.Table) (*codec, error) {
	c := &codec{table: t}
	for i, column := range t.Columns {
		c.fields = append(c.fields, field{column, i})
	}
	for _, k := range t.Key {
		i := t.Index(k)
		if c.fields[i].Type == schemas.Float64 {
			return nil, fmt.Errorf("table %s: column %s of the key is a float, which has no one order", t.Name, k)
		}
		c.keys = append(c.keys, i)
	}
	return c, nil
}

// value returns the column's value in the row, and false if it is null.
func (f *field) value(row reflect.Value) (reflect.Value, bool) {
	v := row.Field(f.index)
	if !f.Nullable {
		return v, true
	}
	if v.IsNil() {
		return v, false
	}
	return v.Elem(), true
}

// timeOf returns the time in v without copying it into an interface.
func timeOf(v reflect.Value) time.Time { return *v.Addr().Interface().(*time.Time) }

// check returns how many bytes the row's values take, and an error for a value that no table may hold.
func (c *codec) check(row reflect.Value) (int64, error) {
	size := int64(0)
	for i := range c.fields {
		f := &c.fields[i]
		v, ok := f.value(row)
		if !ok {
			continue
		}
		size += 8
		var err error
		switch f.Type {
		case schemas.String:
			s := v.String()
			size += int64(len(s))
			err = checkString(s)
		case schemas.Float64:
			if x := v.Float(); math.IsNaN(x) || math.IsInf(x, 0) {
				err = fmt.Errorf("%v is not a finite number; what is undefined must be null", x)
			}
		case schemas.Timestamp:
			// The library goes through nanoseconds in 64 bits, which do not reach further.
			if y := timeOf(v).UTC().Year(); y < 1678 || y > 2261 {
				err = fmt.Errorf("the year %d is outside 1678 to 2261", y)
			}
		}
		if err != nil {
			return 0, fmt.Errorf("column %s: %w", f.Name, err)
		}
	}
	return size, nil
}

func checkString(s string) error {
	if err := checkLength(len(s)); err != nil {
		return err
	}
	if utf8.ValidString(s) {
		return nil
	}
	for i, r := range s {
		if r != utf8.RuneError {
			continue
		}
		if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
			return fmt.Errorf("invalid UTF-8 at byte %d of %d; a text that is not UTF-8 must be null", i, len(s))
		}
	}
	return nil
}

func checkLength(n int) error {
	if n > maxString {
		return fmt.Errorf("a text of %d bytes is longer than a file can hold (%d bytes)", n, maxString)
	}
	return nil
}

// appendRow appends the row encoding.
func (c *codec) appendRow(dst []byte, row reflect.Value) []byte {
	for i := range c.fields {
		f := &c.fields[i]
		v, ok := f.value(row)
		if f.Nullable {
			dst = appendPresent(dst, ok)
			if !ok {
				continue
			}
		}
		switch f.Type {
		case schemas.String:
			dst = appendString(dst, v.String())
		case schemas.Int64:
			dst = binary.AppendVarint(dst, v.Int())
		case schemas.Float64:
			dst = appendFloat(dst, v.Float())
		case schemas.Bool:
			dst = appendPresent(dst, v.Bool())
		case schemas.Timestamp:
			dst = binary.AppendVarint(dst, timeOf(v).UnixMicro())
		}
	}
	return dst
}

func appendPresent(dst []byte, ok bool) []byte {
	if ok {
		return append(dst, 1)
	}
	return append(dst, 0)
}

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendFloat(dst []byte, x float64) []byte {
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(x))
}

// appendKey appends the key encoding.
func (c *codec) appendKey(dst []byte, row reflect.Value) []byte {
	for _, k := range c.keys {
		f := &c.fields[k]
		v, ok := f.value(row)
		if f.Nullable {
			dst = appendPresent(dst, ok)
			if !ok {
				continue
			}
		}
		switch f.Type {
		case schemas.String:
			s := v.String()
			for i := range len(s) {
				dst = append(dst, s[i])
				if s[i] == 0 {
					dst = append(dst, 0xff)
				}
			}
			dst = append(dst, 0, 0)
		case schemas.Int64:
			dst = binary.BigEndian.AppendUint64(dst, uint64(v.Int())^1<<63)
		case schemas.Bool:
			dst = appendPresent(dst, v.Bool())
		case schemas.Timestamp:
			dst = binary.BigEndian.AppendUint64(dst, uint64(timeOf(v).UnixMicro())^1<<63)
		}
	}
	return dst
}

// describeKey writes the row's key for a message.
func (c *codec) describeKey(row reflect.Value) string {
	s := ""
	for _, k := range c.keys {
		if s != "" {
			s += ", "
		}
		v, ok := c.fields[k].value(row)
		switch {
		case !ok:
			s += c.fields[k].Name + " null"
		case c.fields[k].Type == schemas.String:
			s += fmt.Sprintf("%s %.200q", c.fields[k].Name, v.String())
		default:
			s += fmt.Sprintf("%s %v", c.fields[k].Name, v.Interface())
		}
	}
	return s
}

// decodeRow fills a row whose nullable fields point to cells of its own, see newCells.
func (c *codec) decodeRow(src []byte, row reflect.Value, cells []reflect.Value) error {
	for i := range c.fields {
		f := &c.fields[i]
		v := row.Field(f.index)
		if f.Nullable {
			if len(src) == 0 {
				return errTruncated
			}
			present := src[0] == 1
			src = src[1:]
			if !present {
				v.SetZero()
				continue
			}
			v.Set(cells[i].Addr())
			v = cells[i]
		}
		n := 1
		switch f.Type {
		case schemas.String:
			length, k := binary.Uvarint(src)
			if k <= 0 || length > uint64(len(src)-k) {
				return errTruncated
			}
			n = k + int(length)
			v.SetString(string(src[k:n]))
		case schemas.Int64, schemas.Timestamp:
			x, k := binary.Varint(src)
			if k <= 0 {
				return errTruncated
			}
			n = k
			if f.Type == schemas.Int64 {
				v.SetInt(x)
			} else {
				*v.Addr().Interface().(*time.Time) = time.UnixMicro(x).UTC()
			}
		case schemas.Float64:
			if n = 8; len(src) < n {
				return errTruncated
			}
			v.SetFloat(math.Float64frombits(binary.LittleEndian.Uint64(src)))
		case schemas.Bool:
			if len(src) < n {
				return errTruncated
			}
			v.SetBool(src[0] == 1)
		}
		src = src[n:]
	}
	if len(src) > 0 {
		return errTruncated
	}
	return nil
}

var errTruncated = fmt.Errorf("a row on disk is damaged")

// newCells returns addressable values for a row's nullable fields to point to, by column.
func (c *codec) newCells() []reflect.Value {
	cells := make([]reflect.Value, len(c.fields))
	for i, f := range c.fields {
		if f.Nullable {
			cells[i] = reflect.New(c.table.Row.Field(f.index).Type.Elem()).Elem()
		}
	}
	return cells
}
