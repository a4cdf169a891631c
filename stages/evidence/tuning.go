package evidence

import (
	"math"

	"palimpsest/schemas"
	"palimpsest/stages/likelihood"
)

// Judged is what a target model was found to give back: the judgement, with the subjects it is of.
type Judged struct {
	Judgement
	Model    string
	Subjects []Subject
}

// Tuning says what tuning changed for each probe that both models were judged on. Rows are in the probes' order.
func Tuning(runID string, base, tuned *Judged) []schemas.Tuning {
	before := make(map[string]int, len(base.Subjects))
	for i := range base.Subjects {
		before[base.Subjects[i].Probe.ID] = i
	}
	var rows []schemas.Tuning
	for i := range tuned.Subjects {
		k, ok := before[tuned.Subjects[i].Probe.ID]
		if !ok {
			continue
		}
		then, now := base.Row(k), tuned.Row(i)
		r := schemas.Tuning{RunID: runID, ProbeID: now.ProbeID, Model: tuned.Model, BaseModel: base.Model,
			BaseMaxP: then.MaxP, MaxP: now.MaxP, BaseModelGrade: then.ModelGrade, ModelGrade: now.ModelGrade}
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
