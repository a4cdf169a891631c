package evidence

import "palimpsest/stages/fold"

// Removed is a control that was taken out, and why.
type Removed struct {
	ID     string
	Group  *string
	Reason string
}

// Screen takes out the controls that cannot stand for texts the model was not trained on: those whose text is a probe's, and those
// that the corpus holds in whole or in part. The rest come back in their order.
//
// Controls of a group that canaries with a declared null are ranked in are made like the canary: slots share its carrier, siblings
// its template, so a corpus with the canary overlaps them by design. They are taken out only when the corpus holds the same text.
func Screen(controls, probes []Subject) (fit []Subject, removed []Removed) {
	bySHA, byWords := map[string]string{}, map[string]string{} // digest to the id of the first probe that has it
	carriers := map[group]bool{}
	for i := range probes {
		p := &probes[i]
		keep(bySHA, p.SHA256, p.Probe.ID)
		keep(byWords, p.WordsSHA256, p.Probe.ID)
		if p.Probe.Kind == fold.Canary && p.Probe.CanaryNull != nil {
			carriers[groupOf(p.Probe)] = true
		}
	}
	fit = make([]Subject, 0, len(controls))
	for i := range controls {
		c := &controls[i]
		if reason := unfit(c, bySHA, byWords, carriers[groupOf(c.Probe)]); reason != "" {
			removed = append(removed, Removed{ID: c.Probe.ID, Group: c.Probe.ControlGroup, Reason: reason})
			continue
		}
		fit = append(fit, *c)
	}
	return fit, removed
}

func keep(m map[string]string, digest, id string) {
	if _, ok := m[digest]; !ok && digest != "" {
		m[digest] = id
	}
}

// unfit returns why a control must go, or nothing.
func unfit(c *Subject, bySHA, byWords map[string]string, carrier bool) string {
	if id, ok := bySHA[c.SHA256]; ok {
		return "it is the text of probe " + id
	}
	if id, ok := byWords[c.WordsSHA256]; ok {
		return "it has the words of probe " + id
	}
	grade, reason := c.Corpus.Grade()
	switch grade {
	case None, NotAssessed:
		return ""
	case NearDuplicate, Contained, Overlap:
		if carrier {
			return ""
		}
	}
	return reason
}
