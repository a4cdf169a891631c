package pipeline

import (
	"strconv"
	"strings"

	"palimpsest/stages/read"
)

// textColumn is a decoded column of short texts or whole numbers: ids, kinds, licences.
type textColumn struct {
	bytes *read.ByteColumn
	ints  *read.Values[int64]
}

// decodeText decodes the column. A nil textColumn has no value anywhere.
func decodeText(g *read.Group, c read.Column) (*textColumn, error) {
	if c.Kind == read.Bytes {
		b, err := g.Bytes(c)
		return &textColumn{bytes: b}, err
	}
	v, err := g.Ints(c)
	return &textColumn{ints: v}, err
}

// at returns the value of the row, nil when it is null. Bytes that are not UTF-8 become replacement characters: such a value
// names a thing, and is no evidence.
func (t *textColumn) at(row int) *string {
	if t == nil {
		return nil
	}
	var s string
	if t.bytes != nil {
		v, ok := t.bytes.Value(row)
		if !ok {
			return nil
		}
		s = strings.ToValidUTF8(string(v), "\ufffd")
	} else {
		v, _, ok := t.ints.Row(row)
		if !ok {
			return nil
		}
		s = strconv.FormatInt(v[0], 10)
	}
	return &s
}

// decodeTexts decodes the mapped columns among those roles.
func (o *object) decodeTexts(g *read.Group, roles ...string) (map[string]*textColumn, error) {
	columns := make(map[string]*textColumn)
	for _, r := range roles {
		c, ok := o.columns[r]
		if !ok {
			continue
		}
		t, err := decodeText(g, c)
		if err != nil {
			return nil, err
		}
		columns[r] = t
	}
	return columns, nil
}
