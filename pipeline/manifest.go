package pipeline

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"

	"palimpsest/stages/evidence"
	"palimpsest/stages/fold"
	"palimpsest/stages/store"
	"palimpsest/stages/write"
)

// Manifest says what a run was made of and what it made. It names no time, host or attempt, so that equal runs have equal
// manifests.
type Manifest struct {
	SchemaVersion  string            `json:"schema_version"`
	ProgramVersion string            `json:"program_version"`
	UnicodeVersion string            `json:"unicode_version"`
	RunID          string            `json:"run_id"`
	ConfigSHA256   string            `json:"config_sha256"`
	Config         json.RawMessage   `json:"config"`
	Inputs         []Input           `json:"inputs"`
	Models         []ModelFacts      `json:"models,omitempty"` // the models that were asked
	Outputs        []write.Output    `json:"outputs"`
	Controls       []Removed         `json:"removed_controls"` // controls that were in the corpus, or among the probes
	Families       []evidence.Family `json:"families"`         // the families of tests, with the least q-value each can reach
	Failures       []Failure         `json:"failures"`         // what was quarantined
	Notes          []Note            `json:"notes"`            // what was found odd, and left
}

// Input is one object that was read.
type Input struct {
	Role     string  `json:"role"` // corpus, probes, controls, target, reference or tokenizer
	URI      string  `json:"uri"`
	Size     int64   `json:"size"`
	Version  string  `json:"version"`
	Rows     int64   `json:"rows"`
	NullText int64   `json:"null_texts"` // rows without text, which are no documents
	Chunks   []Chunk `json:"chunks"`     // the column chunks that were read
}

// Chunk is a column chunk, as stored.
type Chunk struct {
	RowGroup int    `json:"row_group"`
	Column   string `json:"column"`
	Bytes    int64  `json:"bytes"`
	SHA256   string `json:"sha256"`
}

// Failure is a piece of input that was quarantined.
type Failure struct {
	Object   string `json:"object"`
	RowGroup *int   `json:"row_group"`
	Row      *int64 `json:"row"`
	Reason   string `json:"reason"` // names the place too
}

// compareFailures orders failures by where they are.
func compareFailures(a, b Failure) int {
	at := func(f Failure) (group int, row int64) {
		group, row = -1, -1
		if f.RowGroup != nil {
			group = *f.RowGroup
		}
		if f.Row != nil {
			row = *f.Row
		}
		return group, row
	}
	groupA, rowA := at(a)
	groupB, rowB := at(b)
	return cmp.Or(cmp.Compare(a.Object, b.Object), cmp.Compare(groupA, groupB), cmp.Compare(rowA, rowB), cmp.Compare(a.Reason, b.Reason))
}

// Removed is a control that cannot calibrate.
type Removed struct {
	ID     string `json:"id"`
	Reason string `json:"reason"`
}

// Note is something that a reader of the tables should know.
type Note struct {
	About string `json:"about"`
	Text  string `json:"text"`
	Count int64  `json:"count"`
}

const (
	manifestName = "manifest.json"
	successName  = "_SUCCESS"
	maxManifest  = 1 << 30
)

func (m *Manifest) encode() ([]byte, error) {
	slices.SortFunc(m.Inputs, func(a, b Input) int { return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.URI, b.URI)) })
	slices.SortFunc(m.Failures, compareFailures)
	// An empty list says that there is nothing; null would say nothing.
	m.Controls, m.Families = append([]Removed{}, m.Controls...), append([]evidence.Family{}, m.Families...)
	m.Failures, m.Notes = append([]Failure{}, m.Failures...), append([]Note{}, m.Notes...)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(m); err != nil {
		return nil, &BugError{fmt.Errorf("encoding the manifest: %w", err)}
	}
	return b.Bytes(), nil
}

// publishTables uploads the finished files of dir, then the manifest, then the mark of success, which holds the manifest's digest. A
// reader that sees the mark sees a whole run; a run without it is none. Two that commit the same job write the same bytes, so that
// neither harms the other.
func (j *Job) publishTables(ctx context.Context, dir string, m *Manifest) error {
	for _, o := range m.Outputs {
		if err := j.store.Upload(ctx, j.RunURL, o.Path, filepath.Join(dir, filepath.FromSlash(o.Path)), contentType(o.Format)); err != nil {
			return err
		}
	}
	data, err := m.encode()
	if err != nil {
		return err
	}
	if _, digest, err := readPlan(ctx, j.store, j.RunURL); err != nil {
		return err
	} else if digest != j.digest {
		if done, err := j.finished(ctx); done != nil || err != nil {
			return err // committed by another attempt, and cleaned
		}
		return badUsage("run %s was planned anew while it was committed: give each configuration a run_id of its own", j.RunURL)
	}
	created, err := j.store.Create(ctx, j.RunURL, manifestName, data, "application/json")
	if err != nil {
		return err
	}
	if !created {
		return &BugError{fmt.Errorf("run %s has a %s of other tables, by another commit of the same plan", j.RunURL, manifestName)}
	}
	if err := j.store.Put(ctx, j.RunURL, successName, []byte(fold.SHA256(data)+"\n"), "text/plain"); err != nil {
		return err
	}
	return j.stands(ctx, m)
}

// stands finds out whether what was published is there. Somebody who planned the run anew at the same moment may have removed some of
// it: then it is no run, and not marked as one.
func (j *Job) stands(ctx context.Context, m *Manifest) error {
	keys, err := j.store.Keys(ctx, j.RunURL)
	if err != nil {
		return err
	}
	there := make(map[string]bool, len(keys))
	for _, k := range keys {
		there[k] = true
	}
	for _, o := range m.Outputs {
		if there[o.Path] {
			continue
		}
		for _, mark := range []string{successName, manifestName} {
			if err := j.store.Delete(ctx, j.RunURL, mark); err != nil {
				return err
			}
		}
		return fmt.Errorf("run %s was planned anew while it was published, and %s was removed: it is not complete; run it again",
			j.RunURL, o.Path)
	}
	return nil
}

func contentType(format string) string {
	if format == "arrow" {
		return "application/vnd.apache.arrow.file"
	}
	return "application/vnd.apache.parquet"
}

// State says how far a run directory has come.
type State string

// The states of a run directory.
const (
	Absent     State = "absent"     // nothing there
	Incomplete State = "incomplete" // files, but no mark of success, or one that is not the manifest's
	Complete   State = "complete"
)

// ReadManifest returns the state of the run at that URL, and its manifest when it is complete. For an incomplete run the error's
// text is the reason, as Incomplete's second value.
func ReadManifest(ctx context.Context, s *store.Store, runURL string) (State, *Manifest, string, error) {
	mark, err := s.Exists(ctx, runURL, successName)
	if err != nil {
		return "", nil, "", err
	}
	if !mark {
		keys, err := s.Keys(ctx, runURL)
		if err != nil {
			return "", nil, "", err
		}
		if len(keys) == 0 {
			return Absent, nil, "", nil
		}
		return Incomplete, nil, "it has no " + successName, nil
	}
	sum, err := s.ReadAll(ctx, runURL, successName, 1<<10)
	if err != nil {
		return "", nil, "", err
	}
	data, err := s.ReadAll(ctx, runURL, manifestName, maxManifest)
	if err != nil {
		return "", nil, "", err
	}
	if string(sum) != fold.SHA256(data)+"\n" {
		return Incomplete, nil, successName + " does not hold the digest of " + manifestName, nil
	}
	m := new(Manifest)
	if err := json.Unmarshal(data, m); err != nil {
		return Incomplete, nil, manifestName + " is not a manifest: " + err.Error(), nil
	}
	return Complete, m, "", nil
}

// Configuration returns the configuration that the run was made with, without credentials and resources.
func (m *Manifest) Configuration() (*Config, error) {
	c, err := decodeConfig(m.Config)
	if err != nil {
		return nil, badData("the configuration in %s of run %s: %w", manifestName, m.RunID, err)
	}
	return c, nil
}

// Configure makes the parameters of the inputs' URLs known to the store, so that the objects which a manifest lists can be opened.
func (c *Config) Configure(s *store.Store) error { return s.Configure(c.urls()...) }

// String says what was quarantined, where, and why.
func (f Failure) String() string { return f.Reason }
