package minhash

// seed is the seed of both libraries' permutations, their default.
const seed = 1

// affinePermutations are those of datasketch's scheme affine32: all a, odd, then all b.
func affinePermutations(n int) (a, b []uint64) {
	t := newTwister(seed)
	a, b = make([]uint64, n), make([]uint64, n)
	for i := range a {
		a[i] = uint64(t.next()&(1<<31-1))*2 + 1
	}
	for i := range b {
		b[i] = uint64(t.next())
	}
	return a, b
}

// pairedPermutations are those of datasketch's scheme legacy: a and b of one permutation after the other.
func pairedPermutations(n int) (a, b []uint64) {
	t := newTwister(seed)
	a, b = make([]uint64, n), make([]uint64, n)
	for i := range a {
		a[i] = 1 + t.below(prime-1)
		b[i] = t.below(prime)
	}
	return a, b
}

// listedPermutations are datatrove's: all a, then all b, of the same ranges.
func listedPermutations(n int) (a, b []uint64) {
	t := newTwister(seed)
	a, b = make([]uint64, n), make([]uint64, n)
	for i := range a {
		a[i] = 1 + t.below(prime-1)
	}
	for i := range b {
		b[i] = t.below(prime)
	}
	return a, b
}

// twister is MT19937 (Matsumoto and Nishimura 1998) as numpy.random.RandomState(seed) runs it.
type twister struct {
	state [624]uint32
	at    int
}

func newTwister(seed uint32) *twister {
	t := &twister{at: 624}
	t.state[0] = seed
	for i := 1; i < len(t.state); i++ {
		before := t.state[i-1]
		t.state[i] = 1812433253*(before^before>>30) + uint32(i)
	}
	return t
}

// next returns 32 random bits.
func (t *twister) next() uint32 {
	if t.at == len(t.state) {
		for i := range t.state {
			y := t.state[i]&(1<<31) | t.state[(i+1)%624]&(1<<31-1)
			t.state[i] = t.state[(i+397)%624] ^ y>>1 ^ y&1*0x9908b0df
		}
		t.at = 0
	}
	y := t.state[t.at]
	t.at++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// below returns a number below n, at most the prime: 61 random bits, drawn again until they are below n.
func (t *twister) below(n uint64) uint64 {
	for {
		high := uint64(t.next())
		if v := (high<<32 | uint64(t.next())) & prime; v < n {
			return v
		}
	}
}
