package main

import (
	"context"
	"encoding/binary"
	"errors"
	"reflect"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"palimpsest/pipeline"
)

// The stages of a run as Beam's. Units are handed to workers, which leave their results in the run as a task does, and hand on what they
// know of each text. That is combined by text, and kept in parts, for the commit. A bundle that is done twice does the same, or nothing.

func init() {
	register.DoFn5x1[context.Context, []byte, func(int), func(int), func(int, pipeline.TextRecord), error](&planFn{})
	register.DoFn3x1[context.Context, int, func(int, pipeline.TextRecord), error](&foldFn{})
	register.DoFn2x1[context.Context, int, error](&askFn{})
	register.Combiner1[pipeline.TextRecord](&combineFn{})
	register.DoFn2x2[int, pipeline.TextRecord, int, pipeline.TextRecord](&partFn{})
	register.DoFn3x1[context.Context, int, func(*pipeline.TextRecord) bool, error](&keepFn{})
	register.Emitter1[int]()
	register.Emitter2[int, pipeline.TextRecord]()
	register.Iter1[pipeline.TextRecord]()
	beam.RegisterCoder(reflect.TypeFor[pipeline.TextRecord](), encodeRecord, decodeRecord)
}

// newPipeline builds the graph of a job. A stage that there is nothing of to do is left out: a runner would start workers for it.
func newPipeline(of jobOf, job *pipeline.Job) *beam.Pipeline {
	p, s := beam.NewPipelineWithRoot()
	fold, ask, parts := beam.ParDo3(s.Scope("Plan"), &planFn{of}, beam.Impulse(s))
	folded, asked := job.Units()
	if len(folded) > 0 {
		known := beam.ParDo(s.Scope("Fold"), &foldFn{of}, beam.Reshuffle(s, fold))
		combined := beam.CombinePerKey(s.Scope("Combine"), &combineFn{Job: of}, known)
		byPart := beam.ParDo(s.Scope("Part"), &partFn{}, combined)
		beam.ParDo0(s.Scope("Keep"), &keepFn{of}, beam.GroupByKey(s, beam.Flatten(s, parts, byPart)))
	}
	if len(asked) > 0 {
		beam.ParDo0(s.Scope("Ask"), &askFn{of}, beam.Reshuffle(s, ask))
	}
	return p
}

// planFn reads the plan and emits the units to fold, the units to ask models about, and for each part of the texts a record of nothing, so
// that there is a result of a part even where nothing is known of its texts.
type planFn struct{ Job jobOf }

// ProcessElement is called once, with the impulse.
func (f *planFn) ProcessElement(ctx context.Context, _ []byte, fold, ask func(int), part func(int, pipeline.TextRecord)) error {
	w, err := f.Job.worker(ctx)
	if w == nil {
		return err
	}
	folded, asked := w.Units()
	for _, unit := range folded {
		fold(unit)
	}
	for _, unit := range asked {
		ask(unit)
	}
	for i := range w.Parts() {
		part(i, pipeline.TextRecord{})
	}
	return nil
}

// foldFn folds a unit and emits what it knows of each text, by the text.
type foldFn struct{ Job jobOf }

// ProcessElement folds one unit.
func (f *foldFn) ProcessElement(ctx context.Context, unit int, emit func(int, pipeline.TextRecord)) error {
	w, err := f.Job.worker(ctx)
	if w == nil {
		return err
	}
	return w.Fold(ctx, unit, func(r pipeline.TextRecord) { emit(int(r.Text), r) })
}

// askFn asks a model about the texts of a unit.
type askFn struct{ Job jobOf }

// ProcessElement asks about one unit.
func (f *askFn) ProcessElement(ctx context.Context, unit int) error {
	w, err := f.Job.worker(ctx)
	if w == nil {
		return err
	}
	return w.Ask(ctx, unit)
}

// combineFn combines what units know of a text.
type combineFn struct {
	Job jobOf

	combiner *pipeline.Combiner // nil when the run is complete already
}

// Setup makes the combiner.
func (f *combineFn) Setup(ctx context.Context) error {
	w, err := f.Job.worker(ctx)
	if w != nil {
		f.combiner, err = w.NewCombiner()
	}
	return err
}

// MergeAccumulators combines two records of a text.
func (f *combineFn) MergeAccumulators(a, b pipeline.TextRecord) (pipeline.TextRecord, error) {
	if f.combiner == nil {
		return pipeline.TextRecord{}, nil
	}
	return f.combiner.Combine(a, b)
}

// partFn keys what is known of a text by the part that it is kept in.
type partFn struct{}

// ProcessElement takes one text.
func (*partFn) ProcessElement(_ int, r pipeline.TextRecord) (int, pipeline.TextRecord) {
	return pipeline.PartOf(r.Text), r
}

// keepFn keeps a part.
type keepFn struct{ Job jobOf }

// ProcessElement keeps one part.
func (f *keepFn) ProcessElement(ctx context.Context, part int, records func(*pipeline.TextRecord) bool) error {
	w, err := f.Job.worker(ctx)
	if w == nil {
		return err
	}
	return w.KeepCombined(ctx, part, func(yield func(pipeline.TextRecord) bool) {
		var r pipeline.TextRecord
		for records(&r) && yield(r) {
		}
	})
}

// encodeRecord writes a record for the shuffle.
func encodeRecord(r pipeline.TextRecord) []byte {
	b := binary.AppendUvarint(nil, uint64(r.Text))
	b = binary.AppendUvarint(b, uint64(r.Records))
	return append(b, r.Known...)
}

// decodeRecord reads what encodeRecord wrote.
func decodeRecord(b []byte) (pipeline.TextRecord, error) {
	text, n := binary.Uvarint(b)
	if n <= 0 {
		return pipeline.TextRecord{}, errors.New("a record from the shuffle is cut short")
	}
	records, k := binary.Uvarint(b[n:])
	if k <= 0 {
		return pipeline.TextRecord{}, errors.New("a record from the shuffle is cut short")
	}
	return pipeline.TextRecord{Text: uint32(text), Records: int64(records), Known: b[n+k:]}, nil
}
