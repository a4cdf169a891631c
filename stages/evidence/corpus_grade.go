package evidence

import "palimpsest/stages/fold"

// The grades of evidence.corpus_grade, from the strongest.
const (
	Exact         = "exact"
	NearDuplicate = "near_duplicate"
	Contained     = "contained"
	Overlap       = "overlap"
	None          = "none"
	NotAssessed   = "not_assessed"
)

// Grade returns what the corpus holds of the text, and why, in a sentence.
func (c *Corpus) Grade() (grade, reason string) {
	switch {
	case c.Hashed && c.Exact > 0:
		return Exact, sentence(count(c.Exact, "corpus document") + " " + holds(c.Exact) + " exactly this text" + alsoSameWords(c))
	case c.Hashed && c.ExactWords > 0:
		return Exact, sentence(count(c.ExactWords, "corpus document") + " " + holds(c.ExactWords) +
			" exactly these words; case, punctuation or spacing differ")
	case c.Near != nil && *c.Near > 0:
		return NearDuplicate, sentence(count(*c.Near, "corpus document") + " " +
			pick(*c.Near, "is a near duplicate", "are near duplicates") + " of this text")
	case c.Contained != nil && c.Contained.Coverage >= fold.Contained:
		return Contained, sentence("corpus document " + c.Contained.DocumentID + " holds " + percent(c.Contained.Coverage) +
			" of this text word for word")
	case c.Spans > 0:
		return Overlap, sentence(count(c.Documents, "corpus document") + " " + pick(c.Documents, "shares", "share") + " " +
			pick(c.Spans, "a run", thousands(c.Spans)+" different runs") + " with this text, the longest of " + c.unit(c.Longest))
	}
	return c.nothing()
}

// nothing grades a text of which nothing was found: none says only what was tested.
func (c *Corpus) nothing() (grade, reason string) {
	duplicates := "no exact duplicate"
	looked := "only exact duplicates were looked for"
	if c.Near != nil {
		duplicates = "no exact or near duplicate"
		looked = "only exact and near duplicates were looked for"
	}
	corpus := "the corpus holds "
	if c.FromCorpus {
		corpus = "besides the document itself, the corpus holds "
	}
	switch {
	case c.Searched && !c.Searchable && c.Hashed:
		return NotAssessed, sentence("the text is shorter than " + c.shortest() + ": " + looked + ", and there is none")
	case c.Searched && !c.Searchable:
		return NotAssessed, sentence("the text is shorter than " + c.shortest() + ", the shortest run that is looked for")
	case c.Searched && c.Hashed:
		return None, sentence(corpus + duplicates + " of this text and no run of at least " + c.span() + " of it")
	case c.Searched:
		return None, sentence(corpus + "no run of at least " + c.span() + " of this text")
	case c.Hashed:
		return None, sentence(corpus + duplicates + " of this text; shared passages were not looked for")
	}
	return NotAssessed, sentence("no corpus was searched")
}

// span describes the shortest run that is looked for.
func (c *Corpus) span() string {
	return c.bounds(" and ")
}

// shortest describes what a text too short for a span falls short of.
func (c *Corpus) shortest() string {
	return c.bounds(" or ")
}

// bounds joins the least lengths that apply.
func (c *Corpus) bounds(joint string) string {
	switch {
	case c.Unit == fold.Bytes:
		return count(int64(c.MinBytes), "byte")
	case c.MinBytes <= 0:
		return c.unit(int64(c.MinWords))
	}
	return c.unit(int64(c.MinWords)) + joint + count(int64(c.MinBytes), "byte")
}

// alsoSameWords adds the documents that hold the words in another spelling.
func alsoSameWords(c *Corpus) string {
	if more := c.ExactWords - c.Exact; more > 0 {
		return ", and " + thousands(more) + " more " + holds(more) + " the same words"
	}
	return ""
}

// holds conjugates for n documents.
func holds(n int64) string { return pick(n, "holds", "hold") }

// pick returns the singular or the plural.
func pick(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
