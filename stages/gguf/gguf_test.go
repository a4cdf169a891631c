package gguf_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"palimpsest/stages/gguf"
)

var le = binary.LittleEndian

func str(s string) []byte { return append(le.AppendUint64(nil, uint64(len(s))), s...) }

func u32(v uint32) []byte { return le.AppendUint32(nil, v) }

func u64(v uint64) []byte { return le.AppendUint64(nil, v) }

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// head is a header of so many tensors and pairs.
func head(tensors, pairs uint64) []byte {
	return join([]byte("GGUF"), u32(3), u64(tensors), u64(pairs))
}

// entry is a matrix of 32 x 2 in the tensor table.
func entry(name string, typ gguf.Type, offset uint64) []byte {
	return join(str(name), u32(2), u64(32), u64(2), u32(uint32(typ)), u64(offset))
}

// aligned adds zeros up to a multiple of 32, and then the data.
func aligned(b, data []byte) []byte {
	return join(b, make([]byte, (32-len(b)%32)%32), data)
}

func open(b []byte) (*gguf.File, error) { return gguf.Open(bytes.NewReader(b), int64(len(b))) }

func TestOpen(t *testing.T) {
	data := make([]byte, 256+68)
	for i := range data {
		data[i] = byte(i)
	}
	b := aligned(join(head(2, 5),
		str("a.name"), u32(8), str("testing"),
		str("a.count"), u32(0), []byte{7},
		str("a.share"), u32(6), u32(math.Float32bits(.25)),
		str("a.list"), u32(9), u32(8), u64(2), str("x"), str(""),
		str("a.lists"), u32(9), u32(9), u64(1), u32(5), u64(2), u32(1), u32(math.MaxUint32),
		entry("first", gguf.F32, 0), entry("second", gguf.Q8_0, 256)), data)
	f, err := open(b)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := gguf.Value[string](f.Metadata, "a.name"); s != "testing" || err != nil {
		t.Errorf("a.name is %q, %v", s, err)
	}
	if n, err := f.Metadata.Uint("a.count"); n != 7 || err != nil {
		t.Errorf("a.count is %d, %v", n, err)
	}
	if v, err := f.Metadata.Float("a.share"); v != .25 || err != nil {
		t.Errorf("a.share is %g, %v", v, err)
	}
	if l, err := gguf.Value[[]string](f.Metadata, "a.list"); len(l) != 2 || l[0] != "x" || err != nil {
		t.Errorf("a.list is %q, %v", l, err)
	}
	if l, err := gguf.Value[[]any](f.Metadata, "a.lists"); err != nil || l[0].([]int32)[1] != -1 {
		t.Errorf("a.lists is %v, %v", l, err)
	}
	if _, err := f.Metadata.Uint("a.name"); err == nil || err.Error() != `gguf: metadata "a.name" is string, not an integer` {
		t.Errorf("a.name as an integer: %v", err)
	}
	if _, err := f.Metadata.Uint("a.nothing"); err == nil || err.Error() != `gguf: metadata "a.nothing" is missing` {
		t.Errorf("a.nothing: %v", err)
	}
	second := f.Tensor("second")
	if got, err := f.Bytes(second); err != nil || !bytes.Equal(got, data[256:]) || second.Elements() != 64 {
		t.Errorf("second has %d numbers in %x, %v", second.Elements(), got, err)
	}
	if f.Tensor("third") != nil {
		t.Error("a tensor that is not listed was found")
	}
}

// A hostile or damaged file gives an error that says what is wrong, and no more memory than it has bytes.
func TestHostile(t *testing.T) {
	pair := func(key string, kind uint32, value ...[]byte) []byte {
		return join(head(0, 1), str(key), u32(kind), join(value...))
	}
	tensor := func(b []byte) []byte { return aligned(join(head(1, 0), b), make([]byte, 256)) }
	for _, c := range []struct {
		name, want string
		file       []byte
	}{
		{"empty", "4 bytes are wanted, 0 are left", nil},
		{"another format", `begins with "PK`, []byte("PK\x03\x04 and more bytes than a header has")},
		{"version 1", "version 1; versions 2 and 3 are read", join([]byte("GGUF"), u32(1), u64(0), u64(0))},
		{"big-endian", "big-endian", join([]byte("GGUF"), []byte{0, 0, 0, 3}, u64(0), u64(0))},
		{"too many tensors", "18446744073709551615 tensors in the 8 bytes", head(math.MaxUint64, 0)},
		{"too many pairs", "pairs of metadata in the 0 bytes", head(0, 1<<40)},
		{"a long key", "bytes are wanted", join(head(0, 1), u64(1<<62), make([]byte, 16))},
		{"a long string", `metadata "k": at byte`, pair("k", 8, u64(1<<40))},
		{"an unknown kind", `metadata "k": kind 13`, pair("k", 13, u64(0))},
		{"an array of an unknown kind", "array of kind 99", pair("k", 9, u32(99), u64(1), u64(0))},
		{"a long array", "values of an array in the 8 bytes", pair("k", 9, u32(0), u64(1<<50), u64(0))},
		{"deep arrays", "nested more than 4 deep", pair("k", 9, bytes.Repeat(join(u32(9), u64(1)), 9))},
		{"a bool of 2", "a bool of value 2", pair("k", 7, []byte{2})},
		{"a key twice", `metadata "k" is given twice`, join(head(0, 2), bytes.Repeat(join(str("k"), u32(0), []byte{1}), 2))},
		{"alignment 3", "general.alignment is 3", pair("general.alignment", 4, u32(3))},
		{"alignment as text", `"general.alignment" is string`, pair("general.alignment", 8, str("32"))},
		{"a tensor twice", `tensor "w" is listed twice`, join(head(2, 0), entry("w", gguf.F32, 0), entry("w", gguf.F32, 0))},
		{"five dimensions", `tensor "w": 5 dimensions`, tensor(join(str("w"), u32(5), make([]byte, 64)))},
		{"too many elements", "more than 2^63 elements", tensor(join(str("w"), u32(2), u64(1<<40), u64(1<<40), u32(0), u64(0)))},
		{"too many bytes", "more than 2^63 bytes", tensor(join(str("w"), u32(1), u64(1<<62), u32(0), u64(0)))},
		{"half a block", "blocks of 32, the block size of Q4_0", tensor(join(str("w"), u32(1), u64(33), u32(2), u64(0)))},
		{"beyond the end", "is the file cut short?", tensor(entry("w", gguf.F32, 32))},
		{"far beyond the end", "is the file cut short?", tensor(entry("w", gguf.F32, math.MaxInt64-31))},
		{"an odd offset", "not aligned to 32", tensor(entry("w", gguf.F32, 1))},
		{"cut short", "is the file cut short?", tensor(entry("w", gguf.F32, 0))[:100]},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := open(c.file)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v; it should say %q", err, c.want)
			}
		})
	}
	f, err := open(tensor(entry("w", 23, 0)))
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Bytes(f.Tensor("w"))
	if err == nil || !strings.Contains(err.Error(), "type IQ4_XS is not supported; F32, F16, Q4_0") {
		t.Errorf("the bytes of an unsupported type: %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(aligned(join(head(1, 2), str("k"), u32(9), u32(8), u64(1), str("v"), str("general.alignment"), u32(4), u32(32),
		entry("w", gguf.Q8_0, 0)), make([]byte, 68)))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := open(b)
		if err != nil {
			return
		}
		for i := range file.Tensors {
			tensor := &file.Tensors[i]
			raw, err := file.Bytes(tensor)
			if err != nil {
				continue
			}
			numbers := make([]float32, tensor.Elements())
			gguf.Dequantize(tensor.Type, numbers, raw)
		}
	})
}
