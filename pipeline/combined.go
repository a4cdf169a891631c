package pipeline

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"

	"palimpsest/stages/fold"
	"palimpsest/stages/write"
)

// An engine that groups by key can combine what the units know of each text before the commit, which then reads one record of a text
// instead of one of every unit that knows something of it. The results of the units stay what they are. What was combined is kept in
// parts, each of texts that lie side by side, and the commit takes it when all parts are there.

// TextRecord is what some units know of one text.
type TextRecord struct {
	Text    uint32 // position among the probes and controls
	Records int64  // how many units' records are combined
	Known   []byte
}

// partTexts is how many texts a part is of.
const partTexts = 1 << 16

// PartOf returns the part that the text at that position is combined in.
func PartOf(text uint32) int { return int(text / partTexts) }

// Parts returns how many parts the texts are combined in; 0 when no stage reads the corpus.
func (j *Job) Parts() int {
	if !j.Config.folds() {
		return 0
	}
	return (len(j.texts.all) + partTexts - 1) / partTexts
}

func combinedName(part int) string { return fmt.Sprintf("combined-%06d", part) }

// combined reports whether all parts are among the results that are there.
func (j *Job) combined(done map[string]bool) bool {
	for part := range j.Parts() {
		if !done[combinedName(part)] {
			return false
		}
	}
	return j.Parts() > 0
}

// combinedHead is the head of a part.
type combinedHead struct {
	Job     string `json:"job"`
	Part    int    `json:"part"`
	Records int64  `json:"records"` // of units, that were combined
}

// Combiner combines what units know of texts. It is used by one goroutine at a time.
type Combiner struct {
	job   *Job
	total *partial
	in    fold.Reader
	out   fold.Writer
}

// NewCombiner returns a combiner.
func (w *Worker) NewCombiner() (*Combiner, error) {
	w.loading.Lock()
	defer w.loading.Unlock()
	if w.counted == nil {
		var err error
		if w.counted, err = w.unitsOf(0); err != nil {
			return nil, err
		}
	}
	return &Combiner{job: w.Job, total: w.Config.merged(w.counted, w.Config.matches(w.counted, w.texts.all))}, nil
}

// Combine returns what two sets of units, which have none in common, know of one text. It is commutative and associative.
func (c *Combiner) Combine(a, b TextRecord) (TextRecord, error) {
	if a.Records == 0 {
		return b, nil
	}
	if b.Records == 0 {
		return a, nil
	}
	if a.Text != b.Text || int64(a.Text) >= int64(len(c.job.texts.all)) {
		return TextRecord{}, &BugError{fmt.Errorf("texts %d and %d of %d are combined", a.Text, b.Text, len(c.job.texts.all))}
	}
	probe := int32(a.Text)
	defer c.total.forget(probe)
	for _, known := range [][]byte{a.Known, b.Known} {
		if err := c.total.decode(&c.in, probe, known); err != nil {
			return TextRecord{}, badData("what was found of %q: %w; remove %s of run %s, and plan again", c.job.texts.all[probe].ID, err,
				workName, c.job.RunURL)
		}
	}
	c.total.encodeText(&c.out, probe)
	return TextRecord{a.Text, a.Records + b.Records, append([]byte{}, c.out.Record()...)}, nil
}

// KeepCombined keeps a part: what all units know of its texts, one record of a text, in any order, in bounded memory. Those that nothing
// is known of may be left out.
func (j *Job) KeepCombined(ctx context.Context, part int, records iter.Seq[TextRecord]) (err error) {
	local, err := os.MkdirTemp("", "palimpsest-")
	if err != nil {
		return fmt.Errorf("making a place for intermediate results: %w", err)
	}
	defer os.RemoveAll(local)
	sorter := write.NewSorter(write.NewDir(local, j.RunID, nil), "texts")
	defer sorter.Discard()
	head := combinedHead{Job: j.digest, Part: part}
	for r := range records {
		if r.Records == 0 {
			continue
		}
		if PartOf(r.Text) != part {
			return &BugError{fmt.Errorf("text %d is combined in part %d", r.Text, part)}
		}
		head.Records += r.Records
		if err := sorter.Add(binary.BigEndian.AppendUint32(nil, r.Text), r.Known); err != nil {
			return err
		}
	}
	path := filepath.Join(local, combinedName(part))
	err = writeRecords(path, head, func(w *recordWriter) error {
		return sorter.Each(ctx, func(key, value []byte) error { return w.add(probeRecord, key, value) })
	})
	if err != nil {
		return err
	}
	return j.store.Upload(ctx, j.RunURL, j.work(combinedName(part)), path, recordsType)
}

// eachCombined calls yield with what is known of each text, of the parts in which so many records of units have to be combined.
func (j *Job) eachCombined(ctx context.Context, counts []int64, yield func(key, value []byte) error) error {
	for part, records := range counts {
		file, err := j.fetch(ctx, combinedName(part))
		if err != nil {
			return err
		}
		err = j.readCombined(file, part, records, yield)
		file.Close()
		if err != nil {
			return j.spoiled(combinedName(part), err, "remove it: the commit does without")
		}
	}
	return nil
}

func (j *Job) readCombined(f io.Reader, part int, records int64, yield func(key, value []byte) error) error {
	var head combinedHead
	check := func() error {
		if head.Job != j.digest || head.Part != part || head.Records != records {
			return fmt.Errorf("it combines %d records in part %d, and the units have %d of part %d", head.Records, head.Part, records, part)
		}
		return nil
	}
	return readRecords(f, &head, check, func(kind byte, key, value []byte) error {
		if kind != probeRecord || len(key) != 4 {
			return broken(fmt.Errorf("a record of kind %d", kind))
		}
		return yield(key, value)
	})
}
