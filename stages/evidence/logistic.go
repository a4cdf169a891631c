package evidence

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/optimize"
)

const (
	// maxVocabulary is how many words a classifier knows: those of most training texts.
	maxVocabulary = 20_000
	// maxTraining bounds the words, counted once a text, that a classifier learns from: a fit takes a fraction of a second.
	maxTraining = 1 << 19
	// maxIterations bounds a fit.
	maxIterations = 50
	// flat is the greatest slope of the mean loss at which a fit is done: ranks hardly change below it.
	flat = 1e-4
)

// classifier tells members from non-members by their words and length: logistic regression with a penalty of half the sum of squared
// weights on the sum of the losses.
type classifier struct {
	bags    *bags
	column  []int32 // by word: its weight's place; -1 when it is not known
	weights []float64
	center  [2]float64 // of the lengths in training
	scale   [2]float64
}

// example is a training text.
type example struct {
	text   int32
	member bool
}

// newClassifier learns from the training texts.
func newClassifier(b *bags, training []example) *classifier {
	c := &classifier{bags: b, column: make([]int32, b.vocabulary)}
	known := c.choose(training)
	for k := range c.center {
		sum, squares := 0., 0.
		for _, x := range training {
			sum += b.length[x.text][k]
		}
		c.center[k] = sum / float64(len(training))
		for _, x := range training {
			d := b.length[x.text][k] - c.center[k]
			squares += d * d
		}
		if c.scale[k] = math.Sqrt(squares / float64(len(training))); c.scale[k] == 0 {
			c.scale[k] = 1
		}
	}
	l := loss{training: training, slopes: make([]float64, len(training))}
	for _, x := range training {
		l.entries = c.appendRow(l.entries, x.text, known)
		l.ends = append(l.ends, len(l.entries))
	}
	start := make([]float64, known+3) // the words', the two lengths' and the constant
	// An error says that the search found no better place to go to from the best one, which is in the result.
	result, _ := optimize.Minimize(optimize.Problem{Func: l.value, Grad: l.gradient}, start,
		&optimize.Settings{GradientThreshold: flat, MajorIterations: maxIterations}, &optimize.LBFGS{})
	c.weights = start
	if result != nil {
		c.weights = result.X
	}
	return c
}

// choose picks the words that most training texts have, two at least, and returns their number.
func (c *classifier) choose(training []example) int {
	texts := make([]int32, c.bags.vocabulary)
	for _, x := range training {
		for _, e := range c.bags.of(x.text) {
			texts[e.word]++
		}
	}
	var chosen []int32
	for word, n := range texts {
		c.column[word] = -1
		if n > 1 {
			chosen = append(chosen, int32(word))
		}
	}
	if len(chosen) > maxVocabulary {
		slices.SortFunc(chosen, func(a, b int32) int { return cmp.Or(cmp.Compare(texts[b], texts[a]), cmp.Compare(a, b)) })
		chosen = chosen[:maxVocabulary]
	}
	for i, word := range chosen {
		c.column[word] = int32(i)
	}
	return len(chosen)
}

// appendRow appends what a text says to the weights: its known words and its lengths, by the place of the weight in the place of a
// word.
func (c *classifier) appendRow(to []entry, text int32, known int) []entry {
	for _, e := range c.bags.of(text) {
		if at := c.column[e.word]; at >= 0 {
			to = append(to, entry{at, e.count})
		}
	}
	for k, v := range c.bags.length[text] {
		to = append(to, entry{int32(known + k), float32((v - c.center[k]) / c.scale[k])})
	}
	return to
}

// guess returns how far on the members' side of the boundary a text lies.
func (c *classifier) guess(text int32) float64 {
	return margin(c.appendRow(nil, text, len(c.weights)-3), c.weights)
}

func margin(row []entry, weights []float64) float64 {
	m := weights[len(weights)-1]
	for _, e := range row {
		m += weights[e.word] * float64(e.count)
	}
	return m
}

// loss is the mean loss over the training texts, with the penalty.
type loss struct {
	training []example
	entries  []entry // the texts' rows, one after the other
	ends     []int
	slopes   []float64 // of each text's loss by its margin, where value was last asked
	at       []float64 // the weights there
}

func (l *loss) row(i int) []entry {
	if i == 0 {
		return l.entries[:l.ends[0]]
	}
	return l.entries[l.ends[i-1]:l.ends[i]]
}

func (l *loss) value(weights []float64) float64 {
	l.at = append(l.at[:0], weights...)
	sum := 0.
	for i, x := range l.training {
		m := margin(l.row(i), weights)
		if x.member {
			m = -m
		}
		// log(1 + e^m) and its slope, with no overflow.
		e := math.Exp(-math.Abs(m))
		sum += max(m, 0) + math.Log1p(e)
		s := e / (1 + e)
		if m > 0 {
			s = 1 / (1 + e)
		}
		if x.member {
			s = -s
		}
		l.slopes[i] = s
	}
	for _, w := range weights[:len(weights)-1] { // the constant is free
		sum += w * w / 2
	}
	return sum / float64(len(l.training))
}

func (l *loss) gradient(gradient, weights []float64) {
	if !slices.Equal(l.at, weights) {
		l.value(weights)
	}
	copy(gradient, weights)
	constant := 0.
	for i, s := range l.slopes {
		constant += s
		for _, e := range l.row(i) {
			gradient[e.word] += s * float64(e.count)
		}
	}
	gradient[len(gradient)-1] = constant
	for i := range gradient {
		gradient[i] /= float64(len(l.training))
	}
}
