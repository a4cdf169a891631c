package hash

import (
	"context"

	"palimpsest/stages/fold"
	"palimpsest/stages/words"
)

// Pairs looks for near-duplicates among the probes themselves. It calls found with pairs of positions, the lower first; save those
// that settled reports, which are not compared, every pair of near-duplicates is found or linked by a chain of found ones through
// probes with the same words. Probes without words are near nothing. It ends with ctx.
func Pairs(
	ctx context.Context, probes []*fold.Probe, nearDuplicate float64, settled func(a, b int) bool, found func(a, b int),
) error {
	x := newNear(nearDuplicate, probes)
	var n words.Normaliser
	first := map[string]int{} // by the digest of the words
	for i, p := range probes {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		stream, count := n.Stream(p.Text)
		if count == 0 {
			continue
		}
		sum := fold.WordsSHA256(stream)
		if k, ok := first[sum]; ok {
			found(k, i)
			continue
		}
		first[sum] = i
		if count < shingleWords { // its one shingle is all its words
			continue
		}
		if err := x.add(i, p.ID, stream, sum); err != nil {
			return err
		}
	}
	if err := x.build(ctx); err != nil {
		return err
	}
	s := search{near: x}
	for text := range x.members {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		set, a := x.set(int32(text)), int(x.members[text][0])
		s.known = append(s.known[:0], set...)
		s.propose()
		for _, other := range s.texts {
			b := int(x.members[other][0])
			if a >= b || settled(a, b) {
				continue
			}
			set := x.set(other)
			shared := intersection(s.known, set, x.bound.shared(len(s.known), len(set)))
			if float64(shared)/float64(len(s.known)+len(set)-shared) >= nearDuplicate {
				found(a, b)
			}
		}
	}
	return nil
}
