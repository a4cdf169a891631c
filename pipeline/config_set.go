package pipeline

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// override puts the value of a --set into the tree. It makes the mappings on the way; whether the keys exist is seen when the
// tree is decoded.
func (l *loader) override(root *yaml.Node, set string) {
	key, text, ok := strings.Cut(set, "=")
	at := origin{set: key}
	if !ok || key == "" {
		l.report(origin{set: quote(set)}, "", "expected key=value, for instance --set ngram.min_words=25")
		return
	}
	var document yaml.Node
	if err := yaml.Load([]byte(text), &document); err != nil && strings.TrimSpace(text) != "" {
		l.report(at, key, "the value %s is not YAML; quote what is special to it", quote(text))
		return
	}
	value := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	if len(document.Content) > 0 {
		value = document.Content[0]
	}
	l.mark(value, key)

	path := strings.Split(key, ".")
	node := root
	for i, name := range path {
		last := i == len(path)-1
		// One source of probes, not in a list, has the index 0 all the same.
		if i == 1 && path[0] == "probes" && name == "0" && node.Kind == yaml.MappingNode && !last {
			continue
		}
		switch node.Kind {
		case yaml.MappingNode:
			child := l.child(node, name, key)
			if last {
				*child = value
				return
			}
			node = *child
			if node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" {
				node.Kind, node.Tag, node.Value = yaml.MappingNode, "!!map", ""
			}
		case yaml.SequenceNode:
			n, err := strconv.Atoi(name)
			if err != nil || n < 0 || n >= len(node.Content) {
				l.report(at, key, "%s is a list of %d, so %s must be an index from 0 to %d; to change its length set the whole list",
					strings.Join(path[:i], "."), len(node.Content), quote(name), len(node.Content)-1)
				return
			}
			if last {
				node.Content[n] = value
			}
			node = node.Content[n]
		default:
			l.report(at, key, "%s is a single value and has no keys; set it as a whole", strings.Join(path[:i], "."))
			return
		}
	}
}

// child returns the place of the value of that name in a mapping, and makes it if there is none.
func (l *loader) child(mapping *yaml.Node, name, set string) **yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name {
			return &mapping.Content[i+1]
		}
	}
	k := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name}
	v := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	l.set[k], l.set[v] = set, set
	mapping.Content = append(mapping.Content, k, v)
	return &mapping.Content[len(mapping.Content)-1]
}

// mark notes that a --set made the node and all in it.
func (l *loader) mark(n *yaml.Node, set string) {
	l.set[n] = set
	for _, c := range n.Content {
		l.mark(c, set)
	}
}

// parseByteSize reads a number of bytes with an optional unit, decimal (KB, MB, GB) or binary (KiB, MiB, GiB, TiB).
func parseByteSize(s string) (ByteSize, error) {
	digits := strings.TrimRight(s, "BKMGTi ")
	unit, ok := map[string]float64{"": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
		"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}[strings.TrimLeft(s[len(digits):], " ")]
	x, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || strings.ContainsAny(digits, "xXpP_+-nN") || x*unit >= math.MaxInt64 {
		return 0, fmt.Errorf("%s is not a size; write a number of bytes with or without B, KB, MB, GB, KiB, MiB, GiB or TiB, like 4GiB", quote(s))
	}
	return ByteSize(x * unit), nil
}
