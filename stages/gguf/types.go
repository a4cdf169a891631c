package gguf

import (
	"fmt"
	"strings"
)

// Type says how a tensor's numbers are stored: one by one, or in blocks that share scales. The numbering is ggml's.
type Type uint32

// The types whose values Dequantize gives.
const (
	F32  Type = 0
	F16  Type = 1
	Q4_0 Type = 2
	Q4_1 Type = 3
	Q5_0 Type = 6
	Q5_1 Type = 7
	Q8_0 Type = 8
	Q4_K Type = 12
	Q5_K Type = 13
	Q6_K Type = 14
	BF16 Type = 30
)

// layouts of the supported types: how many numbers a block holds, and in how many bytes.
var layouts = [...]struct{ numbers, bytes int }{
	F32: {1, 4}, F16: {1, 2}, BF16: {1, 2},
	Q4_0: {32, 18}, Q4_1: {32, 20}, Q5_0: {32, 22}, Q5_1: {32, 24}, Q8_0: {32, 34},
	Q4_K: {256, 144}, Q5_K: {256, 176}, Q6_K: {256, 210},
}

// names are ggml's, of types that are not supported too: an error can then say which it met.
var names = [...]string{
	0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K",
	14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS",
	24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M", 30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
}

func (t Type) String() string {
	if int64(t) < int64(len(names)) && names[t] != "" {
		return names[t]
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// Block returns how many numbers a block of the type holds, 0 for a type that is not supported.
func (t Type) Block() int {
	if int64(t) < int64(len(layouts)) {
		return layouts[t].numbers
	}
	return 0
}

// BlockBytes returns how many bytes a block of the type takes.
func (t Type) BlockBytes() int {
	if int64(t) < int64(len(layouts)) {
		return layouts[t].bytes
	}
	return 0
}

func supported() string {
	var s []string
	for t := range Type(len(layouts)) {
		if t.Block() > 0 {
			s = append(s, t.String())
		}
	}
	return strings.Join(s, ", ")
}
