package store

import (
	"fmt"
	"path"
	"strings"
)

// glob matches keys component by component.
type glob struct {
	prefix     string   // every match begins with it
	components []string // of the pattern, after the fixed part
	fixed      string   // whole components before the first wildcard, with their slash
}

func hasMeta(key string) bool { return strings.ContainsAny(key, `*?[`) }

func newGlob(pattern string) (glob, error) {
	first := strings.IndexAny(pattern, `*?[`)
	slash := strings.LastIndexByte(pattern[:first], '/') + 1
	g := glob{prefix: pattern[:first], fixed: pattern[:slash], components: strings.Split(pattern[slash:], "/")}
	for _, c := range g.components {
		if _, err := path.Match(c, ""); err != nil {
			return glob{}, fmt.Errorf("component %q of the pattern: %w", c, err)
		}
	}
	return g, nil
}

// below matches every Parquet object below a prefix.
func below(prefix string) glob {
	return glob{prefix: prefix, fixed: prefix, components: []string{"**", "*.parquet"}}
}

func (g glob) match(key string) bool {
	rest, ok := strings.CutPrefix(key, g.fixed)
	if !ok {
		return false
	}
	return matchComponents(g.components, strings.Split(rest, "/"))
}

// matchComponents keeps, for every prefix of the pattern, whether it matches the names seen so far: time is the product of the two
// lengths whatever the pattern.
func matchComponents(pattern, names []string) bool {
	now := make([]bool, len(pattern)+1)
	now[0] = true
	for i, p := range pattern {
		now[i+1] = now[i] && p == "**"
	}
	next := make([]bool, len(now))
	for _, name := range names {
		next[0] = false
		for i, p := range pattern {
			if p == "**" {
				next[i+1] = next[i] || now[i+1] && !hidden(name)
			} else {
				next[i+1] = now[i] && matchComponent(p, name)
			}
		}
		now, next = next, now
	}
	return now[len(pattern)]
}

func matchComponent(pattern, name string) bool {
	if hidden(name) && !hidden(pattern) {
		return false
	}
	ok, _ := path.Match(pattern, name) // the pattern was checked when it was parsed
	return ok
}

// hidden reports whether a name is passed over by wildcards, as Spark, Hive and pyarrow do.
func hidden(name string) bool {
	return strings.HasPrefix(name, "_") || strings.HasPrefix(name, ".")
}
