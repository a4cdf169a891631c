package store_test

import (
	"testing"

	"palimpsest/stages/store"
	"palimpsest/stages/store/storetest"
)

func TestMem(t *testing.T) {
	storetest.Run(t, func(t *testing.T) (*store.Store, string) {
		s := store.New()
		t.Cleanup(func() { s.Close() })
		return s, "mem://bucket"
	})
}

func TestFile(t *testing.T) {
	storetest.Run(t, func(t *testing.T) (*store.Store, string) {
		s := store.New()
		t.Cleanup(func() { s.Close() })
		return s, "file://" + t.TempDir() + "/new"
	})
}
