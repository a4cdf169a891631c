package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"palimpsest/schemas"
)

// command runs one command line in this process and returns its exit code and what it wrote.
func execute(args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	code = run(context.Background(), args, &o, &e)
	return code, o.String(), e.String()
}

// mustRun writes the configuration into dir, runs it, checks the run, and returns its directory.
func mustRun(t *testing.T, dir, config string, sets ...string) string {
	t.Helper()
	path := writeFile(t, filepath.Join(dir, "run.yaml"), config)
	args := []string{"run", "-c", path, "--set", "output=" + filepath.Join(dir, "out"), "--set", "run_id=r"}
	for _, s := range sets {
		args = append(args, "--set", s)
	}
	if code, _, errs := execute(args...); code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	id := "r"
	for _, s := range sets {
		if other, ok := strings.CutPrefix(s, "run_id="); ok {
			id = other
		}
	}
	runDir := filepath.Join(dir, "out", id)
	if code, out, errs := execute("verify", "--sources", runDir); code != 0 || strings.Contains(out, "warning") {
		t.Errorf("the run does not verify: exit %d: %s%s", code, out, errs)
	}
	return runDir
}

func writeFile(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func writeParquet[R any](t *testing.T, path string, rows []R, options ...parquet.WriterOption) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := parquet.WriteFile(path, rows, options...); err != nil {
		t.Fatal(err)
	}
	return path
}

// readTable reads a table of a finished run.
func readTable[R any](t *testing.T, runDir string, table schemas.Of[R]) []R {
	t.Helper()
	rows, err := parquet.ReadFile[R](filepath.Join(runDir, "parquet", table.Name, "part-00000.parquet"))
	if err != nil {
		t.Fatalf("reading table %s: %v", table.Name, err)
	}
	return rows
}

// digests returns the SHA-256 of every file of a run, those under one of the named tables only where names are given.
func digests(t *testing.T, runDir string, tables ...string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(runDir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(runDir, path)
		if err != nil {
			return err
		}
		parts := strings.Split(filepath.ToSlash(rel), "/")
		if len(tables) > 0 && (len(parts) < 2 || !slices.Contains(tables, parts[1])) {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		all[filepath.ToSlash(rel)] = hex.EncodeToString(sum[:])
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatalf("no files in %s", runDir)
	}
	return all
}

// shared returns a file of the shared test data, and skips the test where it is absent.
func shared(t *testing.T, elements ...string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(append([]string{"..", "..", "..", "shared"}, elements...)...))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Skip("the shared test data is absent: ", err)
	}
	return path
}
