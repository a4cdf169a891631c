package gguf

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Metadata are a file's pairs. A value is uint8, int8, uint16, int16, uint32, int32, float32, bool, string, uint64, int64, float64, a
// slice of one of these, or a slice of slices ([]any).
type Metadata map[string]any

// kind is how the file numbers the types of values.
type kind uint32

const (
	kindUint8 kind = iota
	kindInt8
	kindUint16
	kindInt16
	kindUint32
	kindInt32
	kindFloat32
	kindBool
	kindString
	kindArray
	kindUint64
	kindInt64
	kindFloat64
	kinds
)

// sizes of values in bytes; of strings and arrays the least.
var sizes = [kinds]int64{1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8}

func readMetadata(d *decoder, n int) (Metadata, error) {
	m := make(Metadata)
	for i := range n {
		key, err := d.string()
		if err != nil {
			return nil, fmt.Errorf("key %d of the metadata: %w", i, err)
		}
		if _, ok := m[key]; ok {
			return nil, fmt.Errorf("metadata %q is given twice", key)
		}
		k, err := d.uint32()
		if err != nil {
			return nil, fmt.Errorf("metadata %q: %w", key, err)
		}
		if m[key], err = readValue(d, kind(k), 0); err != nil {
			return nil, fmt.Errorf("metadata %q: %w", key, err)
		}
	}
	return m, nil
}

func readValue(d *decoder, k kind, depth int) (any, error) {
	switch k {
	case kindString:
		return d.string()
	case kindArray:
		return readArray(d, depth)
	}
	if k >= kinds {
		return nil, fmt.Errorf("kind %d of value is not known", k)
	}
	b := d.buf[:sizes[k]]
	if err := d.read(b); err != nil {
		return nil, err
	}
	switch k {
	case kindUint8:
		return b[0], nil
	case kindInt8:
		return int8(b[0]), nil
	case kindUint16:
		return binary.LittleEndian.Uint16(b), nil
	case kindInt16:
		return int16(binary.LittleEndian.Uint16(b)), nil
	case kindUint32:
		return binary.LittleEndian.Uint32(b), nil
	case kindInt32:
		return int32(binary.LittleEndian.Uint32(b)), nil
	case kindFloat32:
		return math.Float32frombits(binary.LittleEndian.Uint32(b)), nil
	case kindBool:
		if b[0] > 1 {
			return nil, fmt.Errorf("a bool of value %d", b[0])
		}
		return b[0] == 1, nil
	case kindUint64:
		return binary.LittleEndian.Uint64(b), nil
	case kindInt64:
		return int64(binary.LittleEndian.Uint64(b)), nil
	default:
		return math.Float64frombits(binary.LittleEndian.Uint64(b)), nil
	}
}

func readArray(d *decoder, depth int) (any, error) {
	if depth == deepest {
		return nil, fmt.Errorf("arrays are nested more than %d deep", deepest)
	}
	number, err := d.uint32()
	if err != nil {
		return nil, err
	}
	k := kind(number)
	if k >= kinds {
		return nil, fmt.Errorf("an array of kind %d, which is not known", k)
	}
	n, err := d.count("values of an array", sizes[k])
	if err != nil {
		return nil, err
	}
	switch k {
	case kindUint8:
		return readSlice[uint8](d, k, n, depth)
	case kindInt8:
		return readSlice[int8](d, k, n, depth)
	case kindUint16:
		return readSlice[uint16](d, k, n, depth)
	case kindInt16:
		return readSlice[int16](d, k, n, depth)
	case kindUint32:
		return readSlice[uint32](d, k, n, depth)
	case kindInt32:
		return readSlice[int32](d, k, n, depth)
	case kindFloat32:
		return readSlice[float32](d, k, n, depth)
	case kindBool:
		return readSlice[bool](d, k, n, depth)
	case kindString:
		return readSlice[string](d, k, n, depth)
	case kindArray:
		return readSlice[any](d, k, n, depth)
	case kindUint64:
		return readSlice[uint64](d, k, n, depth)
	case kindInt64:
		return readSlice[int64](d, k, n, depth)
	default:
		return readSlice[float64](d, k, n, depth)
	}
}

// readSlice grows its slice as values are read: what a count alone makes is small.
func readSlice[T any](d *decoder, k kind, n, depth int) ([]T, error) {
	s := make([]T, 0, min(n, 4096))
	for i := range n {
		v, err := readValue(d, k, depth+1)
		if err != nil {
			return nil, fmt.Errorf("value %d of %d: %w", i, n, err)
		}
		s = append(s, v.(T))
	}
	return s, nil
}

// Uint returns an integer that is not negative, of whatever width.
func (m Metadata) Uint(key string) (uint64, error) {
	var n int64
	switch v := m[key].(type) {
	case uint8:
		return uint64(v), nil
	case uint16:
		return uint64(v), nil
	case uint32:
		return uint64(v), nil
	case uint64:
		return v, nil
	case int8:
		n = int64(v)
	case int16:
		n = int64(v)
	case int32:
		n = int64(v)
	case int64:
		n = v
	default:
		return 0, m.wrong(key, "an integer")
	}
	if n < 0 {
		return 0, m.wrong(key, "an integer from 0")
	}
	return uint64(n), nil
}

// Float returns a number with a fraction, of either width.
func (m Metadata) Float(key string) (float64, error) {
	switch v := m[key].(type) {
	case float32:
		return float64(v), nil
	case float64:
		return v, nil
	}
	return 0, m.wrong(key, "a float")
}

// Value returns the metadata of key as a T, such as string, bool or []string.
func Value[T any](m Metadata, key string) (T, error) {
	v, ok := m[key].(T)
	if !ok {
		return v, m.wrong(key, fmt.Sprintf("%T", v))
	}
	return v, nil
}

func (m Metadata) wrong(key, want string) error {
	v, ok := m[key]
	if !ok {
		return fmt.Errorf("gguf: metadata %q is missing", key)
	}
	return fmt.Errorf("gguf: metadata %q is %T, not %s", key, v, want)
}
