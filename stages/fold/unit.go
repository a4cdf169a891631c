package fold

import "slices"

// Unit is what overlap counts (methods, section 1). Columns of the tables that are named for words count it.
type Unit int

const (
	Words  Unit = iota // keys of package words
	Bytes              // nothing is normalised
	Tokens             // ids of a model's vocabulary, as package tokens writes them
)

var unitNames = []string{"words", "bytes", "tokens"}

// UnitNames returns the names of the units, the usual one first.
func UnitNames() []string { return slices.Clone(unitNames) }

// UnitNamed returns the unit of that name; words for a name that is none.
func UnitNamed(name string) Unit { return Unit(max(slices.Index(unitNames, name), 0)) }

// String returns the name of the unit.
func (u Unit) String() string { return unitNames[u] }

// Searched returns the bytes in which ngram looks for the probes in that unit.
func (d *Document) Searched(u Unit) []byte {
	switch u {
	case Bytes:
		return d.Text
	case Tokens:
		return d.Tokens.Stream
	}
	return d.Stream
}

// Units returns the length of the document in that unit.
func (d *Document) Units(u Unit) int64 {
	switch u {
	case Bytes:
		return int64(len(d.Text))
	case Tokens:
		return d.Tokens.Len()
	}
	return d.Words
}
