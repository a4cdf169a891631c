package report

import (
	"slices"
	"strings"

	"palimpsest/stages/evidence"
)

// attainable says what the smallest q-value is that each family of tests can reach: a rank among few controls shows nothing, however
// high it is (methods, section 7).
func attainable(p *page, families []evidence.Family, models []string) {
	if len(models) < 2 {
		writeAttainable(p, families, "")
		return
	}
	for _, m := range models {
		own := slices.DeleteFunc(slices.Clone(families), func(f evidence.Family) bool { return f.Model != m })
		writeAttainable(p, own, " under "+plain(m))
	}
}

// writeAttainable is of one model's families. Those of one size among as many controls are named together.
func writeAttainable(p *page, families []evidence.Family, under string) {
	var parts, names []string
	for i := range families {
		f := &families[i]
		if f.Group != nil {
			names = append(names, quoted(*f.Group, 20))
		} else {
			names = append(names, plain(f.Kind))
		}
		if i+1 < len(families) && families[i+1].Tests == f.Tests && families[i+1].Controls == f.Controls {
			continue
		}
		needs := ".05 is out of reach among " + count(f.Controls, "control")
		if f.Needed > 0 {
			needs = thousands(f.Needed) + " of " + count(f.Tests, "test") + " must beat all " + count(f.Controls, "control") + " for .05"
		}
		parts = append(parts, strings.Join(names, ", ")+" "+strings.TrimPrefix(fixed(f.LeastP, 4), "0")+" ("+needs+")")
		names = nil
	}
	if len(parts) > 0 {
		p.wrapped("  ", "Smallest attainable q"+under+": "+strings.Join(parts, "; ")+".")
	}
}
