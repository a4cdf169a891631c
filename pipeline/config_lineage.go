package pipeline

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"palimpsest/stages/lineage"
)

// Lineage declares what cannot be seen from outside, for the table lineage (methods, section 8): what models were made from, and on what
// basis that is claimed to have been done. The models of likelihood, with their bases, are part of it without being listed.
type Lineage struct {
	Corpus  string          `json:"corpus,omitzero"`   // name of the corpus that the run reads; default corpus
	Corpora []LineageCorpus `json:"corpora,omitempty"` // the others, or this one if it is no plain corpus
	Models  []LineageModel  `json:"models,omitempty"`
}

// LineageCorpus is a set of texts that models were made from, or that a model wrote.
type LineageCorpus struct {
	Name        string `json:"name"`
	Kind        string `json:"kind"`                  // corpus (default), tuning_corpus or synthetic_corpus, the default of what a model wrote
	GeneratedBy string `json:"generated_by,omitzero"` // the model that wrote it
}

// LineageModel is a model.
type LineageModel struct {
	Name string          `json:"name"`
	From []LineageSource `json:"from"` // what it was made from
}

// LineageSource is a corpus that a model was trained on, or the model that it was tuned from, and the claim that this was lawful.
type LineageSource struct {
	Corpus       string `json:"corpus,omitzero"`
	Model        string `json:"model,omitzero"`
	Relation     string `json:"relation"`              // undetermined (default), copy or derivative
	Basis        string `json:"basis"`                 // none (default: none is recorded), or one of lineage.Bases
	BasisRef     string `json:"basis_ref,omitzero"`    // contract, licence or address that the claim refers to
	Jurisdiction string `json:"jurisdiction,omitzero"` // under whose law, like DE, US-CA or EU
}

var jurisdictionPattern = regexp.MustCompile(`^[A-Z]{2}(-[A-Z0-9]{1,3})?$`)

func (l *loader) checkLineage(c *Config) {
	g := c.Lineage
	var corpora []string
	for i := range g.Corpora {
		k, key := &g.Corpora[i], join("lineage.corpora", strconv.Itoa(i))
		if l.checkNodeName(key+".name", k.Name) && slices.Contains(corpora, k.Name) {
			l.problem(key+".name", "two corpora have the name %s; give them two", quote(k.Name))
		}
		corpora = append(corpora, k.Name)
		kinds := []string{lineage.CorpusKind, lineage.TuningCorpus, lineage.SyntheticCorpus}
		if k.GeneratedBy != "" {
			kinds = kinds[2:]
		}
		l.word(key+".kind", &k.Kind, kinds...)
	}
	switch {
	case !c.folds():
		if l.given("lineage.corpus") {
			l.problem("lineage.corpus", "names the corpus that the run reads, and no stage reads one; remove it, or add hash or ngram")
		}
	case l.given("lineage.corpus"):
		l.checkNodeName("lineage.corpus", g.Corpus)
		corpora = append(corpora, g.Corpus)
	default:
		g.Corpus = corpusRole
		corpora = append(corpora, g.Corpus)
	}
	models := l.lineageModels(c)
	for i := range g.Corpora {
		if k := &g.Corpora[i]; k.GeneratedBy != "" {
			l.known(join("lineage.corpora", strconv.Itoa(i))+".generated_by", k.GeneratedBy, "model", models)
		}
	}
	for i := range g.Models {
		key := join("lineage.models", strconv.Itoa(i))
		if len(g.Models[i].From) == 0 {
			l.problem(key+".from", "required; list what the model was made from, like [{corpus: crawl, basis: tdm_art4, jurisdiction: DE}]")
		}
		for k := range g.Models[i].From {
			l.checkSource(join(key+".from", strconv.Itoa(k)), &g.Models[i], k, corpora, models)
		}
	}
	l.checkTuning(g)
}

// lineageModels returns the names of the models, of which those of likelihood need not be listed.
func (l *loader) lineageModels(c *Config) (names []string) {
	for i := range c.Lineage.Models {
		name, key := c.Lineage.Models[i].Name, join("lineage.models", strconv.Itoa(i))+".name"
		if l.checkNodeName(key, name) && slices.Contains(names, name) {
			l.problem(key, "two models have the name %s; put what it was made from into one list", quote(name))
		}
		names = append(names, name)
	}
	if m := c.Likelihood; m != nil {
		for i := range m.Target {
			names = append(names, m.Target[i].Name)
		}
		if m.Reference != nil {
			names = append(names, m.Reference.Name)
		}
	}
	return names
}

// checkSource checks one of the things that a model was made from.
func (l *loader) checkSource(key string, m *LineageModel, i int, corpora, models []string) {
	s := &m.From[i]
	switch {
	case (s.Corpus == "") == (s.Model == ""):
		l.problem(key, "is a corpus or a model; name one of the two")
	case s.Corpus != "":
		l.known(key+".corpus", s.Corpus, "corpus", corpora)
	case s.Model == m.Name:
		l.problem(key+".model", "%s cannot be made from itself; name the model it was tuned from", quote(m.Name))
	default:
		l.known(key+".model", s.Model, "model", models)
	}
	same := func(o LineageSource) bool { return o.Corpus == s.Corpus && o.Model == s.Model }
	if slices.ContainsFunc(m.From[:i], same) {
		l.problem(key, "%s is listed twice; keep one", quote(s.Corpus+s.Model))
	}
	l.word(key+".relation", &s.Relation, lineage.Relations()...)
	l.word(key+".basis", &s.Basis, lineage.Bases()...)
	for _, k := range []string{"basis_ref", "jurisdiction"} {
		if l.given(join(key, k)) && s.Basis == "none" {
			l.problem(join(key, k), "is of a basis, and none is claimed; name the basis or remove the key")
		}
	}
	if l.given(key+".jurisdiction") && !jurisdictionPattern.MatchString(s.Jurisdiction) {
		l.problem(key+".jurisdiction", "%s is no jurisdiction; give a code of ISO 3166 like DE or US-CA, or EU", quote(s.Jurisdiction))
	}
	if l.given(key+".basis_ref") && strings.ContainsFunc(s.BasisRef, unicode.IsControl) {
		l.problem(key+".basis_ref", "has a control character; remove it")
	}
}

// checkTuning reports models that would be tuned from themselves by way of others.
func (l *loader) checkTuning(g *Lineage) {
	var reaches func(from, to string, steps int) bool
	reaches = func(from, to string, steps int) bool {
		i := slices.IndexFunc(g.Models, func(m LineageModel) bool { return m.Name == from })
		return i >= 0 && steps > 0 && slices.ContainsFunc(g.Models[i].From, func(s LineageSource) bool {
			return s.Model != "" && (s.Model == to || reaches(s.Model, to, steps-1))
		})
	}
	for i, m := range g.Models {
		for k, s := range m.From {
			if s.Model != "" && s.Model != m.Name && reaches(s.Model, m.Name, len(g.Models)) {
				l.problem(join(join("lineage.models", strconv.Itoa(i))+".from", strconv.Itoa(k))+".model",
					"%s is itself made from %s; remove one of the two", quote(s.Model), quote(m.Name))
				return
			}
		}
	}
}

// known reports a name that nothing has.
func (l *loader) known(key, name, what string, names []string) {
	if !slices.Contains(names, name) {
		l.problem(key, "there is no %s %s; list it in lineage (%s)", what, quote(name), nearest(name, compacted(names)))
	}
}

// compacted returns the names, each once, in the order in which they come first.
func compacted(names []string) (all []string) {
	for _, n := range names {
		if n != "" && !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	return all
}

// checkNodeName reports whether a name can be one.
func (l *loader) checkNodeName(key, name string) bool {
	if name == "" || len(name) > 200 || strings.ContainsFunc(name, unicode.IsControl) {
		l.problem(key, "%s is no name; use 1 to 200 printable characters", quote(name))
		return false
	}
	return true
}
