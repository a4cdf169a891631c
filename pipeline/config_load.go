package pipeline

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// LoadConfig reads the configuration in data, which the user calls path, with the overrides of --set: each "key=value", where the
// key is a dotted path (probes.0.kind) and the value is YAML. It fills in the defaults. If anything is wrong it returns a
// *ConfigError with all problems at once. Nothing but the arguments has influence on the result.
func LoadConfig(path string, data []byte, sets []string) (*Config, error) {
	l := &loader{file: path, set: make(map[*yaml.Node]string), where: make(map[string]origin)}
	root := l.parse(data)
	if root == nil {
		return nil, l.err()
	}
	for _, s := range sets {
		l.override(root, s)
	}
	var c Config
	l.where[""] = l.origin(root)
	l.decode("", root, reflect.ValueOf(&c).Elem())
	l.check(&c)
	if err := l.err(); err != nil {
		return nil, err
	}
	return &c, nil
}

// loader turns a tree of YAML nodes into a Config. The tree is decoded here rather than by the YAML package, so that every
// message has the same form and knows its key, its line and whether a --set brought it.
type loader struct {
	file     string
	set      map[*yaml.Node]string // nodes that a --set made, with its key
	where    map[string]origin     // of every key that was given
	problems []ConfigProblem
	broken   []string // keys whose value could not be decoded
}

// origin is where a key was given.
type origin struct {
	line int
	set  string
}

func (l *loader) origin(n *yaml.Node) origin { return origin{n.Line, l.set[n]} }

func (l *loader) err() error {
	if len(l.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(l.problems, func(a, b ConfigProblem) int {
		return cmp.Or(strings.Compare(a.Set, b.Set), cmp.Compare(a.Line, b.Line))
	})
	return &ConfigError{l.problems}
}

func (l *loader) report(at origin, key, format string, args ...any) {
	p := ConfigProblem{Key: key, Set: at.set, Problem: fmt.Sprintf(format, args...)}
	if at.set == "" {
		p.File, p.Line = l.file, max(at.line, 1)
	}
	l.problems = append(l.problems, p)
}

// given reports whether the key was given, by the file or by a --set.
func (l *loader) given(key string) bool {
	_, ok := l.where[key]
	return ok
}

// problem reports what is wrong with the value of a key, at the place where it, or what it belongs to, was given. What could not
// be decoded has been reported already, and nothing more is said about it or what holds it.
func (l *loader) problem(key, format string, args ...any) {
	for _, b := range l.broken {
		if key == b || strings.HasPrefix(key, b+".") || strings.HasPrefix(b, key+".") {
			return
		}
	}
	at := key
	for !l.given(at) && at != "" {
		at = at[:max(strings.LastIndexByte(at, '.'), 0)]
	}
	l.report(l.where[at], key, format, args...)
}

// parse returns the root mapping of the one document in data, or nil after a problem.
func (l *loader) parse(data []byte) *yaml.Node {
	const remedy = "a configuration needs output, probes and at least one of hash, ngram and likelihood"
	r, err := yaml.NewLoader(bytes.NewReader(data))
	var document yaml.Node
	if err == nil {
		err = r.Load(&document)
	}
	switch {
	case errors.Is(err, io.EOF), err == nil && len(document.Content) == 0:
		l.report(origin{}, "", "the file is empty; %s", remedy)
		return nil
	case err != nil:
		l.syntax(err)
		return nil
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode {
		l.report(l.origin(root), "", "expected keys and values, got %s; %s", describe(root), remedy)
		return nil
	}
	var second yaml.Node
	if err := r.Load(&second); err == nil {
		l.report(origin{line: second.Line}, "", "a second document; a configuration is one document, so remove the line --- and what follows it")
		return nil
	} else if !errors.Is(err, io.EOF) {
		l.syntax(err)
		return nil
	}
	return root
}

// syntax reports what the YAML package says.
func (l *loader) syntax(err error) {
	var e *yaml.LoadError
	if errors.As(err, &e) {
		context := ""
		if e.ContextMsg != "" {
			context = ", " + e.ContextMsg
			if e.ContextMark.Line != e.Mark.Line {
				context += fmt.Sprintf(" that starts at line %d", e.ContextMark.Line)
			}
		}
		l.report(origin{line: e.Mark.Line}, "", "not YAML: %s%s; check indentation, quotes and brackets", e.Message, context)
		return
	}
	l.report(origin{}, "", "not YAML: %s", strings.Join(strings.Fields(err.Error()), " "))
}

// decode fills v from the node at key.
func (l *loader) decode(key string, n *yaml.Node, v reflect.Value) {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		l.broke(key, n, "anchors and aliases (& and *) are not read; write the value out")
		return
	case n.ShortTag() == "!!null":
		l.broke(key, n, "no value; give one (%s), or remove the key", wanted(v.Type()))
		return
	}
	switch v.Type() {
	case reflect.TypeFor[ProbeList]():
		if n.Kind == yaml.MappingNode {
			list := make(ProbeList, 1)
			l.decode(key, n, reflect.ValueOf(&list[0]).Elem())
			v.Set(reflect.ValueOf(list))
			return
		}
	case reflect.TypeFor[ModelList]():
		if n.Kind == yaml.MappingNode {
			list := make(ModelList, 1)
			l.decode(key, n, reflect.ValueOf(&list[0]).Elem())
			v.Set(reflect.ValueOf(list))
			return
		}
	case reflect.TypeFor[ByteSize]():
		if n.Kind == yaml.ScalarNode {
			size, err := parseByteSize(n.Value)
			if err != nil {
				l.broke(key, n, "%v", err)
			}
			v.SetInt(int64(size))
			return
		}
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		l.decode(key, n, v.Elem())
	case reflect.Struct:
		l.decodeStruct(key, n, v)
	case reflect.Map:
		l.decodeMap(key, n, v)
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			l.mismatch(key, n, v.Type())
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
		for i, item := range n.Content {
			at := join(key, strconv.Itoa(i))
			l.where[at] = l.origin(item)
			l.decode(at, item, v.Index(i))
		}
	default:
		l.decodeScalar(key, n, v)
	}
}

func (l *loader) decodeStruct(key string, n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		l.mismatch(key, n, v.Type())
		return
	}
	known := keysOf(v.Type())
	for name, value := range l.pairs(key, n) {
		i := slices.Index(known, name.Value)
		if i < 0 {
			l.report(l.keyOrigin(name, value), join(key, name.Value), "unknown key; %s", nearest(name.Value, known))
			continue
		}
		at := join(key, name.Value)
		l.where[at] = l.keyOrigin(name, value)
		l.decode(at, value, v.Field(i))
	}
}

func (l *loader) decodeMap(key string, n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		l.mismatch(key, n, v.Type())
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for name, value := range l.pairs(key, n) {
		at := join(key, name.Value)
		l.where[at] = l.keyOrigin(name, value)
		item := reflect.New(v.Type().Elem()).Elem()
		l.decode(at, value, item)
		v.SetMapIndex(reflect.ValueOf(name.Value), item)
	}
}

// pairs yields the keys and values of a mapping, and reports keys that are no plain names or stand there twice.
func (l *loader) pairs(key string, n *yaml.Node) func(func(name, value *yaml.Node) bool) {
	return func(yield func(name, value *yaml.Node) bool) {
		first := make(map[string]int)
		for i := 0; i+1 < len(n.Content); i += 2 {
			name, value := n.Content[i], n.Content[i+1]
			if name.Kind != yaml.ScalarNode || name.ShortTag() != "!!str" || name.Anchor != "" {
				l.report(l.keyOrigin(name, value), key, "a key must be a plain name, got %s", describe(name))
				continue
			}
			if line, ok := first[name.Value]; ok {
				l.report(l.keyOrigin(name, value), join(key, name.Value), "the key is there twice, first at line %d; keep one", line)
				continue
			}
			first[name.Value] = name.Line
			if !yield(name, value) {
				return
			}
		}
	}
}

// keyOrigin is where a key with its value was given: a --set may have replaced the value alone.
func (l *loader) keyOrigin(name, value *yaml.Node) origin {
	if set := l.set[value]; set != "" {
		return origin{set: set}
	}
	return l.origin(name)
}

func (l *loader) decodeScalar(key string, n *yaml.Node, v reflect.Value) {
	tag := n.ShortTag()
	if n.Kind != yaml.ScalarNode {
		l.mismatch(key, n, v.Type())
		return
	}
	ok := false
	switch v.Kind() {
	case reflect.String:
		// A date, a number or a word like yes is a string where a string is wanted, as it is written.
		ok = strings.HasPrefix(tag, "!!")
		v.SetString(n.Value)
	case reflect.Int:
		if tag == "!!int" {
			x, err := strconv.ParseInt(n.Value, 10, strconv.IntSize)
			ok = err == nil && (n.Value == "0" || strings.TrimLeft(n.Value, "+-")[0] != '0')
			v.SetInt(x)
		}
	case reflect.Float64:
		if tag == "!!int" || tag == "!!float" {
			x, err := strconv.ParseFloat(n.Value, 64)
			ok = err == nil && !math.IsInf(x, 0) && !math.IsNaN(x)
			v.SetFloat(x)
		}
	case reflect.Bool:
		ok = tag == "!!bool" && (n.Value == "true" || n.Value == "false")
		v.SetBool(n.Value == "true")
	}
	if !ok {
		l.mismatch(key, n, v.Type())
	}
}

func (l *loader) mismatch(key string, n *yaml.Node, t reflect.Type) {
	l.broke(key, n, "expected %s, got %s", wanted(t), describe(n))
}

func (l *loader) broke(key string, n *yaml.Node, format string, args ...any) {
	at := l.origin(n)
	if w, ok := l.where[key]; ok && w.set == "" && at.set == "" {
		at = w // the line of the key, where the value begins on a later one
	}
	l.report(at, key, format, args...)
	l.broken = append(l.broken, key)
}

// keysOf returns the keys of a struct, by field.
func keysOf(t reflect.Type) []string {
	keys := make([]string, t.NumField())
	for i := range keys {
		keys[i], _, _ = strings.Cut(t.Field(i).Tag.Get("json"), ",")
	}
	return keys
}

// wanted says what a value of the type looks like.
func wanted(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[ByteSize]():
		return "a size like 4GiB"
	case reflect.TypeFor[ProbeList]():
		return "a source of probes, or a list of them"
	case reflect.TypeFor[ModelList]():
		return "a model, or a list of them"
	}
	switch t.Kind() {
	case reflect.Pointer:
		if t.Elem().Kind() == reflect.Struct {
			return "keys and values, {} for the defaults"
		}
		return wanted(t.Elem())
	case reflect.Struct, reflect.Map:
		return "keys and values"
	case reflect.Slice:
		return "a list like [" + map[reflect.Kind]string{reflect.String: "a, b", reflect.Int: "1, 2"}[t.Elem().Kind()] + "]"
	case reflect.Int:
		return "a whole number like 13"
	case reflect.Float64:
		return "a number like 0.5"
	case reflect.Bool:
		return "true or false"
	default:
		return "a text"
	}
}

// describe says what a node is.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys and values"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	return quote(n.Value)
}

// quote quotes a value for a message, and cuts it where it is long.
func quote(s string) string {
	if len(s) > 60 {
		return strconv.Quote(s[:60]) + "..."
	}
	return strconv.Quote(s)
}

func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}
