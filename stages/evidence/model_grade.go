package evidence

import (
	"math"
	"strings"

	"palimpsest/stages/fold"
	"palimpsest/stages/verbatim"
)

// The grades of evidence.model_grade that are not also corpus grades, from the strongest.
const (
	Verbatim     = "verbatim"
	Extractable  = "extractable"
	NearVerbatim = "near_verbatim"
	Elevated     = "elevated"
)

const (
	verbatimWords = 50  // words of a run outside the prompt that make a generation verbatim; in unit tokens as many of these, alone
	verbatimBytes = 250 // and its bytes of normalised stream; in unit bytes these alone
)

const (
	ElevatedQ = .05 // greatest q-value of an elevated work
	ElevatedP = .01 // greatest p-value of an elevated canary
)

// test is the outcome of ranking one subject against its controls.
type test struct {
	score    score
	value    float64 // of the score; NaN when the subject has none
	controls int64   // N
	ahead    int64   // controls scoring at least as member-like
	p, q     float64 // NaN when there was no test
	barred   string  // why there was none
}

// least is the least p-value that N controls allow.
func (t *test) least() float64 { return 1 / float64(t.controls+1) }

// gradeModel returns what the model gives back of the subject, and why, in a sentence.
func gradeModel(s *Subject, t *test) (grade, reason string) {
	switch s.Probe.Kind {
	case fold.Generation:
		return gradeGeneration(s)
	case fold.Canary:
		return gradeCanary(s, t)
	}
	return gradeWork(s, t)
}

// gradeGeneration asks what the model's own output repeats of the corpus outside its prompt. In unit bytes a word has no meaning, so
// 250 bytes of the text suffice there; 50 tokens are the unit of the extraction literature and need no bytes beside them. Where no run is
// long enough, a passage that a listed document has nearly so may be (nv-recall): words of it that repeat the prompt count for it no more
// than for a run.
func gradeGeneration(s *Subject) (grade, reason string) {
	c := &s.Corpus
	switch {
	case !c.Searched:
		return NotAssessed, sentence("the corpus was not searched for runs of this output")
	case !s.Probe.PromptKnown():
		return NotAssessed, sentence("the prompt is unknown, so what the output repeats of the corpus may have been given to the model")
	case !c.Searchable:
		return NotAssessed, sentence("the output is shorter than " + c.shortest() + ", the shortest run that is looked for")
	}
	longest := int64(0)
	if c.LongestOutsidePrompt != nil {
		longest = *c.LongestOutsidePrompt
	}
	needed := count(verbatimWords, "word") + " and " + count(verbatimBytes, "byte")
	verbatim := longest >= verbatimWords && c.OutsidePromptBytes >= verbatimBytes
	bytes := count(c.OutsidePromptBytes, "byte")
	length := c.unit(longest) + " (" + bytes + ")"
	found := "a run of " + length + " of the corpus word for word"
	switch {
	case c.Unit == fold.Tokens:
		verbatim = longest >= verbatimWords
		needed = count(verbatimWords, "token")
		if longest > verbatimWords { // the bytes may be those of another run
			length = c.unit(longest)
		}
		found = "a run of " + length + " of the corpus word for word"
	case c.Unit == fold.Bytes:
		verbatim = longest >= verbatimBytes
		needed, length = count(verbatimBytes, "byte"), c.unit(longest)
		found = "a run of " + length + " of the corpus word for word"
	case longest > verbatimWords: // the bytes are those of the largest run of at least 50 words, which need not be the longest
		enough := "at least " + count(verbatimWords, "word")
		length = c.unit(longest) + ", and the largest of " + enough + " has " + bytes
		found = "a run of " + enough + " and " + bytes + " of the corpus word for word; the longest run has " + c.unit(longest)
	}
	outside := "outside its prompt"
	if s.Probe.Unprompted() {
		outside = "unprompted"
	}
	switch {
	case verbatim:
		return Verbatim, sentence("the output repeats, " + outside + ", " + found)
	case c.NearVerbatim != nil && c.NearVerbatim.Words > 0:
		return NearVerbatim, sentence("the output has, " + outside + ", a passage nearly word for word as corpus document " +
			c.NearVerbatim.DocumentID + " has it: " + count(c.NearVerbatim.Words, "word") + " of it are the same, in the same order")
	case longest == 0:
		return None, sentence("the output repeats, " + outside + ", no run of at least " + c.span() + " of the corpus" + c.noPassage())
	}
	return None, sentence("the longest run that the output repeats of the corpus, " + outside + ", has " + length +
		"; verbatim takes " + needed + c.noPassage())
}

// noPassage adds that documents were compared, and none has a passage of the output nearly so.
func (c *Corpus) noPassage() string {
	if c.NearVerbatim == nil {
		return ""
	}
	return "; no listed document has " + count(verbatim.Least, "word") + " of a passage of it nearly word for word"
}

// gradeCanary rests on the canary's rank among its controls alone: the windows of a canary may lie in the carrier that its controls
// share.
func gradeCanary(s *Subject, t *test) (grade, reason string) {
	switch {
	case t.barred != "":
		return NotAssessed, sentence(t.barred)
	case t.least() > ElevatedP:
		return NotAssessed, sentence("with " + count(t.controls, "control") + " p cannot fall below " + figure(t.least()) +
			"; at least 99 are needed")
	case t.p <= ElevatedP:
		return Elevated, sentence(t.standing() + " (p = " + figure(t.p) + ", exposure " + figure(exposure(t)) + " bits)")
	}
	return None, sentence(t.standing()+" (p = "+figure(t.p)+", exposure "+figure(exposure(t))+" bits)", "elevated takes p <= 0.01")
}

// gradeWork looks for a window that the model gives back, then at the work's rank among its controls.
func gradeWork(s *Subject, t *test) (grade, reason string) {
	if s.Target == nil {
		return NotAssessed, sentence(t.barred)
	}
	e := &s.Target.Extraction
	if b := e.Best; b != nil {
		next := count(b.SuffixTokens, "token")
		if b.P >= .001 {
			greedy := ""
			if b.Greedy {
				greedy = ", each of them its first choice"
			}
			return Extractable, sentence("given the " + count(b.PrefixTokens, "token") + " before them, the model gives back " + next +
				" of this text with " + probability(b.P) + greedy)
		}
		p := ""
		if !math.IsNaN(b.P) {
			p = " (" + probability(b.P) + ")"
		}
		return Extractable, sentence("given the " + count(b.PrefixTokens, "token") + " before them, each of " + next +
			" of this text is the model's first choice" + p)
	}
	windows, tested := windowsFound(s)
	ranked, possible := rankFound(t)
	if possible && t.q <= ElevatedQ {
		return Elevated, sentence(ranked, windows)
	}
	if e.Untold == 0 && (tested || possible) { // of a window that may be given back none cannot be said
		return None, sentence(windows, ranked)
	}
	return NotAssessed, sentence(windows, ranked)
}

// windowsFound says what the windows showed when none showed extraction, and whether any was tested.
func windowsFound(s *Subject) (clause string, tested bool) {
	e := &s.Target.Extraction
	switch {
	case e.Windows == 0:
		return "no window of prefix and suffix was cut from this text", false
	case e.Tested == 0:
		return "none of its " + count(e.Windows, "window") + " could be tested", false
	case e.Untold > 0:
		return count(e.Untold, "window") + " would be given back, but without token ids it is unknown whether the suffix only " +
			"repeats its prefix", false
	}
	of := count(e.Tested, "window") + " tested"
	if e.Tested < e.Windows {
		of = thousands(e.Tested) + " of " + count(e.Windows, "window") + " tested"
	}
	likeliest := ""
	if !math.IsNaN(e.MaxP) {
		likeliest = ", the likeliest suffix having " + probability(e.MaxP)
	}
	var save []string
	if e.Repeating > 0 {
		save = append(save, thousands(e.Repeating)+" whose suffix repeats its prefix")
	}
	if e.Primed > 0 {
		save = append(save, thousands(e.Primed)+" whose suffix the model gives back after the beginnings of controls as well")
	}
	clause = "no window is given back (" + of + likeliest + ")"
	if save != nil {
		clause += ", save " + strings.Join(save, " and ")
	}
	return clause, true
}

// rankFound says how the text ranks among its controls, and whether the rank could have shown anything.
func rankFound(t *test) (clause string, possible bool) {
	switch {
	case t.barred != "":
		return t.barred, false
	case t.least() > ElevatedQ:
		return "with " + count(t.controls, "control") + " p cannot fall below " + figure(t.least()) + "; at least 19 are needed", false
	}
	return t.standing() + " (p = " + figure(t.p) + ", q = " + figure(t.q) + ")", true
}

// standing says how many controls were beaten.
func (t *test) standing() string {
	beaten := t.controls - t.ahead
	switch beaten {
	case t.controls:
		return "its " + t.score.name + " is more member-like than that of all " + count(t.controls, "control")
	case 0:
		return "its " + t.score.name + " is more member-like than that of none of " + count(t.controls, "control")
	}
	return "its " + t.score.name + " is more member-like than that of " + thousands(beaten) + " of " + count(t.controls, "control")
}

// exposure is log2(N+1) - log2(rank) (Carlini et al., arXiv 1802.08232).
func exposure(t *test) float64 {
	return math.Log2(float64(t.controls+1)) - math.Log2(float64(t.ahead+1))
}
