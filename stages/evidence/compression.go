package evidence

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"palimpsest/schemas"
	"palimpsest/stages/fold"
	"palimpsest/stages/likelihood"
)

// bitsPerParameter is what a model was found able to memorise, an estimate (Morris et al., arXiv 2505.24832).
const bitsPerParameter = 3.6

// Compressor is a model as a compressor of texts.
type Compressor struct {
	Model, Role string
	Target      bool  // the model whose memorisation is measured
	Bytes       int64 // size of the model; 0 when unknown
	Parameters  int64 // 0 when unknown
}

// Compressed is a probe or control, and what the model makes of it.
type Compressed struct {
	Subject *Subject
	Score   *likelihood.Score
}

// Compression adds up what the texts take under one model and under general compressors (methods, section 4): over all probes and
// over all controls, by kind, by control group, and by copies in the corpus as in Evaluate. Texts whose bits or bytes are unknown do
// not count. Rows are sorted by the table's key; sums run in the order of the texts.
func Compression(runID string, c Compressor, texts []Compressed) []schemas.Compression {
	floor := memorizedByControls(texts)
	slicesOf := map[compressionKey]*compression{}
	for i := range texts {
		t := &texts[i]
		if t.Score == nil || t.Score.Compressed == nil {
			continue
		}
		for _, name := range compressionSlices(t.Subject) {
			k := compressionKey{t.Subject.Probe.Control, name}
			s := slicesOf[k]
			if s == nil {
				s = &compression{seen: map[string]bool{}}
				s.row = schemas.Compression{RunID: runID, Model: c.Model, Role: c.Role, Control: k.control, Slice: k.slice}
				slicesOf[k] = s
			}
			s.add(t)
			if c.Target {
				s.memorize(t, floor)
			}
		}
	}
	rows := make([]schemas.Compression, 0, len(slicesOf))
	for _, s := range slicesOf {
		rows = append(rows, s.finish(c))
	}
	slices.SortFunc(rows, func(a, b schemas.Compression) int {
		if a.Control != b.Control {
			if b.Control {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Slice, b.Slice)
	})
	return rows
}

type compressionKey struct {
	control bool
	slice   string
}

// compressionSlices names the slices of a text.
func compressionSlices(s *Subject) []string {
	g := groupOf(s.Probe)
	names := []string{sliceAll}
	if !s.Probe.Control {
		names = append(names, "kind="+s.Probe.Kind)
	}
	switch name := sliceName(g); {
	case name == noGroup:
	case strings.Contains(name, "="): // a name that another slice may have
		names = append(names, "control_group="+strconv.Quote(g.name))
	default:
		names = append(names, name)
	}
	if !s.Probe.Control && s.Corpus.Hashed {
		names = append(names, doseName(g, &s.Corpus))
	}
	return names
}

// mean is a sum and of how many.
type mean struct {
	sum float64
	n   int64
}

func (m *mean) add(v float64) { *m = mean{m.sum + v, m.n + 1} }

func (m mean) value() float64 { return m.sum / float64(m.n) }

// memorizedByControls is the mean of memorized_bits over the controls of each group.
func memorizedByControls(texts []Compressed) map[group]mean {
	floor := map[group]mean{}
	for _, t := range texts {
		if !t.Subject.Probe.Control || t.Score == nil {
			continue
		}
		if b := t.Score.MemorizedBits; b == b {
			g := groupOf(t.Subject.Probe)
			m := floor[g]
			m.add(b)
			floor[g] = m
		}
	}
	return floor
}

// compression is one row in the making.
type compression struct {
	row      schemas.Compression
	seen     map[string]bool // digests of the words of the texts with memorized_bits
	distinct mean            // memorized_bits of the distinct texts
	net      mean            // of those whose group has controls, less the mean of these
	floor    float64         // the sum of these means
}

func (s *compression) add(t *Compressed) {
	r, score := &s.row, t.Score
	r.Texts++
	r.Bytes += score.Bytes
	r.ModelBits -= score.LogProb / math.Ln2
	r.ZlibBytes += score.Compressed.Zlib
	r.ZstdBytes += score.Compressed.Zstd
	r.XZBytes += score.Compressed.XZ
}

// memorize counts a text's memorized_bits once, whatever the number of probes with its words. What a model wrote itself is likely
// by construction and does not count.
func (s *compression) memorize(t *Compressed, floor map[group]mean) {
	p, bits := t.Subject.Probe, t.Score.MemorizedBits
	digest := cmp.Or(t.Subject.WordsSHA256, t.Subject.SHA256)
	if p.Kind == fold.Generation || bits != bits || s.seen[digest] {
		return
	}
	s.seen[digest] = true
	s.distinct.add(bits)
	if f, ok := floor[groupOf(p)]; ok && !p.Control {
		s.net.add(bits - f.value())
		s.floor += f.value()
	}
}

func (s *compression) finish(c Compressor) schemas.Compression {
	r := s.row
	bytes := float64(r.Bytes)
	r.BitsPerByte, r.RawRate = r.ModelBits/bytes, r.ModelBits/8/bytes
	r.ZlibPerByte, r.ZstdPerByte, r.XZPerByte = 8*float64(r.ZlibBytes)/bytes, 8*float64(r.ZstdBytes)/bytes, 8*float64(r.XZBytes)/bytes
	if c.Bytes > 0 {
		r.ModelBytes, r.AdjustedRate = &c.Bytes, new((float64(c.Bytes)+r.ModelBits/8)/bytes)
	}
	if !c.Target {
		return r
	}
	if c.Parameters > 0 {
		r.CapacityBits = new(bitsPerParameter * float64(c.Parameters))
	}
	r.DistinctTexts = &s.distinct.n
	if s.distinct.n > 0 {
		r.MemorizedBits = &s.distinct.sum
	}
	if r.Control {
		return r
	}
	r.ControlledTexts = &s.net.n
	if s.net.n > 0 {
		r.ControlsMean, r.MemorizedNet = new(s.floor/float64(s.net.n)), &s.net.sum
	}
	return r
}
