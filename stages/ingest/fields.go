package ingest

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// The fields that are taken where the options name none.
const (
	defaultText = "text"
	defaultID   = "id"
)

// fields says which fields of a JSON object become which columns.
type fields struct {
	text, id string
	columns  []string // names
	paths    []string // their fields

	objects int64   // seen so far
	hadID   bool    // whether any object had an id
	had     []bool  // whether any object had the column's field
	values  []value // of the object in hand, by column
}

// newFields checks the options.
func newFields(o Options) (*fields, error) {
	f := &fields{text: o.Text, id: o.ID}
	if f.text == "" {
		f.text = defaultText
	}
	if f.id == "" {
		f.id = defaultID
	}
	for _, c := range o.Columns {
		name, field, given := strings.Cut(c, "=")
		if !given {
			field = name
		}
		switch {
		case name == "" || field == "":
			return nil, badUsage("column %q: write it as name or name=field", c)
		case !utf8.ValidString(name):
			return nil, badUsage("column %q: the name is not UTF-8", c)
		case strings.Contains(name, "."):
			return nil, badUsage("column %q: a name has no dot: write %s=%s", c, name[strings.LastIndexByte(name, '.')+1:], field)
		case strings.EqualFold(name, defaultID) || strings.EqualFold(name, defaultText):
			return nil, badUsage("column %q: the columns id and text are always there: choose their fields by their own options", c)
		case slices.ContainsFunc(f.columns, func(other string) bool { return strings.EqualFold(name, other) }):
			return nil, badUsage("column %q: a second column of that name", c)
		}
		f.columns, f.paths = append(f.columns, name), append(f.paths, field)
	}
	f.had, f.values = make([]bool, len(f.columns)), make([]value, len(f.columns))
	return f, nil
}

// fit refuses columns that no input can fill.
func (f *fields) fit(sources []source) error {
	if len(f.columns) > 0 && !slices.ContainsFunc(sources, source.lines) {
		return badUsage("column %s: columns are fields of JSON objects, and no input has any: .jsonl, .ndjson and .json do", f.columns[0])
	}
	return nil
}

// all refuses fields that were named and never seen: a name is misspelt more often than a field is absent everywhere.
func (f *fields) all() error {
	if f.objects == 0 {
		return nil
	}
	if f.id != defaultID && !f.hadID {
		return f.unseen(f.id)
	}
	for i, had := range f.had {
		if !had {
			return f.unseen(f.paths[i])
		}
	}
	return nil
}

func (f *fields) unseen(field string) error {
	return badUsage("field %q: none of the %s has it: check the spelling", field, plural(f.objects, "object"))
}

func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
