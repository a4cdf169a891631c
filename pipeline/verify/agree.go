package verify

import (
	"context"
	"errors"
	"hash/maphash"
	"slices"
	"strconv"

	"palimpsest/schemas"
	"palimpsest/stages/fold"
)

// agree checks that the tables say the same of the same things.
func (v *verifier) agree(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		v.agreeRun, v.agreeDocuments, v.agreeFindings, v.agreeModels,
	} {
		if err := step(ctx); err != nil {
			return v.fault(v.url, err)
		}
	}
	return nil
}

// roles as the manifest names them.
const (
	corpusRole = "corpus"
	probesRole = "probes"
)

// agreeRun checks the table runs against the manifest.
func (v *verifier) agreeRun(ctx context.Context) error {
	c, err := rowsOf(v, schemas.Runs, "run_id", "config_sha256", "program_version", "corpus_documents", "corpus_words", "probes", "unit",
		"target_model", "reference_model")
	if err != nil {
		return err
	}
	defer c.close()
	if n := v.tables[schemas.Runs.Name].parquet.Rows; n != 1 {
		v.problem(c.where, "%d rows, and a run is one", n)
	}
	var read int64 // documents of the corpus, but for those that were quarantined
	for _, in := range v.manifest.Inputs {
		if in.Role == corpusRole {
			read += in.Rows - in.NullText
		}
	}
	return c.each(ctx, func(r *schemas.Run) error {
		if r.ConfigSHA256 != v.manifest.ConfigSHA256 {
			c.problem("config_sha256", "%s, and the manifest says %s", r.ConfigSHA256, v.manifest.ConfigSHA256)
		}
		if r.ProgramVersion != v.manifest.ProgramVersion {
			c.problem("program_version", "%q, and the manifest says %q", r.ProgramVersion, v.manifest.ProgramVersion)
		}
		if n := v.tables[schemas.Probes.Name].parquet.Rows; r.Probes != n {
			c.problem("probes", "%d, and table probes has %d rows", r.Probes, n)
		}
		if unit := v.config.Ngram; (unit == nil) != (r.Unit == nil) || unit != nil && unit.Unit != *r.Unit {
			c.problem("unit", "another than the configuration's")
		}
		if n := r.CorpusDocuments; n != nil {
			v.documents = *n
			if *n > read || *n < read && len(v.manifest.Failures) == 0 {
				c.problem("corpus_documents", "%d, and the manifest has %d documents of the corpus", *n, read)
			}
		}
		return nil
	})
}

// set holds hashes of things, once it is sorted.
type set []uint64

func (s set) has(h uint64) bool {
	_, ok := slices.BinarySearch(s, h)
	return ok
}

// hash of a row that names a document.
func (v *verifier) document(id, uri string, row int64) uint64 {
	var h maphash.Hash
	h.SetSeed(v.seed)
	for _, s := range []string{id, uri, strconv.FormatInt(row, 10)} {
		_, _ = h.WriteString(strconv.Itoa(len(s))) // never fails
		_, _ = h.WriteString(" ")
		_, _ = h.WriteString(s)
	}
	return h.Sum64()
}

// agreeDocuments checks the tables that name documents: those of spans and matches stand in documents, and those in the corpus.
func (v *verifier) agreeDocuments(ctx context.Context) error {
	rows := make(map[string]int64)
	for _, in := range v.manifest.Inputs {
		if in.Role == corpusRole {
			rows[in.URI] = in.Rows
		}
	}
	documents, err := rowsOf(v, schemas.Documents, "document_id", "document_uri", "document_row", "sha256", "words", "probes", "longest_words")
	if err != nil {
		return err
	}
	defer documents.close()
	var known set
	err = documents.each(ctx, func(d *schemas.Document) error {
		switch n, ok := rows[d.DocumentURI]; {
		case !ok:
			documents.problem("document_uri", "%.200q is no object of the corpus", d.DocumentURI)
		case d.DocumentRow < 0 || d.DocumentRow >= n:
			documents.problem("document_row", "%d, and the object has %d rows", d.DocumentRow, n)
		}
		if d.LongestWords != nil && *d.LongestWords > d.Words && v.unit() == fold.Words { // words of the text, in any unit
			documents.problem("longest_words", "%d, and the document has %d words", *d.LongestWords, d.Words)
		}
		known = append(known, v.document(d.DocumentID, d.DocumentURI, d.DocumentRow))
		return nil
	})
	if err != nil {
		return err
	}
	slices.Sort(known)
	sources, err := rowsOf(v, schemas.SpanSources, "document_id", "document_uri", "document_row")
	if err != nil {
		return err
	}
	defer sources.close()
	if err := sources.each(ctx, func(r *schemas.SpanSource) error {
		if !known.has(v.document(r.DocumentID, r.DocumentURI, r.DocumentRow)) {
			sources.problem("document_id", "table documents has no %.100q, %s row %d", r.DocumentID, r.DocumentURI, r.DocumentRow)
		}
		return nil
	}); err != nil {
		return err
	}
	matches, err := rowsOf(v, schemas.Matches, "document_id", "document_uri", "document_row")
	if err != nil {
		return err
	}
	defer matches.close()
	return matches.each(ctx, func(r *schemas.Match) error {
		if !known.has(v.document(r.DocumentID, r.DocumentURI, r.DocumentRow)) {
			matches.problem("document_id", "table documents has no %.100q, %s row %d", r.DocumentID, r.DocumentURI, r.DocumentRow)
		}
		return nil
	})
}

// agreeModels checks the tables of models: their rows are of probes, and of the models that were asked.
func (v *verifier) agreeModels(ctx context.Context) error {
	probes, err := rowsOf(v, schemas.Probes, "probe_id")
	if err != nil {
		return err
	}
	defer probes.close()
	var known set
	if err := probes.each(ctx, func(p *schemas.Probe) error {
		known = append(known, maphash.String(v.seed, p.ProbeID))
		return nil
	}); err != nil {
		return err
	}
	slices.Sort(known)
	models := make(map[string]bool)
	if l := v.config.Likelihood; l != nil {
		for _, m := range l.Target {
			models[m.Name] = true
		}
		if l.Reference != nil {
			models[l.Reference.Name] = true
		}
	}
	return errors.Join(
		named(ctx, v, known, models, schemas.Likelihoods, func(r *schemas.Likelihood) (string, string) {
			if r.Control {
				return "", r.Model
			}
			return r.ProbeID, r.Model
		}, "control"),
		named(ctx, v, known, models, schemas.Tokens, func(r *schemas.Token) (string, string) { return r.ProbeID, r.Model }),
		named(ctx, v, known, models, schemas.Windows, func(r *schemas.Window) (string, string) { return r.ProbeID, r.Model }),
		named(ctx, v, known, models, schemas.Extractions, func(r *schemas.Extraction) (string, string) { return r.ProbeID, r.Model }),
		named(ctx, v, known, models, schemas.Generations, func(r *schemas.Generation) (string, string) { return r.ProbeID, r.Model }),
		named(ctx, v, known, models, schemas.Canaries, func(r *schemas.Canary) (string, string) { return r.ProbeID, r.Model }),
		named(ctx, v, known, models, schemas.Tunings, func(r *schemas.Tuning) (string, string) { return r.ProbeID, r.Model }),
		v.agreeWorks(ctx, known),
		v.agreeWindows(ctx),
	)
}

// named checks that the rows of a table name known probes and models. Of a row of no probe id is empty.
func named[R any](ctx context.Context, v *verifier, probes set, models map[string]bool, of schemas.Of[R],
	names func(*R) (probe, model string), more ...string) error {
	c, err := rowsOf(v, of, append([]string{"probe_id", "model"}, more...)...)
	if err != nil {
		return err
	}
	defer c.close()
	return c.each(ctx, func(r *R) error {
		probe, model := names(r)
		if probe != "" && !probes.has(maphash.String(v.seed, probe)) {
			c.problem("probe_id", "table probes has no probe %.100q", probe)
		}
		if !models[model] {
			c.problem("model", "the configuration has no model %.100q", model)
		}
		return nil
	})
}

// agreeWorks checks that what models wrote was written after works that are probes.
func (v *verifier) agreeWorks(ctx context.Context, probes set) error {
	c, err := rowsOf(v, schemas.Generations, "work_id", "prompt_byte_start", "prompt_byte_end", "draw", "draws")
	if err != nil {
		return err
	}
	defer c.close()
	return c.each(ctx, func(r *schemas.Generation) error {
		if !probes.has(maphash.String(v.seed, r.WorkID)) {
			c.problem("work_id", "table probes has no probe %.100q", r.WorkID)
		}
		if r.PromptByteStart < 0 || r.PromptByteStart > r.PromptByteEnd {
			c.problem("prompt_byte_start", "bytes %d to %d", r.PromptByteStart, r.PromptByteEnd)
		}
		if r.Draw < 0 || r.Draw >= r.Draws {
			c.problem("draw", "%d of %d", r.Draw, r.Draws)
		}
		return nil
	})
}

// agreeWindows checks the counts of extraction against the windows.
func (v *verifier) agreeWindows(ctx context.Context) error {
	windows, err := rowsOf(v, schemas.Windows, "probe_id", "model", "window_index", "greedy")
	if err != nil {
		return err
	}
	defer windows.close()
	extraction, err := rowsOf(v, schemas.Extractions, "probe_id", "model", "windows", "greedy")
	if err != nil {
		return err
	}
	defer extraction.close()
	if windows == nil || extraction == nil {
		return nil
	}
	var probe, model string
	var n, greedy int64
	return extraction.each(ctx, func(e *schemas.Extraction) error {
		for e.ProbeID != probe || e.Model != model {
			w, err := windows.peek(ctx)
			if err != nil {
				return err
			}
			probe, model, n, greedy = e.ProbeID, e.Model, 0, 0
			for ; w != nil && w.ProbeID == probe && w.Model == model; w, err = windows.peek(ctx) {
				if w.WindowIndex != n {
					windows.problem("window_index", "%d, where %d follows", w.WindowIndex, n)
				}
				if n++; w.Greedy != nil && *w.Greedy {
					greedy++
				}
				windows.advance()
			}
			if err != nil {
				return err
			}
		}
		if e.Windows != n {
			extraction.problem("windows", "%d, and table windows has %d of the probe", e.Windows, n)
		}
		if e.Greedy != greedy {
			extraction.problem("greedy", "%d, and table windows has %d of the probe", e.Greedy, greedy)
		}
		return nil
	})
}

// targets returns how many models the probes are judged for.
func (v *verifier) targets() int {
	if l := v.config.Likelihood; l != nil {
		return max(len(l.Target), 1)
	}
	return 1
}
