package evidence

import (
	"math"
	"slices"

	"palimpsest/stages/fold"
	"palimpsest/stages/likelihood"
)

// score is one of the scores of table likelihood, with the direction in which texts of the training set lie.
type score struct {
	name   string
	higher bool // higher is more member-like
	of     func(*likelihood.Score) float64
}

// scores lists every score that texts can be ranked by (methods, section 4).
var scores = []score{
	{"log_prob", true, func(s *likelihood.Score) float64 { return s.LogProb }},
	{"bits_per_byte", false, func(s *likelihood.Score) float64 { return s.BitsPerByte }},
	{"perplexity", false, func(s *likelihood.Score) float64 { return s.Perplexity }},
	{"min_k", true, func(s *likelihood.Score) float64 { return s.MinK }},
	{"min_k_pp", true, func(s *likelihood.Score) float64 { return s.MinKPP }},
	{"zlib_ratio", false, func(s *likelihood.Score) float64 { return s.ZlibRatio }},
	{"lowercase_ratio", true, func(s *likelihood.Score) float64 { return s.LowercaseRatio }},
	{"reference_log_ratio", true, func(s *likelihood.Score) float64 { return s.ReferenceLogRatio }},
	{"memorized_bits", true, func(s *likelihood.Score) float64 { return s.MemorizedBits }},
	{"prior_lift", true, func(s *likelihood.Score) float64 { return s.PriorLift }},
}

// defaults are the scores that works are ranked by where evidence.score names none, the first that the run has (methods,
// section 7).
var defaults = []string{"reference_log_ratio", "min_k_pp", "min_k"}

// canaryScore is what canaries are ranked by, whatever evidence.score says: exposure is defined on the probability of the whole
// text (methods, section 6).
const canaryScore = "log_prob"

// Scores returns the names that evidence.score can take.
func Scores() []string {
	names := make([]string, len(scores))
	for i, s := range scores {
		names[i] = s.name
	}
	return names
}

// lookup returns the score of that name. One that does not exist is undefined for every text.
func lookup(name string) score {
	i := slices.IndexFunc(scores, func(s score) bool { return s.name == name })
	if i < 0 {
		return score{name, true, func(*likelihood.Score) float64 { return math.NaN() }}
	}
	return scores[i]
}

// value returns the subject's score as the tables hold it; NaN when it has none.
func (s score) value(subject *Subject) float64 {
	if subject.Target == nil {
		return math.NaN()
	}
	return s.of(subject.Target)
}

// likeness returns the score turned so that higher is always more member-like; NaN when the subject has none.
func (s score) likeness(subject *Subject) float64 {
	if v := s.value(subject); s.higher {
		return v
	} else {
		return -v
	}
}

// group is a control group; a subject without one belongs to the group without a name.
type group struct {
	named bool
	name  string
}

func groupOf(p *fold.Probe) group {
	if p.ControlGroup == nil {
		return group{}
	}
	return group{true, *p.ControlGroup}
}

// declared returns the score that works are ranked by: the configured one, else the first default that some work and some control
// have, else the first that some work has.
func declared(configured string, probes, controls []Subject) score {
	if configured != "" {
		return lookup(configured)
	}
	has := func(s score, subjects []Subject, control bool) bool {
		for i := range subjects {
			if (control || subjects[i].Probe.Kind == fold.Work) && !math.IsNaN(s.value(&subjects[i])) {
				return true
			}
		}
		return false
	}
	for _, needControl := range []bool{true, false} {
		for _, name := range defaults {
			s := lookup(name)
			if has(s, probes, false) && (!needControl || has(s, controls, true)) {
				return s
			}
		}
	}
	return lookup(defaults[len(defaults)-1])
}

// ranking holds the controls' scores, by score and group, sorted ascending by member-likeness.
type ranking map[rankingKey][]float64

type rankingKey struct {
	score string
	group group
}

// groups returns the names of the control groups with that score, sorted.
func (r ranking) groups(score string) []string {
	var names []string
	for k := range r {
		if k.score == score && k.group.named {
			names = append(names, k.group.name)
		}
	}
	slices.Sort(names)
	return names
}

// rank ranks the controls by each of the scores.
func rank(controls []Subject, by ...score) ranking {
	r := ranking{}
	for _, s := range by {
		for i := range controls {
			v := s.likeness(&controls[i])
			if math.IsNaN(v) {
				continue
			}
			k := rankingKey{s.name, groupOf(controls[i].Probe)}
			r[k] = append(r[k], v)
		}
	}
	for _, values := range r {
		slices.Sort(values)
	}
	return r
}

// atLeast returns how many of the sorted values are at least v.
func atLeast(values []float64, v float64) int64 {
	i, _ := slices.BinarySearch(values, v)
	return int64(len(values) - i)
}

// HigherIsMember reports whether higher values of that score are more member-like.
func HigherIsMember(name string) bool { return lookup(name).higher }
