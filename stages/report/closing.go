package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"palimpsest/stages/write"
)

// maxListed is how many of a list are named.
const maxListed = 3

// leftOut is something that the figures do not cover, with some examples.
type leftOut struct {
	What     string
	Examples []string
}

// leftOut says what the figures above do not cover.
func (f *findings) leftOut(p *page, in Input) {
	p.heading("What was left out")
	list := f.leftOutList(in)
	for _, l := range list {
		p.wrapped("  ", l.What)
		for _, e := range l.Examples {
			p.line("    %s", quoted(e, max(p.width-6, 20)))
		}
	}
	if len(list) == 0 {
		p.line("  nothing")
	}
}

func (f *findings) leftOutList(in Input) []leftOut {
	var list []leftOut
	say := func(what string, examples []string) {
		list = append(list, leftOut{what, slices.Clone(examples[:min(len(examples), maxListed)])})
	}
	if n := int64(len(in.Quarantined)); n > 0 {
		say(count(n, "piece")+" of input could not be read and "+pick(n, "was", "were")+" quarantined:", in.Quarantined)
	}
	if s := f.tooShort; s.count > 0 {
		ids := make([]string, len(s.first))
		for i, id := range s.first {
			ids[i] = quoted(id, 40)
		}
		more := ""
		if s.count > int64(len(ids)) {
			more = ", ..."
		}
		say(count(s.count, "probe")+" "+pick(s.count, "is", "are")+" too short for one run to be looked for: "+strings.Join(ids, ", ")+more, nil)
	}
	if n := int64(len(in.RemovedControls)); n > 0 {
		say(count(n, "control")+" "+pick(n, "was", "were")+" removed, since the corpus or a probe holds the same:", in.RemovedControls)
	}
	under := func(model string) string {
		if len(f.models) < 2 || model == "" {
			return ""
		}
		return " under " + plain(model)
	}
	if len(f.unscored) > 0 {
		var parts []string
		for _, k := range slices.SortedFunc(maps.Keys(f.unscored), compareUnder) {
			parts = append(parts, count(f.unscored[k], plain(k.what))+under(k.model))
		}
		say("not scored by the model: "+strings.Join(parts, ", "), nil)
	}
	reasons := slices.SortedFunc(maps.Keys(f.untested), func(a, b underModel) int {
		return cmp.Or(cmp.Compare(f.untested[b], f.untested[a]), compareUnder(a, b))
	})
	for _, r := range reasons[:min(len(reasons), maxListed)] {
		say("what the model gives back of "+count(f.untested[r], "probe")+" was not assessed"+under(r.model)+": "+plain(r.what), nil)
	}
	for _, n := range in.Notes {
		say(plain(n), nil)
	}
	return list
}

func compareUnder(a, b underModel) int {
	return cmp.Or(cmp.Compare(a.what, b.what), cmp.Compare(a.model, b.model))
}

func pick(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// whereTablesLie says how to go on from here.
func whereTablesLie(p *page, in Input) {
	p.heading("The tables")
	base, _, _ := strings.Cut(localPath(in.RunURL), "?")
	base = strings.TrimSuffix(base, "/")
	p.line("  %s", plain(base))
	var rows []string
	table := "runs" // the one to begin with
	for _, o := range in.Outputs {
		if o.Format == write.Parquet {
			rows = append(rows, plain(o.Table)+" "+thousands(o.Rows))
			if o.Table == "evidence" {
				table = o.Table
			}
		}
	}
	slices.Sort(rows)
	p.wrapped("  ", "rows: "+strings.Join(rows, ", "))
	if strings.HasPrefix(base, "mem://") {
		return
	}
	p.line("  in DuckDB:")
	p.line("    duckdb -c %s", shell("SELECT * FROM "+sql(forDuckDB(base)+"/parquet/"+table+"/*.parquet")+" LIMIT 5"))
	p.line("  in Python:")
	arrow := python(base + "/arrow/" + table + "/part-00000.arrow")
	if strings.Contains(base, "://") {
		p.line("    python3 -c %s", shell("from pyarrow import fs, ipc; s, k = fs.FileSystem.from_uri("+arrow+
			"); print(ipc.open_file(s.open_input_file(k)).read_all())"))
		return
	}
	p.line("    python3 -c %s", shell("import pyarrow as pa; print(pa.ipc.open_file(pa.memory_map("+arrow+")).read_all())"))
}

// localPath is the path of a local URL; other URLs stay as they are.
func localPath(url string) string {
	if path, ok := strings.CutPrefix(url, "file://"); ok {
		return path
	}
	return url
}

// forDuckDB writes Azure's URLs as DuckDB's extension has them.
func forDuckDB(url string) string {
	if rest, ok := strings.CutPrefix(url, "azblob://"); ok {
		return "az://" + rest
	}
	return url
}

// sql, python and shell quote a string for the language, for lines that are to be copied to a terminal.
func sql(s string) string { return "'" + strings.ReplaceAll(plain(s), "'", "''") + "'" }

func python(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(plain(s)) + "'"
}

func shell(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`").Replace(s) + `"`
}
