package store_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"palimpsest/stages/store"
)

// Stats tell what was asked, what of it failed and what went over the line.
func TestStats(t *testing.T) {
	s := store.New()
	defer s.Close()
	if err := s.Put(t.Context(), "mem://b/", "a", []byte("four"), "text/plain"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ReadAll(t.Context(), "mem://b/", "a", 100); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ReadAll(t.Context(), "mem://b/", "none", 100); !errors.Is(err, store.ErrMissing) {
		t.Fatal(err)
	}
	want := store.Stats{
		Requests: 3, Bytes: 4, Written: 4,
		Operations: map[string]int64{"delete": 0, "list": 0, "look up": 0, "read": 2, "write": 1},
		Retries:    map[string]int64{"delete": 0, "list": 0, "look up": 0, "read": 0, "write": 0},
		Errors:     map[string]int64{"changed": 0, "missing": 1, "other": 0, "stopped": 0, "unavailable": 0},
	}
	if d := cmp.Diff(want, s.Stats()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
