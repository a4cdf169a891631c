package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"palimpsest": main})
}

// TestScripts runs the command as a user does, as a process of its own, from files of testdata.
func TestScripts(t *testing.T) {
	testbed, err := filepath.Abs(filepath.Join("..", "..", "..", "shared", "testbed"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:   "testdata",
		Setup: func(e *testscript.Env) error { e.Setenv("TESTBED", testbed); return nil },
		Condition: func(name string) (bool, error) {
			if name != "testbed" {
				return false, fmt.Errorf("condition %s is unknown", name)
			}
			_, err := os.Stat(testbed)
			return err == nil, nil
		},
	})
}
