package evidence

import (
	"math"

	"palimpsest/schemas"
	"palimpsest/stages/fold"
	"palimpsest/stages/likelihood"
)

// Canaries says where each canary among the probes stands under a target model: among its controls, among the orders of its own words, and
// in the corpus (methods, section 6). The controls must have passed Screen. reference gives what the reference model made of a
// probe; nil where nothing. Rows are in the probes' order.
func Canaries(o Options, probes, controls []Subject, reference func(*fold.Probe) *likelihood.Score) []schemas.Canary {
	by := lookup(canaryScore)
	ranks := rank(controls, by)
	var rows []schemas.Canary
	for i := range probes {
		s := &probes[i]
		if s.Probe.Kind != fold.Canary || s.Target == nil {
			continue
		}
		r := schemas.Canary{RunID: o.RunID, ProbeID: s.Probe.ID, Model: o.Model, CanaryNull: s.Probe.CanaryNull, Tokens: s.Target.Tokens,
			LogProb: number(s.Target.LogProb), ControlGroup: s.Probe.ControlGroup}
		if ref := reference(s.Probe); ref != nil {
			r.ReferenceLogProb = number(ref.LogProb)
		}
		if c := &s.Corpus; c.Hashed {
			r.ExactDocuments = &c.Exact
		}
		if c := &s.Corpus; c.Searched {
			r.SpanDocuments = &c.Documents
		}
		if n := s.Target.Permutations; n > 0 {
			r.Permutations, r.PermutationRank = &n, &s.Target.PermutationRank
		}
		group := ranks[rankingKey{by.name, groupOf(s.Probe)}]
		r.Controls = int64(len(group))
		if v := by.likeness(s); r.Controls > 0 && !math.IsNaN(v) {
			place := atLeast(group, v) + 1
			r.ControlRank = &place
		}
		if t := run(s, by, ranks); t.barred == "" {
			r.PValue, r.Exposure = number(t.p), number(exposure(&t))
		}
		rows = append(rows, r)
	}
	return rows
}
