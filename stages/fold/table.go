package fold

import "iter"

// Table holds what a state knows of the probes that were touched. It costs memory for these, and little for a look-up. The zero Table is
// empty.
type Table[T any] struct {
	pages [][]*T
}

const pageBits = 8

// Get returns what is known of the probe, and nil when it was not touched.
func (t *Table[T]) Get(probe int32) *T {
	if p := int(probe >> pageBits); p < len(t.pages) && t.pages[p] != nil {
		return t.pages[p][probe&(1<<pageBits-1)]
	}
	return nil
}

// At returns what is known of the probe, which is touched now.
func (t *Table[T]) At(probe int32) *T {
	if v := t.Get(probe); v != nil {
		return v
	}
	v := new(T)
	t.Set(probe, v)
	return v
}

// Set says what is known of the probe.
func (t *Table[T]) Set(probe int32, v *T) {
	p := int(probe >> pageBits)
	if p >= len(t.pages) {
		t.pages = append(t.pages, make([][]*T, p+1-len(t.pages))...)
	}
	if t.pages[p] == nil {
		t.pages[p] = make([]*T, 1<<pageBits)
	}
	t.pages[p][probe&(1<<pageBits-1)] = v
}

// All yields the probes that were touched, in order.
func (t *Table[T]) All() iter.Seq2[int32, *T] {
	return func(yield func(int32, *T) bool) {
		for p, page := range t.pages {
			for i, v := range page {
				if v != nil && !yield(int32(p<<pageBits|i), v) {
					return
				}
			}
		}
	}
}

// Probes yields the probes that were touched, in order.
func (t *Table[T]) Probes() iter.Seq[int32] {
	return func(yield func(int32) bool) {
		for probe := range t.All() {
			if !yield(probe) {
				return
			}
		}
	}
}

// Forget makes the probe one that was not touched.
func (t *Table[T]) Forget(probe int32) {
	if t.Get(probe) != nil {
		t.Set(probe, nil)
	}
}
