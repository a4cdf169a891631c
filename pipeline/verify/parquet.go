package verify

import (
	"context"
	"fmt"
	"reflect"

	"github.com/parquet-go/parquet-go"

	"palimpsest/schemas"
	"palimpsest/stages/read"
	"palimpsest/stages/store"
	"palimpsest/stages/write"
)

// openParquet opens the Parquet file of a table and checks its schema and metadata.
func (v *verifier) openParquet(ctx context.Context, t *table, at *digested) (*read.File, error) {
	where := v.at(t.parquet.Path)
	file, err := v.source.Open(ctx, store.Object{URI: where})
	if err != nil {
		return nil, err
	}
	sound := true
	err = guard(func() error {
		f, err := parquet.OpenFile(at, at.size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
		if err != nil {
			return err
		}
		want := parquet.SchemaOf(reflect.New(t.Row).Interface())
		if got := f.Schema(); got.String() != want.String() {
			v.problem(where, "its schema is not that of table %s: %.2000s", t.Name, got)
			sound = false
		}
		found := make(map[string]string)
		for _, kv := range f.Metadata().KeyValueMetadata {
			if _, twice := found[kv.Key]; twice {
				v.problem(where, "its metadata have the key %s twice", kv.Key)
			}
			found[kv.Key] = kv.Value
		}
		v.checkMetadata(where, t, found)
		return nil
	})
	if err != nil || !sound {
		return nil, err
	}
	return file, nil
}

// tokenizerKey is the metadata that the manifest does not have: the digest of the tokenizer that cut the run's texts.
const tokenizerKey = "palimpsest.tokenizer_sha256"

// checkMetadata compares what a file says of itself with the run.
func (v *verifier) checkMetadata(where string, t *table, found map[string]string) {
	given := map[string]string{"unicode_version": v.manifest.UnicodeVersion}
	if n := v.config.Ngram; n != nil {
		given["unit"] = n.Unit
	}
	want, err := write.Metadata(t.Table, v.manifest.RunID, given)
	if err != nil {
		v.problem(where, "%v", err)
		return
	}
	if n := v.config.Ngram; n != nil && n.Tokenizer != "" {
		if v.tokenizer == "" {
			v.tokenizer = found[tokenizerKey]
		}
		want[tokenizerKey] = v.tokenizer // all files have the same
	}
	if differ := equalMetadata(found, want); differ != "" {
		v.problem(where, "%s", differ)
	}
}

// column is a decoded column of a row group of one of the run's tables.
type column struct {
	schemas.Type
	texts  *read.ByteColumn
	ints   *read.Values[int64] // whole numbers, times in microseconds, and truth values as 0 and 1
	floats *read.Values[float64]
}

// decode decodes a column.
func decode(g *read.Group, c read.Column, t schemas.Type) (x column, err error) {
	x.Type = t
	switch t {
	case schemas.String:
		x.texts, err = g.Bytes(c)
	case schemas.Float64:
		x.floats, err = g.Floats(c)
	default:
		x.ints, err = g.Ints(c)
	}
	return x, err
}

// value is a value of a column. Strings are valid until the row group is released.
type value struct {
	null  bool
	text  []byte
	whole int64
	float float64
}

// at returns the value of a row.
func (c *column) at(row int) (v value) {
	var ok bool
	switch {
	case c.texts != nil:
		v.text, ok = c.texts.Value(row)
	case c.floats != nil:
		var list []float64
		if list, _, ok = c.floats.Row(row); ok {
			v.float = list[0]
		}
	default:
		var list []int64
		if list, _, ok = c.ints.Row(row); ok {
			v.whole = list[0]
		}
	}
	v.null = !ok
	return v
}

// describe writes a value for a message.
func (v *value) describe(t schemas.Type) string {
	switch {
	case v.null:
		return "null"
	case t == schemas.String:
		return fmt.Sprintf("%.100q", v.text)
	case t == schemas.Float64:
		return fmt.Sprint(v.float)
	case t == schemas.Bool:
		return fmt.Sprint(v.whole != 0)
	}
	return fmt.Sprint(v.whole)
}
