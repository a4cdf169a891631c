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

// commonMatches is the number of matches over one word above which a span is common. Copies of one text count once.
const commonMatches = 10

// distinctiveness says whether the span can lead an exhibit; nil without a span. Where several hold the first is given: a common
// span says nothing of where it came from, whoever wrote it; that every listed source is in the public domain is declared, while
// a quotation is read off the marks around it.
func (s *Span) distinctiveness() *string {
	if s == nil {
		return nil
	}
	d := Distinctive
	switch {
	case s.common():
		d = Common
	case s.publicDomain():
		d = PublicDomain
	case s.Quoted:
		d = Quotation
	}
	return &d
}

// common reports whether the span's words occur in too many matches to tell where they came from. Matches in the span's own
// documents are not held against it when these are copies of one text, as far as they are listed; matches elsewhere are, since a
// stock phrase with one chance word after it is a span of one document.
func (s *Span) common() bool {
	matches := s.MaxWordMatches
	if s.oneText() {
		matches -= s.Documents - 1
	}
	return matches > commonMatches
}

// oneText reports whether the listed sources are copies of one text. They are a uniform sample of the span's documents. A document
// whose digest is unknown is a copy of none.
func (s *Span) oneText() bool {
	for i := range s.Sources {
		if d := s.Sources[i].WordsSHA256; i > 0 && (d == "" || d != s.Sources[0].WordsSHA256) {
			return false
		}
	}
	return len(s.Sources) > 0
}

// publicDomain reports whether every listed source is declared to be in the public domain.
func (s *Span) publicDomain() bool {
	for i := range s.Sources {
		if l := s.Sources[i].License; l == nil || !isPublicDomain(*l) {
			return false
		}
	}
	return len(s.Sources) > 0
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

// isPublicDomain reports whether a licence, as corpora write it, says that the text is in the public domain or waives all rights:
// "public-domain", "CC0-1.0", "CC0-1.0/US-Gov-PD", "PDDL-1.0", an SPDX expression of such. Of alternatives one is enough, of
// anything else all parts must say so; what is not understood does not.
func isPublicDomain(license string) bool {
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
