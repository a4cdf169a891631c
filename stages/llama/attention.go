package llama

import "math"

// remember rotates the batch's queries and keys by their positions and stores keys and values.
func (p *pass) remember(layer int) {
	queries, keys := padded(p.heads*p.head), padded(p.groups*p.head)
	for i, s := range p.segments {
		for t := range s.ids {
			row := p.firstRow[i] + t
			key, value := p.key[row*keys:], p.value[row*keys:]
			for h := range p.heads {
				p.rotate(p.query[row*queries+h*p.head:], row)
			}
			for g := range p.groups {
				at := g * p.head
				p.rotate(key[at:], row)
				p.put(s.cache, layer, g, s.cache.length+t, key[at:], value[at:])
			}
		}
	}
}

// rotate turns pairs of neighbouring numbers of a head. The converters to GGUF order the rows of a Llama's queries and keys so.
func (p *pass) rotate(x []float32, row int) {
	pairs := p.rotated / 2
	sines, cosines := p.sines[row*pairs:][:pairs], p.cosines[row*pairs:][:pairs]
	x = x[:2*pairs]
	for j, s := range sines {
		c, a, b := cosines[j], x[2*j], x[2*j+1]
		x[2*j] = float32(a*c) - float32(b*s)
		x[2*j+1] = float32(a*s) + float32(b*c)
	}
}

// attend replaces every query by the mixture of values that it asks for: each token sees those up to its own (Vaswani et al., arXiv
// 1706.03762; keys and values shared by heads: Ainslie et al., arXiv 2305.13245).
func (p *pass) attend(layer int) {
	work := 0
	for _, s := range p.segments {
		work += 2 * len(s.ids) * (s.cache.length + len(s.ids)) * p.heads * p.head
	}
	p.parallel(len(p.segments)*p.groups, work, func(i int, s *scratch) {
		p.attendGroup(layer, i/p.groups, i%p.groups, s)
	})
}

// attendGroup takes the queries of a segment to one group's keys and values, three at a time: those of a token's heads, then the next
// token's. Weights of positions that a query does not see are 0, which adds nothing to its sums.
func (p *pass) attendGroup(layer, index, group int, s *scratch) {
	var (
		seg    = &p.segments[index]
		head   = p.head
		share  = p.heads / p.groups
		stride = padded(p.heads * head)
		first  = p.query[p.firstRow[index]*stride+group*share*head:]
		n      = len(seg.ids) * share
		scale  = float32(1 / math.Sqrt(float64(head)))
		wide   = padded(head)
	)
	columns := padded(seg.cache.length + len(seg.ids))
	s.scores, s.shares = grown(s.scores, tile*columns), grown(s.shares, tile*columns)
	s.query, s.mixed = grown(s.query, tile*head), grown(s.mixed, tile*wide)
	for q := 0; q < n; q += tile {
		rows, used := tileRows(q, n), min(tile, n-q)
		query := s.query[:rows*head]
		clear(query)
		for r := range used {
			for k, v := range first[(q+r)/share*stride+(q+r)%share*head:][:head] {
				query[k*rows+r] = v * scale
			}
		}
		last := seg.cache.length + (q+used-1)/share // the last position that any of them sees
		for at := 0; at <= last; at += panel {
			multiply(s.scores[at:], columns, query, p.keysOf(seg.cache, layer, group, at), rows, false)
		}
		shares := s.shares[:rows*(last+1)]
		clear(shares)
		var sums [tile]float64
		for r := range used {
			seen := seg.cache.length + (q+r)/share + 1
			row := s.scores[r*columns:][:(seen+lanes-1)/lanes*lanes]
			for i := seen; i < len(row); i++ {
				row[i] = float32(math.Inf(-1))
			}
			sums[r] = exponentials(row, highestOf(row))
			for i, v := range row[:seen] {
				shares[i*rows+r] = v
			}
		}
		for at := 0; at <= last; at += page {
			positions := min(page, last+1-at)
			for v := range p.valuePanels {
				multiply(s.mixed[v*panel:], wide, shares[at*rows:][:positions*rows], p.valuesOf(seg.cache, layer, group, v, at/page, positions),
					rows, at > 0)
			}
		}
		for r := range used {
			by := float32(1 / sums[r])
			to := first[(q+r)/share*stride+(q+r)%share*head:][:head]
			for k, v := range s.mixed[r*wide:][:head] {
				to[k] = v * by
			}
		}
	}
}

// grown returns a slice of n floats, s again when it has room. What it holds is left over.
func grown(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n+n/2)
	}
	return s[:cap(s)]
}
