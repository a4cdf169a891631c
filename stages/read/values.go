package read

import "slices"

// Values are the numbers of a column, decoded whole. A row is null or a list of values; a scalar is a list of one. Lists of lists
// are held as one list with the lengths of its parts.
type Values[T int64 | float64] struct {
	values []T
	nulls  []bool  // by value; nil when none is null
	ends   []int64 // of each row in values; nil for scalars
	absent []bool  // by row; nil when none is null
	parts  []int64 // lengths of inner lists
	inner  []int64 // end of each row in parts
	rows   int
}

// Row returns the values of a row. ok is false when the row itself is null. null marks the values that are null, which are 0 in
// values; it is nil when there are none in the column. The slices are valid until the group is released.
func (v *Values[T]) Row(i int) (values []T, null []bool, ok bool) {
	if v.absent != nil && v.absent[i] {
		return nil, nil, false
	}
	from, to := int64(i), int64(i+1)
	if v.ends != nil {
		from, to = 0, v.ends[i]
		if i > 0 {
			from = v.ends[i-1]
		}
	}
	if v.nulls != nil {
		null = v.nulls[from:to:to]
	}
	return v.values[from:to:to], null, true
}

// Lens returns the lengths of the inner lists of a row of a list of lists. An inner list that is null counts as an empty one. It
// returns nil for other columns.
func (v *Values[T]) Lens(i int) []int {
	if v.inner == nil {
		return nil
	}
	from := int64(0)
	if i > 0 {
		from = v.inner[i-1]
	}
	lens := make([]int, 0, v.inner[i]-from)
	for _, n := range v.parts[from:v.inner[i]] {
		lens = append(lens, int(n))
	}
	return lens
}

// assembler puts values and levels together to rows
// (Dremel: https://github.com/apache/parquet-format#nested-encoding).
type assembler[T int64 | float64] struct {
	leaf      *leaf
	groupRows int
	v         Values[T]
	open      bool // the row in hand may be continued: its last entry was an element
	openInner bool // the same for the inner list in hand
}

// add takes the page in hand. It returns the dictionary decoded, to be given to the next call.
func (a *assembler[T]) add(p *pages, dictionary []T) ([]T, error) {
	v := &a.v
	slots := p.n // values of the page, those counted that are null
	if a.leaf.maxRep > 0 {
		var err error
		if slots, err = a.addLevels(p); err != nil {
			return dictionary, err
		}
	} else {
		v.rows += p.n
		v.absent = appendNulls(v.absent, v.rows, p)
	}
	if slots < p.valid {
		return dictionary, corrupt("%d values where levels have room for %d", p.valid, slots)
	}
	at := len(v.values)
	v.values = slices.Grow(v.values, slots)[:at+slots]
	page := v.values[at:]
	dictionary, err := pageNumbers(p, page[:p.valid], dictionary)
	if err != nil || slots == p.valid {
		return dictionary, err
	}
	// Nulls are moved in between, from the end so that no value is overwritten before it was moved.
	nulls := v.absent
	if a.leaf.maxRep > 0 {
		nulls = v.nulls
	}
	from := p.valid
	for i := slots - 1; i >= 0; i-- {
		if nulls[at+i] {
			page[i] = 0
		} else if from--; from >= 0 {
			page[i] = page[from]
		}
	}
	return dictionary, nil
}

// appendNulls appends, for each value of a page of scalars, whether it is null. nulls stays nil as long as none is; rows counts the
// rows of the page too.
func appendNulls(nulls []bool, rows int, p *pages) []bool {
	if nulls == nil {
		if p.valid == p.n {
			return nil
		}
		nulls = make([]bool, rows-p.n, rows)
	}
	if p.defs == nil {
		return append(nulls, make([]bool, p.n)...)
	}
	for _, def := range p.defs {
		nulls = append(nulls, int(def) != p.leaf.maxDef)
	}
	return nulls
}

// addLevels takes the levels of a page of lists, and returns how many values they have room for.
func (a *assembler[T]) addLevels(p *pages) (slots int, err error) {
	v, l := &a.v, a.leaf
	base := len(v.values)
	for i := range p.n {
		def, rep := l.maxDef, int(p.reps[i])
		if p.defs != nil {
			def = int(p.defs[i])
		}
		outer := def >= l.elementDef[0] // an element of the outer list exists
		if rep == 0 {
			if err := a.begin(def, base+slots); err != nil {
				return 0, err
			}
		} else if !a.open || !outer {
			return 0, corrupt("levels continue a list that has no elements")
		}
		if a.open = outer; !outer {
			continue
		}
		if l.maxRep == 2 {
			inner := def >= l.elementDef[1]
			if rep < 2 {
				v.parts = append(v.parts, 0)
			} else if !a.openInner || !inner {
				return 0, corrupt("levels continue a list that has no elements")
			}
			if a.openInner = inner; !inner {
				continue
			}
			v.parts[len(v.parts)-1]++
		}
		null := def != l.maxDef
		if null && v.nulls == nil {
			v.nulls = make([]bool, base+slots, cap(v.values))
		}
		if v.nulls != nil {
			v.nulls = append(v.nulls, null)
		}
		slots++
	}
	return slots, nil
}

// begin ends the row in hand and begins another. values is how many values all rows before have.
func (a *assembler[T]) begin(def, values int) error {
	v := &a.v
	if v.rows == a.groupRows {
		return corrupt("more than the %d rows that the footer says", a.groupRows)
	}
	a.seal(values)
	v.rows++
	if null := def < a.leaf.elementDef[0]-1; null || v.absent != nil {
		if v.absent == nil {
			v.absent = make([]bool, v.rows-1, v.rows)
		}
		v.absent = append(v.absent, null)
	}
	return nil
}

// seal ends the row in hand.
func (a *assembler[T]) seal(values int) {
	v := &a.v
	if v.rows == 0 {
		return
	}
	v.ends = append(v.ends, int64(values))
	if a.leaf.maxRep == 2 {
		v.inner = append(v.inner, int64(len(v.parts)))
	}
}

func (a *assembler[T]) end() error {
	if a.leaf.maxRep > 0 {
		a.seal(len(a.v.values))
	}
	if a.v.rows != a.groupRows {
		return corrupt("its pages hold %d rows, the footer says %d", a.v.rows, a.groupRows)
	}
	return nil
}
