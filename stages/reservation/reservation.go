// Package reservation makes of what a corpus recorded about a document one value: whether a right in it was reserved against text and data
// mining (Directive (EU) 2019/790, Article 4(3)). It reads values that are there in columns, and asks no network.
//
// A value that is absent was not recorded. An empty one was: that there was nothing to be found. The rules:
//
//   - The TDM Reservation Protocol (W3C community group report, 2024, section "Processing priority") speaks with one voice: that of the
//     metadata in the document, else of the header that it was served with, else of the site's file. Values other than 0 and 1 are errors,
//     and count as if nothing was found.
//   - A list for robots can reserve, by refusing the document or by naming mining, and never says that nothing is reserved: leave to crawl
//     is not leave to mine.
//   - The corpus's own declaration is a voice as well.
//   - Voices that differ make the state conflicting, and none is preferred. Without a voice nothing was expressed; where nothing was even
//     recorded the state is unknown.
//
// The state repeats what was declared. Whether that is effective is a question of law.
package reservation

import (
	"slices"
	"strings"
)

// The states.
const (
	Reserved     = "reserved"
	NotReserved  = "not_reserved"
	Conflicting  = "conflicting"   // signals say both
	NotExpressed = "not_expressed" // signals were recorded, and say neither
	Unknown      = "unknown"       // no signal was recorded
)

// Signal is a source of reservations, as the columns of the corpus are named.
type Signal string

// The signals.
const (
	Declared   Signal = "opt_out"     // what the corpus itself declares: yes, no, or a state
	File       Signal = "tdm_file"    // tdm-reservation that /.well-known/tdmrep.json has for the document: 0 or 1
	Header     Signal = "tdm_header"  // tdm-reservation in the header of the HTTP reply
	Meta       Signal = "tdm_meta"    // tdm-reservation in the metadata of the HTML, EPUB or PDF
	Robots     Signal = "robots"      // what robots.txt says of the document to crawlers for mining: allow or disallow
	Directives Signal = "robots_meta" // directives of X-Robots-Tag or the meta tag robots, like noai
)

// Signals returns all signals, in the order in which they are told.
func Signals() []Signal { return []Signal{Declared, Meta, Header, File, Robots, Directives} }

// Decision is the state with the rule that led to it.
type Decision struct {
	State string
	Rule  string // the signals that spoke, like "tdm_meta over tdm_file" or "opt_out not_reserved, robots reserved"
}

// Decide applies the rules. of returns the recorded value of a signal, nil where none was recorded.
func Decide(of func(Signal) *string) Decision {
	var (
		recorded, voices []string // names of signals; the states that were voiced
		spoke            []string // with what each voice rests on
	)
	voice := func(by, state string) {
		voices, spoke = append(voices, state), append(spoke, by)
	}
	for _, s := range Signals() {
		if of(s) != nil {
			recorded = append(recorded, string(s))
		}
	}
	if len(recorded) == 0 {
		return Decision{Unknown, "no signal recorded"}
	}
	if state := declared(of(Declared)); state == Conflicting {
		return Decision{Conflicting, string(Declared)}
	} else if state != "" {
		voice(string(Declared), state)
	}
	if by, state := protocol(of); state != "" {
		voice(by, state)
	}
	for _, s := range []Signal{Robots, Directives} {
		if refuses(of(s)) {
			voice(string(s), Reserved)
		}
	}
	switch {
	case len(voices) == 0:
		return Decision{NotExpressed, "nothing in " + strings.Join(recorded, ", ")}
	case slices.Contains(voices, Reserved) && slices.Contains(voices, NotReserved):
		for i := range spoke {
			spoke[i] += " " + voices[i]
		}
		return Decision{Conflicting, strings.Join(spoke, ", ")}
	}
	return Decision{voices[0], strings.Join(spoke, ", ")}
}

// protocol returns what the protocol says, "" for nothing, and where.
func protocol(of func(Signal) *string) (by, state string) {
	var over []string
	for _, s := range []Signal{Meta, Header, File} {
		v := of(s)
		if v == nil {
			continue
		}
		own := map[string]string{"1": Reserved, "0": NotReserved}[strings.TrimSpace(*v)]
		switch {
		case own == "":
		case state == "":
			by, state = string(s), own
		case own != state:
			over = append(over, string(s))
		}
	}
	if over != nil {
		by += " over " + strings.Join(over, " and ")
	}
	return by, state
}

// declared reads a declaration; "" when it says neither.
func declared(v *string) string {
	if v == nil {
		return ""
	}
	switch word := normal(*v); word {
	case "1", "true", "yes", "y", "reserved", "opt_out", "optout", "opted_out":
		return Reserved
	case "0", "false", "no", "n", "not_reserved", "opt_in", "optin":
		return NotReserved
	case Conflicting:
		return Conflicting
	}
	return ""
}

// refusals are the words by which lists for robots refuse mining.
var refusals = []string{"disallow", "disallowed", "noai", "noimageai", "noml", "notrain", "notdm"}

// refuses reports whether a word of the list refuses mining.
func refuses(v *string) bool {
	if v == nil {
		return false
	}
	words := strings.FieldsFunc(*v, func(r rune) bool { return strings.ContainsRune(",;| \t\r\n", r) })
	return slices.ContainsFunc(words, func(w string) bool {
		return slices.Contains(refusals, strings.ToLower(w[strings.LastIndexByte(w, ':')+1:])) // it may follow a robot's name
	})
}

// normal writes a word as states are written.
func normal(s string) string {
	return strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToLower(strings.TrimSpace(s)))
}
