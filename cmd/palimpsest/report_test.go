package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"palimpsest/stages/report/reporttest"
)

// TestReport writes the report of a part of the demo: every figure is what the tables give, the sources are quoted from the corpus and
// agree, and the page is the same each time.
func TestReport(t *testing.T) {
	dir := t.TempDir()
	runDir := mustRun(t, dir, smallDemo(t, dir, 8))
	path := filepath.Join(dir, "page.html")
	code, out, errs := execute("report", runDir, "-o", path)
	if code != 0 || out != path+"\n" {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	if n := reporttest.Check(t, runDir, page); n < 500 {
		t.Errorf("%d figures on the page", n)
	}
	if n := strings.Count(page, "both passages have the same words in the same order"); n < 10 {
		t.Errorf("%d sources agree", n)
	}
	if strings.Contains(page, "own words are not shown") || strings.Contains(page, "passages differ") {
		t.Error("a source was not read, or differs")
	}
	if code, out, errs := execute("report", runDir, "-o", "-"); code != 0 || out != page {
		t.Errorf("exit %d: another page on standard output: %s", code, errs)
	}
}

func TestReportMistakes(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"report", filepath.Join(dir, "none")}, 65, "no run is there"},
		{[]string{"report"}, 64, "expected"},
		{[]string{"explain", filepath.Join(dir, "none"), "x"}, 65, "no run is there"},
	} {
		if code, _, errs := execute(c.args...); code != c.code || !strings.Contains(errs, c.want) {
			t.Errorf("%v: exit %d: %s", c.args, code, errs)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("something was left: %v %v", entries, err)
	}
}
