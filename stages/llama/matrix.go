package llama

import (
	"fmt"

	"palimpsest/stages/gguf"
)

// matrix is a weight matrix, out outputs of in inputs each. It is held as float32 in panels, of which the last is filled up with zeros,
// or in the file's own blocks, which are then made into panels each time: for a batch of tokens at once, so that it costs little.
type matrix struct {
	in, out int
	panels  []float32 // panel p holds output 32p+j of input k at [(p*in+k)*32+j]; nil when rows are kept
	typ     gguf.Type
	rows    []byte // the outputs' blocks, row by row
}

// fewestOutputs bounds what filling up a panel can add to a hostile file's size.
const fewestOutputs = 8

// readMatrix reads a tensor of in x out numbers. With expand it is held as float32 whatever the file has.
func readMatrix(f *gguf.File, name string, in, out int, expand bool) (*matrix, error) {
	t, err := tensor(f, name, in, out)
	if err != nil {
		return nil, err
	}
	if out < fewestOutputs {
		return nil, fmt.Errorf("tensor %q has %d outputs; fewer than %d would be held as many times as much", name, out, fewestOutputs)
	}
	b, err := f.Bytes(t)
	if err != nil {
		return nil, err
	}
	m := &matrix{in: in, out: out, typ: t.Type, rows: b}
	if expand || t.Type == gguf.F32 {
		m.expand()
	}
	return m, nil
}

// tensor returns the entry of a name, which must have the shape.
func tensor(f *gguf.File, name string, shape ...int) (*gguf.Tensor, error) {
	t := f.Tensor(name)
	if t == nil {
		return nil, fmt.Errorf("tensor %q is missing", name)
	}
	same := len(t.Shape) == len(shape)
	for i := 0; same && i < len(shape); i++ {
		same = t.Shape[i] == int64(shape[i])
	}
	if !same {
		return nil, fmt.Errorf("tensor %q has shape %d; %d is expected", name, t.Shape, shape)
	}
	return t, nil
}

// expand makes the panels and lets go of the rows.
func (m *matrix) expand() {
	panels := make([]float32, panelsOf(m.out)*panel*m.in)
	for p := range panelsOf(m.out) {
		m.unpack(panels[p*panel*m.in:][:panel*m.in], p)
	}
	m.panels, m.rows = panels, nil
}

func panelsOf(outputs int) int { return (outputs + panel - 1) / panel }

// padded is the number of outputs with those that fill the last panel.
func padded(outputs int) int { return panelsOf(outputs) * panel }

// panel returns panel p, made in scratch when it is not held.
func (m *matrix) panel(p int, scratch *[]float32) []float32 {
	if m.panels != nil {
		return m.panels[p*panel*m.in:][:panel*m.in]
	}
	*scratch = grown(*scratch, panel*m.in)
	made := (*scratch)[:panel*m.in]
	m.unpack(made, p)
	return made
}

// mostBlock is the largest number of numbers that a block holds.
const mostBlock = 256

// unpack makes panel p. It goes by a block of every row, so that what is read and what is written stay in the innermost cache.
func (m *matrix) unpack(dst []float32, p int) {
	step := max(m.typ.Block(), panel)
	size := m.in / m.typ.Block() * m.typ.BlockBytes()
	rows := m.rows[p*panel*size:]
	var numbers [mostBlock]float32
	for k := 0; k < m.in; k += step {
		n := min(step, m.in-k)
		to := dst[k*panel:][:n*panel]
		from := k / m.typ.Block() * m.typ.BlockBytes()
		for j := range panel {
			if p*panel+j >= m.out {
				for i := range n {
					to[i*panel+j] = 0
				}
				continue
			}
			gguf.Dequantize(m.typ, numbers[:n], rows[j*size+from:])
			for i, v := range numbers[:n] {
				to[i*panel+j] = v
			}
		}
	}
}

// row writes the inputs of one output: an embedding.
func (m *matrix) row(dst []float32, output int) {
	if m.panels == nil {
		gguf.Dequantize(m.typ, dst[:m.in], m.rows[output*(len(m.rows)/m.out):])
		return
	}
	w := m.panels[output/panel*panel*m.in+output%panel:]
	for k := range dst[:m.in] {
		dst[k] = w[k*panel]
	}
}
