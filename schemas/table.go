// Package schemas is the contract with whoever reads Palimpsest's tables: every table's columns, types, units and meaning,
// as Go row types from which the Arrow schema, the Parquet schema and the documentation all derive.
//
// A table is flat and holds only types that every warehouse has: string, int64, float64, bool and timestamp[us, UTC]. A field
// that is a pointer is nullable; null means undefined or not assessed, never zero. Offsets are half-open, in bytes of the
// original UTF-8 text (byte_*) or in words of it (word_*; in unit bytes a word is a byte, in unit tokens a token). Digests are lower-case
// hexadecimal. Rows are sorted by the table's key, so that equal runs give equal bytes.
package schemas

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
)

// Version is the version of the contract, written into the metadata of every file. Columns are only ever added within a major
// version.
const Version = "1.0"

// Column is one column of a table.
type Column struct {
	Name     string `json:"name"`
	Type     Type   `json:"type"`
	Nullable bool   `json:"nullable"`
	Unit     string `json:"unit,omitempty"` // "bytes", "words", "nats", "bits", "fraction", ... or empty
	Doc      string `json:"doc"`
}

// Type is the type of a column's values.
type Type string

// The types a column can have.
const (
	String    Type = "string"
	Int64     Type = "int64"
	Float64   Type = "float64"
	Bool      Type = "bool"
	Timestamp Type = "timestamp[us, UTC]"
)

// Table describes one table. The row type is a struct whose fields are the columns, in order.
type Table struct {
	Name    string       `json:"name"`
	Doc     string       `json:"doc"` // what a row is
	Key     []string     `json:"key"` // the columns that rows are sorted by
	Columns []Column     `json:"columns"`
	Row     reflect.Type `json:"-"`
}

// Of is a table whose rows have type R.
type Of[R any] struct{ *Table }

// All returns every table, in the order in which the documentation lists them.
func All() []*Table {
	return []*Table{
		Runs.Table, Probes.Table,
		Overlaps.Table, Spans.Table, SpanSources.Table, Matches.Table, Documents.Table, Signatures.Table,
		Likelihoods.Table, Compressions.Table, Tokens.Table, Windows.Table, Extractions.Table, Generations.Table, Canaries.Table,
		Tunings.Table,
		Evidences.Table, Lineages.Table, Evaluations.Table,
	}
}

// Lookup returns the table of that name.
func Lookup(name string) (*Table, bool) {
	for _, t := range All() {
		if t.Name == name {
			return t, true
		}
	}
	return nil, false
}

// define makes a table from its row type. It panics on a row type that breaks the contract, which is a mistake in this
// package that any test finds.
func define[R any](name, doc string, key ...string) Of[R] {
	t := &Table{Name: name, Doc: doc, Key: key, Row: reflect.TypeFor[R]()}
	for i := range t.Row.NumField() {
		t.Columns = append(t.Columns, columnOf(name, t.Row.Field(i)))
	}
	if t.Columns[0].Name != "run_id" {
		panic("schemas: run_id is not the first column of " + name)
	}
	for _, k := range key {
		if t.Index(k) < 0 {
			panic(fmt.Sprintf("schemas: table %s has no column %s to sort by", name, k))
		}
	}
	return Of[R]{t}
}

func columnOf(table string, f reflect.StructField) Column {
	name, _, _ := strings.Cut(f.Tag.Get("parquet"), ",")
	c := Column{Name: name, Unit: f.Tag.Get("unit"), Doc: f.Tag.Get("doc")}
	ft := f.Type
	if ft.Kind() == reflect.Pointer {
		c.Nullable, ft = true, ft.Elem()
	}
	switch {
	case ft == reflect.TypeFor[time.Time]():
		c.Type = Timestamp
	case ft.Kind() == reflect.String:
		c.Type = String
	case ft.Kind() == reflect.Int64:
		c.Type = Int64
	case ft.Kind() == reflect.Float64:
		c.Type = Float64
	case ft.Kind() == reflect.Bool:
		c.Type = Bool
	}
	if c.Name == "" || c.Doc == "" || c.Type == "" {
		panic(fmt.Sprintf("schemas: field %s of %s lacks a name, a meaning or a type of the contract", f.Name, table))
	}
	return c
}

// Index returns the position of the column of that name, or -1.
func (t *Table) Index(column string) int {
	for i, c := range t.Columns {
		if c.Name == column {
			return i
		}
	}
	return -1
}

// Units returns the units of the columns that have one, by column.
func (t *Table) Units() map[string]string {
	units := make(map[string]string)
	for _, c := range t.Columns {
		if c.Unit != "" {
			units[c.Name] = c.Unit
		}
	}
	return units
}

// Arrow returns the table's Arrow schema with the given file metadata.
func (t *Table) Arrow(metadata arrow.Metadata) *arrow.Schema {
	fields := make([]arrow.Field, len(t.Columns))
	for i, c := range t.Columns {
		fields[i] = arrow.Field{Name: c.Name, Type: c.Type.Arrow(), Nullable: c.Nullable}
	}
	return arrow.NewSchema(fields, &metadata)
}

// Arrow returns the Arrow type of the values.
func (t Type) Arrow() arrow.DataType {
	switch t {
	case Int64:
		return arrow.PrimitiveTypes.Int64
	case Float64:
		return arrow.PrimitiveTypes.Float64
	case Bool:
		return arrow.FixedWidthTypes.Boolean
	case Timestamp:
		return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	default:
		return arrow.BinaryTypes.String
	}
}
