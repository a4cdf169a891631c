package coder

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// frequencies are a distribution over the vocabulary and the escape as integers: each symbol has at least 1, and together they have
// total at most. They are made of log-probabilities, or logits, in two passes over the vocabulary, without a sort.
//
// Every step gives the same bits on every processor: a difference and a product of floats, each rounded as IEEE 754 says and never
// fused, then integers alone. 2^-x comes from tables that are made by square roots and products. The logarithm's 16 fractional bits
// cost a token less than 2^-16 bits, the escape and the least frequency of 1 together less than vocabulary * 2^-40 * 1.5 bits.
type frequencies struct {
	weights []uint64 // of the tokens, proportional to their probabilities; at most 2^44
	ratio   uint64   // frequency of a token = 1 + weights[id] * ratio / 2^64

	logs []float64 // nil when all tokens are equally likely
	most float64   // the largest
	sum  uint64    // of the weights
}

const (
	weightBits   = 44 // weight of the likeliest token
	fractionBits = 16 // of a binary logarithm
)

// powers[0][i] is 2^(-i/256), powers[1][i] 2^(-i/65536), both times 2^31.
var powers = func() (t [2][256]uint64) {
	root := .5 // then 2^(-1/2), 2^(-1/4), ...: a square root is correctly rounded everywhere
	for i := range t {
		for j := range t[i] {
			t[i][j] = 1 << 31
		}
	}
	for i := range t {
		for bit := 7; bit >= 0; bit-- {
			root = math.Sqrt(root)
			factor := uint64(root * (1 << 31))
			for j := range t[i] {
				if j>>bit&1 == 1 {
					t[i][j] = t[i][j] * factor >> 31
				}
			}
		}
	}
	return t
}()

// set makes the frequencies of log-probabilities, or of equally likely tokens where there are none. It keeps the slice until the next
// call. It fails on values that are no distribution: NaN, plus infinity, or nothing else than minus infinity.
func (f *frequencies) set(logs []float64, vocabulary int) error {
	if vocabulary < 1 || vocabulary > MaxVocabulary {
		return fmt.Errorf("a vocabulary of %d tokens; 1 to %d are coded", vocabulary, MaxVocabulary)
	}
	if cap(f.weights) < vocabulary {
		f.weights = make([]uint64, vocabulary)
	}
	f.weights, f.logs = f.weights[:vocabulary], logs
	if logs == nil {
		for i := range f.weights {
			f.weights[i] = 1 << weightBits
		}
		f.sum = uint64(vocabulary) << weightBits
	} else {
		if len(logs) != vocabulary {
			return fmt.Errorf("%d log-probabilities for a vocabulary of %d tokens", len(logs), vocabulary)
		}
		if err := f.weigh(logs); err != nil {
			return err
		}
	}
	f.ratio, _ = bits.Div64(uint64(total-vocabulary-1), 0, f.sum)
	return nil
}

func (f *frequencies) weigh(logs []float64) error {
	most := float64(math.Inf(-1))
	for _, v := range logs {
		if v > most {
			most = v
		} else if v != v {
			return errors.New("a log-probability of the model is not a number")
		}
	}
	if math.IsInf(most, 0) {
		return fmt.Errorf("the largest log-probability of the model is %v", most)
	}
	f.most, f.sum = most, 0
	weights := f.weights[:len(logs)]
	for i, v := range logs {
		below := most - v
		w := uint64(0)
		if below < weightBits*math.Ln2 {
			x := uint64(below * (math.Log2E * (1 << fractionBits)))
			w = powers[0][x>>8&0xFF] * powers[1][x&0xFF] >> (62 - weightBits) >> (x >> fractionBits)
		}
		weights[i] = w
		f.sum += w
	}
	return nil
}

// escape is the symbol that bytes follow which are no token's.
func (f *frequencies) escape() int { return len(f.weights) }

func (f *frequencies) frequency(weight uint64) uint64 {
	high, _ := bits.Mul64(weight, f.ratio)
	return 1 + high
}

// interval is the share of a token or the escape.
func (f *frequencies) interval(symbol int) share {
	from := uint64(0)
	for _, w := range f.weights[:symbol] {
		from += f.frequency(w)
	}
	if symbol == f.escape() {
		return share{from, from + 1}
	}
	return share{from, from + f.frequency(f.weights[symbol])}
}

// find returns the symbol whose share holds n, and the share. None does when the second is empty: shares may fall short of the total.
func (f *frequencies) find(n uint64) (symbol int, s share) {
	from := uint64(0)
	for i, w := range f.weights {
		to := from + f.frequency(w)
		if n < to {
			return i, share{from, to}
		}
		from = to
	}
	if n == from {
		return f.escape(), share{from, from + 1}
	}
	return 0, share{}
}

// bits is -log2 of the token's probability under the model itself, for people to read: it is no part of what is coded.
func (f *frequencies) bits(id int) float64 {
	below := 0.0
	if f.logs != nil {
		below = (f.most - f.logs[id]) * math.Log2E
	}
	return below + math.Log2(float64(f.sum)) - weightBits
}
