package schemas

import (
	"fmt"
	"slices"
	"strings"
)

// dialect is how a warehouse creates a table.
//
// Every column has the type that holds its values exactly: 64-bit integers and floats, UTF-8 text without a length, instants in UTC to the
// microsecond. PostgreSQL cannot keep the character U+0000 in text. No name of the contract is a word that a dialect reserves, so none is
// quoted.
type dialect struct {
	types    map[Type]string
	nullable string // around the type of a nullable column; "" where NOT NULL is said of the others

	// What says a column's meaning after it, and how the rows are laid out and what they are after all columns; nil where statements that
	// follow say it all.
	comment func(text string) string
	layout  func(t *Table, about string) string

	follow func(t *Table, about string) string // statements after CREATE TABLE; or nil
}

// Dialects are the warehouses that DDL knows.
var Dialects = []string{"bigquery", "clickhouse", "duckdb", "postgresql", "snowflake"}

var dialects = map[string]dialect{
	// https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language. Tables are asked for by run and key. Up to four
	// columns can be clustered by.
	"bigquery": {
		types:   map[Type]string{String: "STRING", Int64: "INT64", Float64: "FLOAT64", Bool: "BOOL", Timestamp: "TIMESTAMP"},
		comment: func(text string) string { return " OPTIONS (description = " + backslashed(text) + ")" },
		layout: func(t *Table, about string) string {
			return "\nCLUSTER BY " + t.clustered(4) + "\nOPTIONS (description = " + backslashed(about) + ")"
		},
	},
	// https://clickhouse.com/docs/sql-reference/statements/create/table. With a partition a run, one is dropped or loaded anew in one step.
	"clickhouse": {
		types:    map[Type]string{String: "String", Int64: "Int64", Float64: "Float64", Bool: "Bool", Timestamp: "DateTime64(6, 'UTC')"},
		nullable: "Nullable(%s)",
		comment:  func(text string) string { return " COMMENT " + backslashed(text) },
		layout: func(t *Table, about string) string {
			return "\nENGINE = MergeTree\nPARTITION BY run_id\nORDER BY (" + t.clustered(len(t.Columns)) + ")\nCOMMENT " + backslashed(about)
		},
	},
	// https://duckdb.org/docs/stable/sql/statements/comment_on. TIMESTAMP WITH TIME ZONE is an instant in microseconds. Rows come in order of
	// their key, which its zone maps use.
	"duckdb": {
		types:  map[Type]string{String: "VARCHAR", Int64: "BIGINT", Float64: "DOUBLE", Bool: "BOOLEAN", Timestamp: "TIMESTAMP WITH TIME ZONE"},
		follow: (*Table).comments,
	},
	// https://www.postgresql.org/docs/current/sql-createtable.html. The key is no PRIMARY KEY, since some of its columns may be null.
	"postgresql": {
		types: map[Type]string{
			String: "text", Int64: "bigint", Float64: "double precision", Bool: "boolean", Timestamp: "timestamp(6) with time zone",
		},
		follow: func(t *Table, about string) string {
			return fmt.Sprintf("CREATE INDEX ON %s (%s);\n", t.Name, t.clustered(len(t.Columns))) + t.comments(about)
		},
	},
	// https://docs.snowflake.com/en/sql-reference/sql/create-table. NUMBER(19, 0) holds every 64-bit integer, FLOAT has 64 bits, and
	// TIMESTAMP_LTZ is an instant. No clustering key: rows come in order of run and key, and keeping them so is billed.
	"snowflake": {
		types: map[Type]string{
			String: "VARCHAR", Int64: "NUMBER(19, 0)", Float64: "FLOAT", Bool: "BOOLEAN", Timestamp: "TIMESTAMP_LTZ(6)",
		},
		comment: func(text string) string { return " COMMENT " + backslashed(text) },
		layout:  func(_ *Table, about string) string { return "\nCOMMENT = " + backslashed(about) },
	},
}

// DDL returns what creates the table in one of Dialects: every column with its type, NOT NULL unless it is nullable, and its unit and
// meaning as a comment.
func (t *Table) DDL(name string) (string, error) {
	d, ok := dialects[name]
	if !ok {
		return "", fmt.Errorf("no SQL dialect %q; they are %s", name, strings.Join(Dialects, ", "))
	}
	about := fmt.Sprintf("A row is %s; sorted by %s. Palimpsest, version %s of the tables.", t.Doc, strings.Join(t.Key, ", "), Version)
	var b strings.Builder
	fmt.Fprintf(&b, "CREATE TABLE %s (\n", t.Name)
	for i, c := range t.Columns {
		kind := d.types[c.Type]
		switch {
		case c.Nullable && d.nullable != "":
			kind = fmt.Sprintf(d.nullable, kind)
		case !c.Nullable && d.nullable == "":
			kind += " NOT NULL"
		}
		fmt.Fprintf(&b, "  %s %s", c.Name, kind)
		if d.comment != nil {
			b.WriteString(d.comment(c.about()))
		}
		if i < len(t.Columns)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteByte(')')
	if d.layout != nil {
		b.WriteString(d.layout(t, about))
	}
	b.WriteString(";\n")
	if d.follow != nil {
		b.WriteString(d.follow(t, about))
	}
	return b.String(), nil
}

// about is the column's comment: its meaning, and its unit where it has one.
func (c *Column) about() string {
	if c.Unit == "" {
		return c.Doc
	}
	return c.Doc + " [" + c.Unit + "]"
}

// clustered lists the columns to lay rows out by: the run, then the key as far as its columns are never null, most of all.
func (t *Table) clustered(most int) string {
	by := []string{"run_id"}
	for _, k := range t.Key {
		if t.Columns[t.Index(k)].Nullable || len(by) == most {
			break
		}
		if !slices.Contains(by, k) {
			by = append(by, k)
		}
	}
	return strings.Join(by, ", ")
}

// comments are the statements of PostgreSQL and DuckDB that say what the table and its columns mean.
func (t *Table) comments(about string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "COMMENT ON TABLE %s IS '%s';\n", t.Name, strings.ReplaceAll(about, "'", "''"))
	for _, c := range t.Columns {
		fmt.Fprintf(&b, "COMMENT ON COLUMN %s.%s IS '%s';\n", t.Name, c.Name, strings.ReplaceAll(c.about(), "'", "''"))
	}
	return b.String()
}

// backslashed is a string literal of the dialects in which a backslash escapes.
func backslashed(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'"
}
