// Package verify checks a finished run again, by nothing but what the run says of itself and where its sources lie.
//
//	report, err := verify.Run(ctx, store, runURL, verify.Options{Sources: true, Meter: meter})
//
// It goes from the mark of success outwards, and each step rests on those before it:
//
//  1. _SUCCESS holds the digest of manifest.json, and the manifest that of its configuration.
//  2. Under arrow/ and parquet/ lie the files that the manifest lists, no other, each with its size and SHA-256. Each has the schema and
//     the metadata of its table. Both files of a table hold the same rows, in ascending order of the key, none twice.
//  3. The tables agree: what one refers to is in the other, and what follows from other rows is worked out anew from them.
//  4. The sources agree: the text that each probe was read from has the probe's digest, and the bytes that a span's source names are
//     the words of the span. Column chunks read for that have the digests of the manifest.
//  5. With Options.Sources all column chunks and model files that the run read are read again, and their digests compared.
//
// What does not hold is a Problem that names the place: the file or object, row group, column and row as far as they are known. When a
// step finds problems in the tables the next ones would only repeat them: steps 3 and 4 are left out then, and the report says so.
//
// Bytes of a source that the run never read (columns that are not mapped, statistics) have no digest in the manifest; of them only the
// object's version tells. A source that has another version now is told apart by the digests of its column chunks: where they are those
// of the manifest its bytes are the ones that the run read, and are used.
//
// Nothing is held whole but 12 bytes a span, 8 a probe and 8 a document: tables are read a row group at a time, and places in sources
// are gathered and sorted a million at a time, however many there are.
//
// Tables are read by package read, which cannot panic and allocates nothing that was not announced, and a second time by the Arrow
// library. That library answers damage by panics and believes any length, so it gets only files whose footer was walked before
// (arrow.go), an allocator with a limit, and a guard that turns its panics into problems; so does parquet-go, which is asked for the
// schema alone, of footers that package read has parsed.
package verify

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"strings"

	"palimpsest/pipeline"
	"palimpsest/stages/read"
	"palimpsest/stages/store"
)

// Options say what is checked, and who is told how far it has come.
type Options struct {
	Sources bool            // whether all that the run read is read again
	Meter   *pipeline.Meter // never nil
}

// Problem is something that does not hold, or that could not be checked.
type Problem struct {
	Where string // file or object
	What  string // row group, column and row first
}

func (p Problem) String() string { return p.Where + ": " + p.What }

// Report is what was found.
type Report struct {
	Problems []Problem // what does not hold, at most mostListed of a place
	More     int       // problems beside these
	Warnings []Problem // what could not be checked

	Files, Rows      int64 // of the run: files, and rows of their tables
	Probes, Passages int64 // texts of probes, and passages that spans cite, that were compared with their sources
	Chunks           int64 // column chunks and model files whose digests were compared
	Unchecked        int64 // probes and passages whose sources could not be read as the run read them
}

// Holds reports whether everything that was checked holds.
func (r *Report) Holds() bool { return len(r.Problems) == 0 }

// mostListed is how many problems of one file or object are listed.
const mostListed = 10

const (
	// budget bounds the row groups that are held at once, in bytes, as resources.memory does by default. A run's own are far smaller.
	budget = 4 << 30
	// ahead is how many row groups are fetched before they are needed.
	ahead = 4
)

// verifier is one check.
type verifier struct {
	store   *store.Store
	source  *read.Source
	url     string
	options Options
	report  *Report
	listed  map[string]int // problems by place
	unread  []error        // why something could not be checked

	manifest *pipeline.Manifest
	config   *pipeline.Config
	tables   map[string]*table
	origins  map[string]*origin // by URI

	tokenizer string // digest in the metadata of the first file; "" before, and without one
	documents int64  // of the corpus

	// What is remembered of the tables, by position in them.
	seed     maphash.Seed
	expected []uint64 // of each span, the hash of its words; 0 where the tables do not say
	cited    []uint32 // of each span, how many sources it has
}

// Run checks the run at that URL. The error says why not all could be checked; the report has what was found until then.
func Run(ctx context.Context, s *store.Store, url string, o Options) (*Report, error) {
	v := &verifier{
		store: s, source: read.NewSource(s, budget), url: url, options: o, report: new(Report), listed: make(map[string]int),
		tables: make(map[string]*table), origins: make(map[string]*origin), seed: maphash.MakeSeed(),
	}
	o.Meter.Begin("reading the manifest", 0)
	if ok, err := v.readManifest(ctx); !ok || err != nil {
		return v.report, err
	}
	if err := v.checkTables(ctx); err != nil {
		return v.report, err
	}
	whole := v.report.Holds()
	if whole {
		o.Meter.Begin("comparing the tables with each other", 0)
		if err := v.agree(ctx); err != nil {
			return v.report, err
		}
	}
	if v.report.Holds() {
		v.unread = append(v.unread, v.checkProbes(ctx), v.checkPassages(ctx))
	} else {
		what := "the texts of probes and the passages that spans cite were not compared with their sources, since the tables are not sound"
		if !whole {
			what = "the tables were not compared with each other nor with their sources, since they are not sound"
		}
		v.warn(url, "%s", what)
	}
	if o.Sources {
		v.unread = append(v.unread, v.checkChunks(ctx))
	}
	return v.report, errors.Join(v.unread...)
}

// readManifest checks the mark, the manifest and its configuration, and reports whether the rest can be checked.
func (v *verifier) readManifest(ctx context.Context) (bool, error) {
	state, m, why, err := pipeline.ReadManifest(ctx, v.store, v.url)
	switch {
	case errors.Is(err, store.ErrMissing), errors.Is(err, store.ErrTooBig):
		v.problem(v.url, "%v", err)
		return false, nil
	case err != nil:
		return false, err
	case state == pipeline.Absent:
		return false, &pipeline.DataError{Err: fmt.Errorf("%s: no run is there", v.url)}
	case state == pipeline.Incomplete:
		v.problem(v.url, "%s", why)
		return false, nil
	}
	v.manifest = m
	if v.config, err = m.Configuration(); err != nil {
		v.problem(v.url, "%v", err)
		return false, nil
	}
	if d := v.config.Digest(); d != m.ConfigSHA256 {
		v.problem(v.at("manifest.json"), "its configuration has the sha256 %s, and config_sha256 says %s", d, m.ConfigSHA256)
	}
	return true, v.config.Configure(v.store)
}

// at returns the URL of a file of the run.
func (v *verifier) at(path string) string { return pipeline.RunURL(v.url, path) }

// problem notes something that does not hold.
func (v *verifier) problem(where, format string, args ...any) {
	if v.listed[where]++; v.listed[where] > mostListed {
		v.report.More++
		return
	}
	v.report.Problems = append(v.report.Problems, Problem{where, fmt.Sprintf(format, args...)})
}

// warn notes something that could not be checked.
func (v *verifier) warn(where, format string, args ...any) {
	v.report.Warnings = append(v.report.Warnings, Problem{where, fmt.Sprintf(format, args...)})
}

// fault makes a problem of an error that the bytes of an object are to blame for, notes a row group that is too large to be read, and
// returns any other.
func (v *verifier) fault(where string, err error) error {
	var damage *damageError
	switch {
	case errors.Is(err, read.ErrCorrupt), errors.Is(err, read.ErrUnsupported), errors.Is(err, read.ErrColumn),
		errors.Is(err, store.ErrMissing), errors.Is(err, store.ErrChanged), errors.As(err, &damage):
		v.problem(where, "%s", plain(err))
		return nil
	case errors.Is(err, read.ErrTooLarge):
		v.warn(where, "%s", plain(err))
		v.unread = append(v.unread, fmt.Errorf("%s takes more memory than checking is given", where))
		return nil
	}
	return err
}

// plain returns the message of an error without the name of the object, which stands before it in a report.
func plain(err error) string {
	var at *read.Error
	if !errors.As(err, &at) {
		return err.Error()
	}
	short := *at
	short.Object = ""
	return strings.TrimPrefix(short.Error(), ": ")
}

// damageError is what a library says of a damaged file.
type damageError struct{ err error }

func (e *damageError) Error() string { return "damaged: " + e.err.Error() }
func (e *damageError) Unwrap() error { return e.err }

// guard turns the panics by which the libraries answer damaged files into errors. Other errors of f are damage too, but for those of the
// store and the end of the context.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &damageError{fmt.Errorf("%v", r)}
		}
	}()
	err = f()
	if err == nil || errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrMissing) || errors.Is(err, store.ErrChanged) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &damageError{err}
}
