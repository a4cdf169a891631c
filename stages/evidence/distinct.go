package evidence

import (
	"regexp"
	"strings"
)

// The values of evidence.distinctiveness.
const (
	Common       = "common"
	PublicDomain = "public_domain"
	Quotation    = "quotation"
	Distinctive  = "distinctive"
)

// commonMatches is the number of matches over one word above which a span is common.
const commonMatches = 10

// distinctiveness says whether the span can lead an exhibit; nil without a span. Where several hold the first is given: a common
// span says nothing of where it came from, whoever wrote it; that every sampled source is in the public domain is declared, while
// a quotation is read off the marks around it.
func (s *Span) distinctiveness() *string {
	if s == nil {
		return nil
	}
	d := Distinctive
	switch {
	case s.common():
		d = Common
	case s.PublicDomain:
		d = PublicDomain
	case s.Quoted:
		d = Quotation
	}
	return &d
}

// common reports whether the span's words occur in too many matches to tell where they came from (methods, section 7: more than ten
// matches over one word in otherwise unrelated documents).
//
// Matches are counted, not documents: one document may match several times. Where the span's documents are unrelated every match
// counts. Where they are copies of one text, the span's occurrences in them say only how often that text is there, and are set
// aside; more than ten matches beyond them make the span common all the same, since a stock phrase with one chance word after it
// is a span of one text. Matches beyond the span's occurrences may also lie in the copies themselves, as when a refrain is
// part of the span: such a span may be called common wrongly, never distinctive.
func (s *Span) common() bool {
	matches := s.MaxWordMatches
	if s.OneText {
		matches -= max(s.Occurrences, s.Documents) // every document has an occurrence
	}
	return matches > commonMatches
}

// Sampled takes over what matters of the span's sampled sources.
func (s *Span) Sampled(sources []Source) {
	s.OneText = len(sources) > 1 || len(sources) == 1 && s.Documents <= 1
	s.PublicDomain = len(sources) > 0
	for i := range sources {
		if d := sources[i].WordsSHA256; i > 0 && (d == "" || d != sources[0].WordsSHA256) {
			s.OneText = false
		}
		if l := sources[i].License; l == nil || !IsPublicDomain(*l) {
			s.PublicDomain = false
		}
	}
}

// publicDomainMark matches one declaration, lower-cased and stripped of everything but letters and digits: the public domain in its
// usual spellings, its mark, CC0 and PDDL in any version.
var publicDomainMark = regexp.MustCompile(`^(licenseref)?(` +
	`(us|usgov)?(pd|publicdomain)(dedication|intheusa|us|worldwide)?` +
	`|(cc)?(pdm|publicdomainmark)(1?0)?` +
	`|u?s?government(work|works)` +
	`|(cc0|cczero|creativecommonszero)(10)?(universal)?` +
	`|(odc)?pddl(10)?` +
	`)$`)

var (
	expressionWord = regexp.MustCompile(`(?i)[\s/,;+&]*\b(AND|WITH)\b[\s/,;+&]*|[/,;+&]+`)
	alternative    = regexp.MustCompile(`(?i)\s+OR\s+`)
	notAlphanum    = regexp.MustCompile(`[^a-z0-9]+`)
)

// IsPublicDomain reports whether a licence, as corpora write it, says that the text is in the public domain or waives all rights:
// "public-domain", "CC0-1.0", "CC0-1.0/US-Gov-PD", "PDDL-1.0", an SPDX expression of such. Of alternatives one is enough, of
// anything else all parts must say so; what is not understood does not.
func IsPublicDomain(license string) bool {
	l := strings.TrimSpace(license)
	lower := strings.ToLower(l)
	if at := strings.Index(lower, "creativecommons.org/publicdomain/"); at >= 0 && !strings.ContainsAny(lower, " ()") {
		return true
	}
	for strings.HasPrefix(l, "(") && strings.HasSuffix(l, ")") {
		l = l[1 : len(l)-1]
	}
	if strings.ContainsAny(l, "()") { // nested: every part must say so
		l = alternative.ReplaceAllString(strings.NewReplacer("(", " ", ")", " ").Replace(l), "/")
	}
	for _, one := range alternative.Split(l, -1) {
		if allPublicDomain(one) {
			return true
		}
	}
	return false
}

func allPublicDomain(expression string) bool {
	said := false
	for _, part := range expressionWord.Split(expression, -1) {
		part = notAlphanum.ReplaceAllString(strings.ToLower(part), "")
		if part == "" {
			continue
		}
		if !publicDomainMark.MatchString(part) {
			return false
		}
		said = true
	}
	return said
}
