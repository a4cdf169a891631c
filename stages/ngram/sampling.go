package ngram

import (
	"palimpsest/stages/fold"
	"palimpsest/stages/tokens"
)

// Sampling says which grams of the probes are indexed and which grams of a document are looked up. It changes cost, never a result.
//
// Of every probe the grams at multiples of Every are indexed; of every document those at multiples of Stride are looked up. Along a
// match the two coincide once every Stride*Every places, since the two numbers have no common divisor (the Chinese remainder theorem;
// copMEM, Grabowski and Bieniecki 2018), so a match with that many consecutive gram starts holds a gram that is both. Every = 1 looks
// up the fewest grams; a greater one divides the index by Every and multiplies the look-ups by a little more.
type Sampling struct {
	Gram   int // length of a gram, in bytes
	Stride int // distance of the places looked up in a document
	Every  int // distance of the places indexed in a probe
}

// period is the number of consecutive places of a match of which one is both indexed and looked up.
func (s Sampling) period() int { return s.Stride * s.Every }

// MostEvery is the greatest Every worth having: beyond it the grams that are looked up come close to one another, and a second pass over
// the corpus with half of the probes costs less.
const MostEvery = 4

// least returns the least length of a match in the searched bytes: words have a space on either side.
func (c Config) least() int {
	switch c.Unit {
	case fold.Bytes:
		return max(c.MinBytes, 1)
	case fold.Tokens:
		return int(tokens.Size(int64(max(c.MinWords, 1))))
	}
	return max(2*c.MinWords+1, c.MinBytes+2, 3)
}

// gram returns the length of the grams. Long ones are rare in other text, short ones leave long strides: half of the least match.
func (c Config) gram() int {
	l := c.least()
	return min(max((l/2+4)&^7, 8), 32, l)
}

// Sampling returns the sampling that indexes every so many-th place, with the longest stride that misses no match.
func (c Config) Sampling(every int) Sampling {
	s := Sampling{Gram: c.gram(), Every: every}
	places := c.least() - s.Gram + 1
	if every > places {
		every = 1
	}
	for s.Every, s.Stride = every, places/every; gcd(s.Stride, every) > 1; s.Stride-- {
	}
	return s
}

// Dense returns the sampling that leaves nothing out: it is what the others are checked against.
func (c Config) Dense() Sampling { return Sampling{Gram: c.gram(), Stride: 1, Every: 1} }

func gcd(a, b int) int {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}
