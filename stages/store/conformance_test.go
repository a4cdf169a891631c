package store_test

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
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

// TestCreateIsExclusiveBetweenProcesses has two processes create the same files, each with bytes of its own.
func TestCreateIsExclusiveBetweenProcesses(t *testing.T) {
	const keys = 300
	if dir := os.Getenv("PALIMPSEST_CREATE_IN"); dir != "" { // one of the two
		s := store.New()
		for i := range keys {
			created, err := s.Create(t.Context(), dir, strconv.Itoa(i), []byte(os.Getenv("PALIMPSEST_CREATE_AS")), "text/plain")
			if err != nil {
				t.Fatal(err)
			}
			if created {
				t.Log("won")
			}
		}
		return
	}
	dir := t.TempDir()
	var wg sync.WaitGroup
	var wins [2]int
	for i, name := range []string{"one", "the other"} {
		wg.Go(func() {
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
			child.Env = append(os.Environ(), "PALIMPSEST_CREATE_IN="+dir, "PALIMPSEST_CREATE_AS="+name)
			out, err := child.CombinedOutput()
			if err != nil {
				t.Errorf("%v: %s", err, out)
			}
			wins[i] = strings.Count(string(out), ": won\n")
		})
	}
	wg.Wait()
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != keys || wins[0]+wins[1] != keys {
		t.Errorf("%v wins for %d files of %d: %v", wins, len(entries), keys, err)
	}
}
