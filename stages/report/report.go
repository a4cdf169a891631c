// Package report shows a finished run to a person: summed up on a terminal (Summary), as a page of HTML with its exhibits (HTML), and
// all that is known of one probe (Explain).
//
// It reads nothing but the run's own tables, and, to quote what stands around a span, the texts that the run read, in the version that
// it read. Tables of probes are sorted by probe, so one pass joins them row by row; of each probe and model a few numbers are kept, for
// medians and curves. The page needs a second pass for what it shows in full, some dozens of probes whatever the run's size.
//
// What stands in the tables was written by strangers: text that is shown is freed of control characters and escape sequences. All of
// the page is put together by html/template from plain strings, charts too, which are shapes; beside each sheet of figures stands the
// query that gives it.
package report

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"palimpsest/schemas"
	"palimpsest/stages/evidence"
	"palimpsest/stages/fold"
	"palimpsest/stages/store"
	"palimpsest/stages/write"
)

// Input is what a summary is made of.
type Input struct {
	Store   *store.Store
	RunURL  string         // the run's directory: a path or URL
	Outputs []write.Output // the run's files, from its manifest

	Quarantined     []string // pieces of input that were left out, a line each
	RemovedControls []string // controls that were taken out, a line each
	Notes           []string // what was found odd, a line each

	Families []evidence.Family // the families of tests, from its manifest

	Origins []Origin // what the run read texts from; for what stands around a span

	Width  int  // columns of the terminal; 0 is 100
	Colour bool // whether headings may be set in bold
}

const defaultWidth = 100

// Summary writes the summary of a run.
func Summary(ctx context.Context, w io.Writer, in Input) error {
	if in.Width <= 0 {
		in.Width = defaultWidth
	}
	in.Width = max(in.Width, 40)
	run, err := readRun(ctx, in)
	if err != nil {
		return err
	}
	found, err := collect(ctx, in, nil)
	if err != nil {
		return err
	}
	unit := "word"
	if run.Unit != nil {
		unit = strings.TrimSuffix(*run.Unit, "s")
	}
	buffer := bufio.NewWriter(w)
	p := &page{w: buffer, width: in.Width, colour: in.Colour}
	found.title(p, run)
	several := len(found.models) > 1
	found.grades.write(p, several)
	found.near.write(p)
	found.doses.write(p, found.models, found.evaluation)
	attainable(p, in.Families, found.models)
	found.canaries.write(p, several)
	found.extraction.write(p, several)
	found.compression.write(p)
	found.generations.write(p, unit)
	found.prompted.write(p, several)
	found.tuning.write(p)
	found.exhibits.write(p, unit)
	found.leftOut(p, in)
	whereTablesLie(p, in)
	return buffer.Flush()
}

// readRun returns the one row of runs.
func readRun(ctx context.Context, in Input) (*schemas.Run, error) {
	c, err := open(ctx, in, schemas.Runs, nil)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, fmt.Errorf("read %s: the run has no table runs", in.RunURL)
	}
	defer c.close()
	row, err := c.peek()
	if err != nil {
		return nil, err
	}
	if row == nil {
		return nil, fmt.Errorf("read %s: the table runs is empty", c.uri)
	}
	run := *row
	return &run, nil
}

// title says what was run on what.
func (f *findings) title(p *page, run *schemas.Run) {
	p.heading("Run " + plain(run.RunID))
	p.line("  program  %s, configuration %s%s", plain(run.ProgramVersion), short(run.ConfigSHA256), logicalDate(run))
	if run.CorpusDocuments != nil && run.CorpusWords != nil {
		p.line("  corpus   %s, %s", count(*run.CorpusDocuments, "document"), count(*run.CorpusWords, "word"))
	} else {
		p.line("  corpus   not read: no stage of this run needs it")
	}
	kinds := f.kinds()
	if kinds != "" {
		kinds = " (" + kinds + ")"
	}
	p.line("  probes   %s%s", thousands(run.Probes), kinds)
	switch {
	case run.TargetModel == nil:
		p.line("  model    none: the run has no likelihood stage")
	case run.ReferenceModel == nil:
		p.line("  model    %s, without a reference model", plain(*run.TargetModel))
	default:
		p.line("  model    %s, compared with %s", plain(*run.TargetModel), plain(*run.ReferenceModel))
	}
}

// kinds counts the probes by kind. A probe that was judged under several models is in the rows of each.
func (f *findings) kinds() string {
	n := map[string]int64{}
	for k, pairs := range f.grades {
		under := int64(0)
		for _, count := range pairs {
			under += count
		}
		if k.kind == fold.Generation {
			n[k.kind] = f.generations.count // a model's own output is judged under no other
		} else {
			n[k.kind] = max(n[k.kind], under)
		}
	}
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(n)) {
		parts = append(parts, count(n[k], plain(k)))
	}
	return strings.Join(parts, ", ")
}

func logicalDate(run *schemas.Run) string {
	if run.LogicalDate == nil {
		return ""
	}
	return ", for " + run.LogicalDate.UTC().Format("2006-01-02")
}

// short is the start of a digest, enough to tell configurations apart.
func short(digest string) string { return plain(digest[:min(len(digest), 12)]) }
