package likelihood

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"palimpsest/stages/model"
	"palimpsest/stages/read"
)

// The roles that columns of a Parquet file can have, as configurations name them. Every list has one entry per token of the text;
// BOS has none.
const (
	RoleLogProbs    = "log_probs"     // required: list of numbers, nats; null for a token that was not scored
	RoleTokenIDs    = "token_ids"     // list of whole numbers
	RoleOffsets     = "byte_offsets"  // list of whole numbers: the token's first byte in the text
	RoleRanks       = "ranks"         // list of whole numbers, 1 for the likeliest; null where log_probs is
	RoleMeans       = "means"         // list of numbers, nats
	RoleDeviations  = "deviations"    // list of numbers, nats
	RoleTopIDs      = "top_ids"       // list of lists of whole numbers
	RoleTopLogProbs = "top_log_probs" // list of lists of numbers, nats
)

// roles lists the roles with what their columns must hold.
var roles = []struct {
	name  string
	kind  read.Kind
	depth int
}{
	{RoleLogProbs, read.Float, 1},
	{RoleTokenIDs, read.Int, 1},
	{RoleOffsets, read.Int, 1},
	{RoleRanks, read.Int, 1},
	{RoleMeans, read.Float, 1},
	{RoleDeviations, read.Float, 1},
	{RoleTopIDs, read.Int, 2},
	{RoleTopLogProbs, read.Float, 2},
}

// Roles returns the names of the roles.
func Roles() []string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = r.name
	}
	return names
}

// Columns are the columns of one file that hold what a model said of its rows' texts.
type Columns struct {
	file   *read.File
	byRole map[string]read.Column
	all    []read.Column
}

// Bind looks the columns up. mapping gives the column's path for a role; log_probs must be among them. Errors name the object, and the
// column where one is at fault.
func Bind(f *read.File, mapping map[string]string) (*Columns, error) {
	b := &Columns{file: f, byRole: make(map[string]read.Column, len(mapping))}
	if mapping[RoleLogProbs] == "" {
		return nil, b.fail(-1, "", -1, errors.New("no column is named for log_probs, without which nothing can be scored"))
	}
	known := 0
	for _, r := range roles {
		path, ok := mapping[r.name]
		if !ok {
			continue
		}
		known++
		c, err := f.Column(path)
		if err != nil {
			return nil, fmt.Errorf("looking for %s: %w", r.name, err)
		}
		if c.Kind != r.kind || c.Depth != r.depth {
			return nil, b.fail(-1, path, -1, fmt.Errorf("%w: it holds %s, but %s are %s", read.ErrColumn, form(c.Depth, c.Kind), r.name,
				form(r.depth, r.kind)))
		}
		b.byRole[r.name] = c
		b.all = append(b.all, c)
	}
	if known < len(mapping) {
		for name := range mapping {
			if !slices.Contains(Roles(), name) {
				return nil, b.fail(-1, mapping[name], -1, fmt.Errorf("there is no role %q for a column of log-probabilities", name))
			}
		}
	}
	return b, nil
}

// form says what a column holds.
func form(depth int, kind read.Kind) string {
	return [...]string{"", "lists of ", "lists of lists of "}[min(depth, 2)] + kind.String()
}

func (b *Columns) fail(group int, column string, row int64, err error) error {
	return &read.Error{Object: b.file.Object().URI, Group: group, Column: column, Row: row, Err: err}
}

// List returns the columns, to be read alone or together with others of the file.
func (b *Columns) List() []read.Column { return b.all }

// Rows is what a model said of the texts of one row group. It is valid until the group is released.
type Rows struct {
	columns *Columns
	group   *read.Group

	logProbs, means, deviations, topLogProbs *read.Values[float64]
	tokenIDs, offsets, ranks, topIDs         *read.Values[int64]
}

// Rows decodes the columns of a row group of the file that was read with List.
func (b *Columns) Rows(group *read.Group) (*Rows, error) {
	r := &Rows{columns: b, group: group}
	for _, x := range []struct {
		role string
		to   **read.Values[float64]
	}{{RoleLogProbs, &r.logProbs}, {RoleMeans, &r.means}, {RoleDeviations, &r.deviations}, {RoleTopLogProbs, &r.topLogProbs}} {
		if c, ok := b.byRole[x.role]; ok {
			v, err := group.Floats(c)
			if err != nil {
				return nil, err
			}
			*x.to = v
		}
	}
	for _, x := range []struct {
		role string
		to   **read.Values[int64]
	}{{RoleTokenIDs, &r.tokenIDs}, {RoleOffsets, &r.offsets}, {RoleRanks, &r.ranks}, {RoleTopIDs, &r.topIDs}} {
		if c, ok := b.byRole[x.role]; ok {
			v, err := group.Ints(c)
			if err != nil {
				return nil, err
			}
			*x.to = v
		}
	}
	return r, nil
}

// Len returns the number of rows.
func (r *Rows) Len() int { return r.group.Rows() }

// Scored fills s with what the model said of row i's text. It reports false when log_probs is null there: the text was not scored.
// s reuses its memory for the next row and shares the row group's; its lists are as long as the file has them, so Check must
// follow.
func (r *Rows) Scored(i int, s *model.Scored) (ok bool, err error) {
	values, null, ok := r.logProbs.Row(i)
	if !ok {
		return false, nil
	}
	*s = model.Scored{LogProbs: s.LogProbs[:0], Offsets: s.Offsets[:0], Means: s.Means[:0], Deviations: s.Deviations[:0], Ranks: s.Ranks[:0],
		TopIDs: s.TopIDs[:0], TopLogProbs: s.TopLogProbs[:0]}
	if s.LogProbs, err = withNaN(s.LogProbs, values, null); err != nil {
		return false, r.fail(RoleLogProbs, i, err)
	}
	if s.Means, err = moments(s.Means, r.means, i); err != nil {
		return false, r.fail(RoleMeans, i, err)
	}
	if s.Deviations, err = moments(s.Deviations, r.deviations, i); err != nil {
		return false, r.fail(RoleDeviations, i, err)
	}
	if ids, null, ok := row(r.tokenIDs, i); ok {
		if t := slices.Index(null, true); t >= 0 {
			return false, r.fail(RoleTokenIDs, i, fmt.Errorf("token %d is null", t))
		}
		s.TokenIDs = ids
	}
	s.Offsets = offsets(s.Offsets, r.offsets, i)
	if s.Ranks, err = ranks(s.Ranks, r.ranks, i, s.LogProbs); err != nil {
		return false, r.fail(RoleRanks, i, err)
	}
	if s.TopIDs, err = nested(s.TopIDs, r.topIDs, i); err != nil {
		return false, r.fail(RoleTopIDs, i, err)
	}
	if s.TopLogProbs, err = nested(s.TopLogProbs, r.topLogProbs, i); err != nil {
		return false, r.fail(RoleTopLogProbs, i, err)
	}
	return true, nil
}

// fail says in which row and in which role's column err stands.
func (r *Rows) fail(role string, i int, err error) error {
	return r.columns.fail(r.group.Index(), r.columns.byRole[role].Path, r.group.FirstRow()+int64(i), err)
}

// Fail says that what the model said of row i does not pass Check.
func (r *Rows) Fail(i int, err error) error { return r.fail(RoleLogProbs, i, err) }

// row returns row i of a column that may not be mapped.
func row[T int64 | float64](v *read.Values[T], i int) (values []T, null []bool, ok bool) {
	if v == nil {
		return nil, nil, false
	}
	return v.Row(i)
}

func isNull(null []bool, t int) bool { return t < len(null) && null[t] }

// withNaN appends values, with NaN for the nulls. A NaN in the file is an error: it is the outcome of some mistake, not a value
// that is missing.
func withNaN(to, values []float64, null []bool) ([]float64, error) {
	for t, v := range values {
		if isNull(null, t) {
			v = nan
		} else if math.IsNaN(v) {
			return to, fmt.Errorf("token %d: the value is NaN; a missing value must be null", t)
		}
		to = append(to, v)
	}
	return to, nil
}

// moments returns row i of a column of moments, nil when it has none.
func moments(to []float64, v *read.Values[float64], i int) ([]float64, error) {
	values, null, ok := row(v, i)
	if !ok {
		return nil, nil
	}
	return withNaN(present(to), values, null)
}

// present makes a list that is known, if empty, not nil.
func present[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// offsets returns row i's offsets. A null becomes -1, which Check takes for offsets that cannot be used.
func offsets(to []int64, v *read.Values[int64], i int) []int64 {
	values, null, ok := row(v, i)
	if !ok {
		return nil
	}
	to = append(present(to), values...)
	for t := range to {
		if isNull(null, t) {
			to[t] = -1
		}
	}
	return to
}

// ranks returns row i's ranks, with 0 where there is none because there is no log-probability.
func ranks(to []int64, v *read.Values[int64], i int, logProbs []float64) ([]int64, error) {
	values, null, ok := row(v, i)
	if !ok {
		return nil, nil
	}
	to = append(present(to), values...)
	for t := range to {
		if !isNull(null, t) {
			continue
		}
		if t < len(logProbs) && defined(logProbs[t]) {
			return nil, fmt.Errorf("token %d has a log-probability but no rank", t)
		}
		to[t] = 0
	}
	return to, nil
}

// nested returns row i of a list of lists, as slices of the row group's values.
func nested[T int64 | float64](to [][]T, v *read.Values[T], i int) ([][]T, error) {
	values, null, ok := row(v, i)
	if !ok {
		return nil, nil
	}
	to = present(to)
	at := 0
	for t, n := range v.Lens(i) {
		if n < 0 || n > len(values)-at {
			return nil, fmt.Errorf("token %d: %d values where %d are left", t, n, len(values)-at)
		}
		if k := slices.Index(null[min(at, len(null)):min(at+n, len(null))], true); k >= 0 {
			return nil, fmt.Errorf("token %d: entry %d of the likeliest tokens is null", t, k)
		}
		to = append(to, values[at:at+n:at+n])
		at += n
	}
	return to, nil
}
