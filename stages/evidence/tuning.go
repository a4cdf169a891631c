package evidence

import (
	"math"

	"palimpsest/schemas"
	"palimpsest/stages/likelihood"
)

// Judged is what a target model was found to give back: the judgement's rows with the subjects they are of, in the same order.
type Judged struct {
	Model    string
	Subjects []Subject
	Rows     []schemas.Evidence
}

// Tuning says what tuning changed for each probe that both models were judged on. Rows are in the probes' order.
func Tuning(runID string, base, tuned *Judged) []schemas.Tuning {
	before := make(map[string]int, len(base.Rows))
	for i := range base.Rows {
		before[base.Rows[i].ProbeID] = i
	}
	var rows []schemas.Tuning
	for i := range tuned.Rows {
		k, ok := before[tuned.Rows[i].ProbeID]
		if !ok {
			continue
		}
		r := schemas.Tuning{RunID: runID, ProbeID: tuned.Rows[i].ProbeID, Model: tuned.Model, BaseModel: base.Model,
			BaseMaxP: base.Rows[k].MaxP, MaxP: tuned.Rows[i].MaxP,
			BaseModelGrade: base.Rows[k].ModelGrade, ModelGrade: tuned.Rows[i].ModelGrade}
		if a, b := tuned.Subjects[i].Target, base.Subjects[k].Target; a != nil && b != nil {
			if nats, bytes, ok := likelihood.Delta(a, b); ok {
				r.Bytes, r.LogProbDelta = &bytes, &nats
				if bytes > 0 {
					r.BitsPerByteDelta = number(nats / math.Ln2 / float64(bytes))
				}
			}
		}
		rows = append(rows, r)
	}
	return rows
}
