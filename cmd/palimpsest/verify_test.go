package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"palimpsest/pipeline"
)

// TestVerify checks a run by the command: what it says, and by which exit code, when all holds and when it does not.
func TestVerify(t *testing.T) {
	dir := t.TempDir()
	corpus := writeParquet(t, filepath.Join(dir, "corpus.parquet"), []document{{"a", long}, {"b", "not like it"}})
	probes := writeParquet(t, filepath.Join(dir, "probes.parquet"), []document{{"p", long}})
	run := mustRun(t, dir, strings.ReplaceAll(usual, "DIR", dir))
	runs := filepath.Join(run, "arrow", "runs", "part-00000.arrow")
	for _, c := range []struct {
		name   string
		change string // file whose last byte is changed, in its time of change too; empty for none
		flags  []string
		code   int
		says   string
	}{
		{"all", "", nil, pipeline.ExitDone, " holds: "},
		{"all and sources", "", []string{"--sources"}, pipeline.ExitDone,
			"1 probes and 1 cited passages compared with their sources; 4 column chunks and models read again"},
		{"a table", runs, nil, pipeline.ExitData, "problem: " + runs + ": altered: its sha256 is "},
		{"a changed corpus", corpus, nil, pipeline.ExitDone, "warning: file://" + corpus + ": it is another version now"},
		{"a changed corpus, sources", corpus, []string{"--sources"}, pipeline.ExitData,
			"problem: file://" + corpus + ": it is another version now"},
		{"changed probes, sources", probes, []string{"--sources"}, pipeline.ExitData,
			"problem: file://" + probes + ": it is another version now"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.change != "" {
				data, err := os.ReadFile(c.change)
				if err != nil {
					t.Fatal(err)
				}
				info, err := os.Stat(c.change)
				if err != nil {
					t.Fatal(err)
				}
				last := len(data) - 1
				data[last] ^= 1
				writeFile(t, c.change, string(data))
				defer func() {
					data[last] ^= 1
					writeFile(t, c.change, string(data))
					if err := os.Chtimes(c.change, info.ModTime(), info.ModTime()); err != nil {
						t.Fatal(err)
					}
				}()
			}
			code, out, errs := execute(append([]string{"verify", run}, c.flags...)...)
			if code != c.code || !strings.Contains(out, c.says) {
				t.Errorf("exit %d: %s%s, want exit %d: %s", code, out, errs, c.code, c.says)
			}
		})
	}
	code, _, errs := execute("verify", filepath.Join(dir, "nothing"))
	if code != pipeline.ExitData || !strings.Contains(errs, "no run is there") {
		t.Errorf("of nothing: exit %d: %s", code, errs)
	}
	if code, _, errs := execute("verify", "s3://bucket/run?endpoint=http://127.0.0.1:9&region=x"); code != pipeline.ExitUnavailable {
		t.Errorf("of an unreachable store: exit %d: %s", code, errs)
	}
}
