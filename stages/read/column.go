package read

import (
	"fmt"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go/format"
)

// Kind is what the values of a column are.
type Kind int

// The kinds of value. Int covers every whole number, dates and times as they are stored; Float covers float16 to double.
const (
	Bytes Kind = iota + 1
	Int
	Float
	Bool
)

func (k Kind) String() string {
	switch k {
	case Bytes:
		return "text"
	case Int:
		return "whole numbers"
	case Float:
		return "floating-point numbers"
	case Bool:
		return "truth values"
	}
	return "values of no known kind"
}

// Column is one leaf column of one File.
type Column struct {
	Path  string // as File.Columns gives it
	Kind  Kind   // Bytes for a column without a type, see Is
	Depth int    // 0 scalar, 1 list, 2 list of lists

	file *File
	leaf *leaf
}

// Is reports whether the column can be read as one of the kinds. A column whose type is null, as pyarrow writes it for a partition in
// which every value is null, can be read as any.
func (c Column) Is(kinds ...Kind) bool {
	return slices.Contains(kinds, c.Kind) || c.leaf != nil && c.leaf.null
}

// leaf is a column of the schema.
type leaf struct {
	index    int
	name     string // dotted path as users write it: without the groups that only make a list of their content
	physical string // dotted path as the file has it
	typ      format.Type
	length   int // bytes of a fixed-length value
	kind     Kind
	problem  string // why there is no kind
	unsigned bool
	half     bool // float16
	null     bool // the type is null: every value has to be

	maxDef, maxRep int
	// elementDef[i] is the definition level from which on an element of the i-th list level exists. One below it stands for an empty
	// list, less for a null one.
	elementDef [2]int
}

// describe says what the column holds in the words of the format.
func (l *leaf) describe() string {
	s := l.typ.String()
	if l.null {
		s = "null"
	}
	if l.maxRep > 0 {
		s = strings.Repeat("list of ", l.maxRep) + s
	}
	return s
}

// element is a node of the schema, as stored: depth first, each with its number of children.
type element struct {
	name       string
	typ        int32 // -1 for a group
	length     int32
	repetition format.FieldRepetitionType
	children   int32
	converted  int32 // -1 for none
	logical    int16 // field id in the union LogicalType; 0 for none
	unsigned   bool
	scale      int32
}

// Values of the annotations that matter here: ConvertedType, and field ids of LogicalType.
const (
	convertedMap      = 1
	convertedMapKV    = 2
	convertedList     = 3
	convertedDecimal  = 5
	convertedUint8    = 11
	convertedUint64   = 14
	convertedInterval = 21

	logicalMap     = 2
	logicalList    = 3
	logicalDecimal = 5
	logicalInteger = 10
	logicalUnknown = 11
	logicalFloat16 = 15
)

func (e *element) isList() bool { return e.converted == convertedList || e.logical == logicalList }
func (e *element) isMap() bool {
	return e.converted == convertedMap || e.converted == convertedMapKV || e.logical == logicalMap
}

func parseElement(c *compact, typ byte) element {
	e := element{typ: -1, converted: -1}
	c.structure(typ, func(id int16, typ byte) {
		switch id {
		case 1:
			if e.typ = c.int32(typ); e.typ < 0 || e.typ > int32(format.FixedLenByteArray) {
				c.fail("the schema has a column of unknown type %d", e.typ)
			}
		case 2:
			e.length = c.int32(typ)
		case 3:
			e.repetition = format.FieldRepetitionType(c.int32(typ))
		case 4:
			e.name = string(c.binary(typ))
		case 5:
			e.children = c.int32(typ)
		case 6:
			e.converted = c.int32(typ)
		case 7:
			e.scale = c.int32(typ)
		case 10:
			parseLogical(c, typ, &e)
		default:
			c.skip(typ)
		}
	})
	return e
}

func parseLogical(c *compact, typ byte, e *element) {
	c.structure(typ, func(id int16, typ byte) {
		e.logical = id
		switch id {
		case logicalInteger:
			c.structure(typ, func(id int16, typ byte) {
				if id == 2 {
					e.unsigned = !c.bool(typ)
				} else {
					c.skip(typ)
				}
			})
		case logicalDecimal:
			c.structure(typ, func(id int16, typ byte) {
				if id == 1 {
					e.scale = c.int32(typ)
				} else {
					c.skip(typ)
				}
			})
		default:
			c.skip(typ)
		}
	})
}

// schemaWalk turns the stored nodes into leaves.
type schemaWalk struct {
	elements []element
	leaves   []leaf
	names    int // bytes of all paths so far
}

// A group's name is part of the path of every column below it, so a footer can claim paths that are far longer than itself.
const (
	maxColumns = 1 << 17
	maxNames   = 64 << 20
)

// buildLeaves returns the columns of a schema.
func buildLeaves(elements []element) ([]leaf, error) {
	if len(elements) > maxColumns {
		return nil, unsupported("a schema of %d nodes", len(elements))
	}
	if len(elements) == 0 || elements[0].typ >= 0 {
		return nil, corrupt("the schema has no root")
	}
	w := &schemaWalk{elements: elements[1:]}
	if err := w.group(&elements[0], position{}, 0); err != nil {
		return nil, err
	}
	if len(w.elements) > 0 {
		return nil, corrupt("the schema has %d nodes that belong to no group", len(w.elements))
	}
	return w.leaves, nil
}

// position is what the way from the root to a node adds up to.
type position struct {
	names, physical []string
	def, rep        int
	elementDef      [2]int
}

func (p position) below(name, physical string) position {
	if name != "" {
		p.names = append(slices.Clip(p.names), name)
	}
	p.physical = append(slices.Clip(p.physical), physical)
	return p
}

// group walks the children of a group whose own position is at.
func (w *schemaWalk) group(e *element, at position, depth int) error {
	if depth > maxNesting {
		return corrupt("the schema is nested deeper than %d levels", maxNesting)
	}
	if e.children < 0 || int(e.children) > len(w.elements) {
		return corrupt("schema: group %s claims %d children", printable(e.name), e.children)
	}
	for range e.children {
		if len(w.elements) == 0 {
			return corrupt("schema: group %s has fewer children than it claims", printable(e.name))
		}
		child := &w.elements[0]
		w.elements = w.elements[1:]
		name := child.name
		if hidesName(e, child, depth > 0) {
			name = ""
		}
		if err := w.node(child, at.below(name, child.name), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// hidesName reports whether the child only makes a list or a map of its parent, so that users do not write its name. Writers name
// the repeated node list, bag, array or after the column, and the element within it element, item or array_element
// (https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#lists).
func hidesName(parent, child *element, inSchema bool) bool {
	if !inSchema || parent.children != 1 {
		return false
	}
	if child.repetition == format.Repeated {
		if parent.isList() || parent.isMap() {
			return true
		}
		return parent.repetition != format.Repeated && slices.Contains([]string{"list", "bag", "array"}, child.name)
	}
	// The one child of the repeated node of a list.
	return parent.repetition == format.Repeated && slices.Contains([]string{"element", "item", "array_element", "array"}, child.name)
}

func (w *schemaWalk) node(e *element, at position, depth int) error {
	switch e.repetition {
	case format.Required:
	case format.Optional:
		at.def++
	case format.Repeated:
		at.def++
		if at.rep < len(at.elementDef) {
			at.elementDef[at.rep] = at.def
		}
		at.rep++
	default:
		return corrupt("schema: node %s has unknown repetition %d", printable(e.name), e.repetition)
	}
	if e.typ < 0 {
		return w.group(e, at, depth)
	}
	for _, n := range at.physical {
		w.names += 2 * (len(n) + 1)
	}
	if w.names > maxNames {
		return unsupported("a schema whose columns have paths of more than %s", bytesOf(maxNames))
	}
	l := leaf{
		index: len(w.leaves), name: strings.Join(at.names, "."), physical: strings.Join(at.physical, "."),
		typ: format.Type(e.typ), length: int(e.length), maxDef: at.def, maxRep: at.rep, elementDef: at.elementDef,
	}
	if err := l.classify(e); err != nil {
		return err
	}
	w.leaves = append(w.leaves, l)
	return nil
}

func (l *leaf) classify(e *element) error {
	if l.typ == format.FixedLenByteArray && l.length <= 0 {
		return corrupt("schema: column %s has values of %d bytes", printable(l.name), l.length)
	}
	if (e.converted == convertedDecimal || e.logical == logicalDecimal) && e.scale != 0 {
		l.problem = "decimal numbers"
		return nil
	}
	if e.logical == logicalUnknown {
		l.kind, l.null = Bytes, true // whatever the physical type
		return nil
	}
	switch l.typ {
	case format.Boolean:
		l.kind = Bool
	case format.Int32, format.Int64:
		l.kind = Int
		l.unsigned = e.unsigned || e.logical == 0 && e.converted >= convertedUint8 && e.converted <= convertedUint64
	case format.Float, format.Double:
		l.kind = Float
	case format.ByteArray:
		l.kind = Bytes
	case format.FixedLenByteArray:
		l.kind = Bytes
		if e.logical == logicalFloat16 && l.length == 2 {
			l.kind, l.half = Float, true
		}
		if e.converted == convertedInterval {
			l.kind, l.problem = 0, "intervals"
		}
	default:
		l.problem = "INT96 times"
	}
	if e.logical == logicalDecimal || e.converted == convertedDecimal {
		if l.typ == format.ByteArray || l.typ == format.FixedLenByteArray {
			l.kind, l.problem = 0, "decimal numbers"
		}
	}
	return nil
}

// Columns returns the paths of the file's leaf columns, dotted. A list is named by the column that holds it.
func (f *File) Columns() []string {
	names := make([]string, len(f.footer.leaves))
	for i := range f.footer.leaves {
		names[i] = f.footer.leaves[i].name
	}
	return names
}

// maxListed bounds how many columns an error lists.
const maxListed = 40

// Column returns the column of that path: "text", "meta.lang"; a list by the name of the column that holds it ("log_probs"), whatever
// the file calls the nodes within, or by its full path in the file ("log_probs.list.element").
func (f *File) Column(path string) (Column, error) {
	var found []*leaf
	for i := range f.footer.leaves {
		if f.footer.leaves[i].name == path {
			found = append(found, &f.footer.leaves[i])
		}
	}
	for i := range f.footer.leaves {
		if len(found) == 0 && f.footer.leaves[i].physical == path {
			found = append(found, &f.footer.leaves[i])
		}
	}
	fail := func(format string, args ...any) (Column, error) {
		args = append([]any{ErrColumn}, args...)
		return Column{}, &Error{Object: f.object.URI, Group: -1, Column: path, Row: -1, Err: fmt.Errorf("%w: "+format, args...)}
	}
	switch {
	case len(found) == 0:
		names := f.Columns()
		more := ""
		if len(names) > maxListed {
			more = fmt.Sprintf(" and %d more", len(names)-maxListed)
			names = names[:maxListed]
		}
		for i := range names {
			names[i] = printable(names[i])
		}
		return fail("the file has no such column; it has %s%s", strings.Join(names, ", "), more)
	case len(found) > 1:
		return fail("the name stands for both %s and %s: give the full path", printable(found[0].physical), printable(found[1].physical))
	case found[0].problem != "":
		return fail("it holds %s (%s), which are not read", found[0].problem, found[0].describe())
	case found[0].maxRep > 2:
		return fail("it is a %s; lists nested deeper than two levels are not read", found[0].describe())
	}
	l := found[0]
	return Column{Path: l.name, Kind: l.kind, Depth: l.maxRep, file: f, leaf: l}, nil
}

// want checks that the column belongs to f and holds scalars or lists of one of the kinds.
func (f *File) want(c Column, scalar bool, kinds ...Kind) error {
	if c.file != f {
		return fmt.Errorf("%w: it was looked up in another file", ErrColumn)
	}
	if !c.Is(kinds...) || scalar && c.Depth > 0 {
		return fmt.Errorf("%w: it is %s, wanted %s", ErrColumn, c.leaf.describe(), kinds[0])
	}
	return nil
}
