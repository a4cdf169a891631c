package likelihood

import (
	"context"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/zeebo/xxh3"
)

// permute scores orders of a canary's words and ranks the canary among them (methods, section 6). It is a description: an order of a
// grammatical sentence is less likely under any model of the language.
func (x *Examiner) permute(ctx context.Context, r *Score, text []byte) error {
	if !utf8.Valid(text) {
		return nil
	}
	scored, ahead := int64(0), int64(0)
	for o := range Orders(string(text), x.questions.Permutations, x.questions.Seed) {
		lp, err := x.logProb(ctx, []byte(o))
		if err != nil {
			return err
		}
		if !defined(lp) {
			return nil
		}
		scored++
		if lp >= r.LogProb {
			ahead++
		}
	}
	if r.Permutations = scored; scored > 0 {
		r.PermutationRank = ahead + 1
	}
	return nil
}

// Orders yields up to n different orders of the sentence's words other than its own: all of them where there are no more. The first
// word is put in lower case and the final stop set apart, and both are restored. They are drawn by the seed and the sentence.
func Orders(sentence string, n int, seed uint64) iter.Seq[string] {
	return func(yield func(string) bool) {
		body := strings.TrimRightFunc(sentence, func(r rune) bool { return unicode.IsPunct(r) || unicode.IsSpace(r) })
		words := strings.Fields(body)
		if len(words) < 2 {
			return
		}
		w := sentenceWriter{lead: body[:len(body)-len(strings.TrimLeftFunc(body, unicode.IsSpace))], stop: sentence[len(body):]}
		first, size := utf8.DecodeRuneInString(words[0])
		if w.upper = unicode.IsUpper(first); w.upper {
			words[0] = string(unicode.ToLower(first)) + words[0][size:]
		}
		seen := map[uint64]bool{xxh3.HashString(w.write(words)): true}
		left := n
		again := func() bool { // hands the words' present order over, unless its text was handed over before
			s := w.write(words)
			h := xxh3.HashString(s)
			if seen[h] {
				return true
			}
			seen[h] = true
			left--
			return yield(s)
		}
		if distinctOrders(words, n) <= n {
			slices.Sort(words)
			for more := true; more && again(); more = nextOrder(words) {
			}
			return
		}
		random := rand.New(rand.NewPCG(seed, xxh3.HashString(sentence)))
		for tries := 0; left > 0 && tries < 100*n; tries++ { // orders that differ in a capital alone may be one text
			random.Shuffle(len(words), func(i, k int) { words[i], words[k] = words[k], words[i] })
			if !again() {
				return
			}
		}
	}
}

// sentenceWriter writes words as a sentence.
type sentenceWriter struct {
	lead, stop string
	upper      bool // the first letter
}

func (w *sentenceWriter) write(words []string) string {
	s := strings.Join(words, " ")
	if w.upper {
		first, size := utf8.DecodeRuneInString(s)
		s = string(unicode.ToUpper(first)) + s[size:]
	}
	return w.lead + s + w.stop
}

// distinctOrders returns the number of orders of the words but their own, or a number above most.
func distinctOrders(words []string, most int) int {
	count := map[string]int{}
	orders := 1
	for i, w := range words {
		count[w]++
		if orders = orders * (i + 1) / count[w]; orders > most+1 {
			break
		}
	}
	return orders - 1
}

// nextOrder puts the words into their next order, and reports whether there was one.
func nextOrder(words []string) bool {
	i := len(words) - 2
	for i >= 0 && words[i] >= words[i+1] {
		i--
	}
	if i < 0 {
		return false
	}
	k := len(words) - 1
	for words[k] <= words[i] {
		k--
	}
	words[i], words[k] = words[k], words[i]
	slices.Reverse(words[i+1:])
	return true
}
