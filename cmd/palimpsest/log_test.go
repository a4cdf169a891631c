package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"palimpsest/pipeline"
)

// TestLogs reads back what the command says as JSON: every line is an object with the keys that the README lists.
func TestLogs(t *testing.T) {
	dir := t.TempDir()
	corpus := writeParquet(t, filepath.Join(dir, "corpus.parquet"), []nullable{{ptr("a"), ptr(long)}})
	writeParquet(t, filepath.Join(dir, "probes.parquet"), []nullable{{ptr("p"), ptr(long)}, {ptr("none"), nil}})
	broken := writeFile(t, filepath.Join(dir, "broken.parquet"), "PAR1 and no more")
	data, err := os.ReadFile(corpus)
	if err != nil {
		t.Fatal(err)
	}
	data[8] ^= 0xff // in the header of the first page
	damaged := writeFile(t, filepath.Join(dir, "damaged.parquet"), string(data))

	config := strings.ReplaceAll(usual, "DIR", dir)
	unnamed := strings.Replace(config, "run_id: r\n", "", 1)
	files := func(names string) string { return strings.Replace(unnamed, "/corpus.parquet", "/"+names, 1) }
	for _, c := range []struct {
		name   string
		config string
		args   []string
		code   int
		want   []map[string]any // of each line, but for time, and reasons, messages and runs that are "*"
	}{
		{
			"quarantined", files("*.parquet"), []string{"--set", "corpus.columns.id=id"}, pipeline.ExitQuarantined,
			[]map[string]any{
				{"level": "WARN", "msg": "quarantined", "run": "*", "object": "file://" + broken, "reason": "*"},
				{"level": "WARN", "msg": "quarantined", "run": "*", "object": "file://" + dir + "/probes.parquet", "row_group": 0., "row": 1.,
					"reason": "*"},
				{"level": "WARN", "msg": "quarantined", "run": "*", "object": "file://" + damaged, "row_group": 0., "reason": "*"},
			},
		},
		{
			"data", config, []string{"--set", "corpus.columns.id=other"}, pipeline.ExitData,
			[]map[string]any{{"level": "ERROR", "msg": "*", "run": "r", "code": 65.}},
		},
		{
			"configuration", config + "hush: {}\n", []string{"--set", "ngram.min_word=5"}, pipeline.ExitUsage,
			[]map[string]any{
				{"level": "ERROR", "msg": "*", "code": 64., "file": filepath.Join(dir, "run.yaml"), "line": 8., "key": "hush"},
				{"level": "ERROR", "msg": "*", "code": 64., "set": "ngram.min_word", "key": "ngram.min_word"},
			},
		},
		{"flags", config, []string{"--walk"}, pipeline.ExitUsage, []map[string]any{{"level": "ERROR", "msg": "*", "code": 64.}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := writeFile(t, filepath.Join(dir, "run.yaml"), c.config)
			code, _, errs := execute(append([]string{"run", "--log-format", "json", "-c", path}, c.args...)...)
			if code != c.code {
				t.Fatalf("exit %d: %s", code, errs)
			}
			var got []map[string]any
			runs := make(map[any]bool)
			for line := range strings.Lines(errs) {
				var m map[string]any
				if err := json.Unmarshal([]byte(line), &m); err != nil {
					t.Fatalf("%v: %s", err, line)
				}
				if m["time"] == nil || m["msg"] == "" {
					t.Errorf("no time, or no message: %s", line)
				}
				delete(m, "time")
				runs[m["run"]] = true
				if i := len(got); i < len(c.want) {
					for key, v := range c.want[i] {
						if v == "*" && m[key] != "" && m[key] != nil {
							m[key] = "*"
						}
					}
				}
				got = append(got, m)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("(-want +got):\n%s\n%s", d, errs)
			}
			if len(runs) != 1 {
				t.Errorf("several runs: %v", runs)
			}
		})
	}
}
