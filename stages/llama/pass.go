package llama

import (
	"math"
	"sync"
	"sync/atomic"
)

// batch is how many tokens go through the layers together. Sixty-six, in threes, take the weights from memory, or out of their blocks,
// rarely enough, and their logits are 13 MB for a vocabulary of 49,152.
const batch = 66

// segment is a run of one text's tokens within a batch. It follows what the cache holds.
type segment struct {
	cache *cache
	ids   []int64
	want  int // logits are wanted from this token of ids on
}

// pass takes batches of tokens through the model. It is what one goroutine works with; what of it several may use is in scratch.
type pass struct {
	*weights
	layout
	pages   *pages
	threads int // goroutines that may share the work on one batch
	scratch []*scratch

	x, sum             []float32 // the tokens' vectors; what a layer adds to them. Row r begins at r*padded(width)
	tiles              []float32 // the inputs of a product, as tiled arranges them
	query, key, value  []float32 // rows of padded(heads*head) and twice padded(groups*head)
	gate, up           []float32 // rows of padded(inner)
	sines, cosines     []float32 // rows of rotated/2
	logits             []float32 // rows of padded(vocabulary), those beyond it minus infinity
	segments           []segment // of the batch in hand
	firstRow, wantRows []int     // the row of each segment's first token; the rows whose logits are wanted
}

// scratch is a goroutine's own, made when it is needed.
type scratch struct {
	panel                        []float32 // of weights
	query, scores, shares, mixed []float32 // of attention
}

// newPass makes a pass for batches of up to rows tokens.
func (e *Engine) newPass(rows, threads int) *pass {
	w := e.weights
	rows = (rows + tile - 1) / tile * tile
	queries := w.heads * w.head
	p := &pass{weights: w, layout: e.layout, pages: &e.pages, threads: threads}
	floats := func(n int) []float32 { return make([]float32, rows*n) }
	p.x, p.sum = floats(padded(w.width)), floats(padded(w.width))
	p.tiles = floats(max(w.width, w.inner, queries))
	p.query = floats(padded(queries))
	p.key, p.value = floats(padded(w.groups*w.head)), floats(padded(w.groups*w.head))
	p.gate, p.up = floats(padded(w.inner)), floats(padded(w.inner))
	p.sines, p.cosines = floats(w.rotated/2), floats(w.rotated/2)
	p.logits = floats(padded(w.vocabulary))
	for range threads {
		p.scratch = append(p.scratch, new(scratch))
	}
	return p
}

// parallel calls f for 0 to n-1, on several goroutines where they are allowed and the work, in multiplications, is worth it.
func (p *pass) parallel(n, work int, f func(i int, s *scratch)) {
	const worth = 1 << 20 // half a millisecond's
	threads := min(p.threads, n, 1+work/worth)
	if threads == 1 {
		for i := range n {
			f(i, p.scratch[0])
		}
		return
	}
	var next atomic.Int64
	var group sync.WaitGroup
	for t := range threads {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i, p.scratch[t])
			}
		})
	}
	group.Wait()
}

// depth is how many inputs of a panel are multiplied with all rows before the next: 16 KiB of weights stay in the innermost cache.
const depth = 128

// product multiplies rows of inputs in p.tiles with a matrix.
func (p *pass) product(dst []float32, m *matrix, rows int) {
	stride := padded(m.out)
	p.parallel(panelsOf(m.out), rows*m.in*m.out, func(i int, s *scratch) {
		w := m.panel(i, &s.panel)
		for k := 0; k < m.in; k += depth {
			end := min(k+depth, m.in)
			for r := 0; r < rows; r += tile {
				n := tileRows(r, rows)
				multiply(dst[r*stride+i*panel:], stride, p.tiles[r*m.in+k*n:r*m.in+end*n], w[k*panel:end*panel], n, k > 0)
			}
		}
	})
}

// forward takes a batch through the model. Afterwards the caches hold its tokens, and row i of the logits belongs to the i-th token whose
// logits are wanted.
func (p *pass) forward(segments []segment) {
	rows := p.begin(segments)
	for i := range p.layer {
		l := &p.layer[i]
		p.normalised(p.x, l.attentionNorm, rows)
		p.product(p.query, l.query, rows)
		p.product(p.key, l.key, rows)
		p.product(p.value, l.value, rows)
		p.remember(i)
		p.attend(i)
		tiled(p.tiles, p.query, padded(l.out.in), l.out.in, rows)
		p.product(p.sum, l.out, rows)
		p.add(rows)

		p.normalised(p.x, l.innerNorm, rows)
		p.product(p.gate, l.gate, rows)
		p.product(p.up, l.up, rows)
		inner := padded(p.inner)
		p.parallel(rows, 8*rows*inner, func(r int, _ *scratch) {
			swiglu(p.gate[r*inner:][:inner], p.up[r*inner:][:inner])
		})
		tiled(p.tiles, p.gate, inner, p.inner, rows)
		p.product(p.sum, l.down, rows)
		p.add(rows)
	}
	for _, s := range segments {
		s.cache.length += len(s.ids)
	}
	p.end()
}

// begin looks up the tokens' vectors and the sines of their positions, and returns how many rows there are.
func (p *pass) begin(segments []segment) int {
	p.segments, p.firstRow, p.wantRows = segments, p.firstRow[:0], p.wantRows[:0]
	rows, pairs := 0, p.rotated/2
	for _, s := range segments {
		p.pages.extend(s.cache, s.cache.length+len(s.ids))
		p.firstRow = append(p.firstRow, rows)
		for i, id := range s.ids {
			p.embedding.row(p.x[rows*padded(p.width):], int(id))
			for j, f := range p.frequencies {
				sine, cosine := sineCosine(float64(float64(s.cache.length+i) * f))
				p.sines[rows*pairs+j], p.cosines[rows*pairs+j] = float32(sine), float32(cosine)
			}
			if i >= s.want {
				p.wantRows = append(p.wantRows, rows)
			}
			rows++
		}
	}
	return rows
}

// end computes the logits that are wanted.
func (p *pass) end() {
	width, columns := padded(p.width), padded(p.vocabulary)
	for i, r := range p.wantRows { // rows only move up
		copy(p.x[i*width:][:width], p.x[r*width:])
	}
	n := len(p.wantRows)
	if n == 0 {
		return
	}
	p.normalised(p.x, p.norm, n)
	p.product(p.logits, p.output, n)
	for i := range n {
		row := p.logits[i*columns:][:columns]
		for j := p.vocabulary; j < columns; j++ {
			row[j] = float32(math.Inf(-1))
		}
	}
}

// logitsOf returns the i-th row of the logits, as far as lengths that are multiples of eight need it.
func (p *pass) logitsOf(i int) []float32 {
	columns := padded(p.vocabulary)
	return p.logits[i*columns:][:columns]
}

// normalised arranges for a product the rows divided by their root mean square and scaled (Zhang and Sennrich, arXiv 1910.07467).
func (p *pass) normalised(rows, scale []float32, n int) {
	stride := padded(p.width)
	for r := range n {
		from, to := rows[r*stride:][:p.width], p.sum[r*stride:][:p.width]
		var sums [4]float64 // element i goes to sum i%4
		i := 0
		for ; i+4 <= len(from); i += 4 {
			a, b, c, d := float64(from[i]), float64(from[i+1]), float64(from[i+2]), float64(from[i+3])
			sums[0] += float64(a * a)
			sums[1] += float64(b * b)
			sums[2] += float64(c * c)
			sums[3] += float64(d * d)
		}
		for ; i < len(from); i++ {
			sums[i%4] += float64(float64(from[i]) * float64(from[i]))
		}
		mean := ((sums[0] + sums[1]) + (sums[2] + sums[3])) / float64(p.width)
		by := float32(1 / math.Sqrt(mean+p.epsilon))
		for i, v := range from {
			to[i] = float32(v*by) * scale[i]
		}
	}
	tiled(p.tiles, p.sum, stride, p.width, n)
}

// add adds what a layer computed to the tokens' vectors.
func (p *pass) add(rows int) {
	x, sum := p.x[:rows*padded(p.width)], p.sum[:rows*padded(p.width)]
	for i, v := range sum {
		x[i] += v
	}
}
