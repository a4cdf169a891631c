package pipeline

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/vmihailenco/msgpack/v5"

	"palimpsest/stages/likelihood"
	"palimpsest/stages/model"
)

// answers are what a model said of a unit's texts.
type answers struct {
	unit, first int
	left        atomic.Int32 // texts
	all         []*answer    // nil of a generation
}

// answer is what a model said of one text.
type answer struct {
	Score    *likelihood.Score // nil where what it said cannot be used
	Values   *model.Scored     // token by token, of the texts with rows of tokens
	Unprimed bool              // the text's group has too few controls to draw other prefixes from
	Failed   *Failure          // why there is no score
}

// answersHead is the head of a unit's answers.
type answersHead struct {
	Job   string      `json:"job"`
	Unit  int         `json:"unit"`
	Model *ModelFacts `json:"model"`
}

// answerRecord is the kind of a record of answers. Key: position of the text; value: the answer.
const answerRecord = 1

// keep publishes the answers, unless another attempt was quicker: a server may answer anew otherwise, and what is kept is what counts.
func (x *examination) keep(ctx context.Context, a *answers) error {
	path := filepath.Join(x.local, x.resultNames(a.unit)[0])
	err := writeRecords(path, answersHead{x.digest, a.unit, x.modelFacts(x.planned)}, func(w *recordWriter) error {
		for k, one := range a.all {
			if one == nil {
				continue
			}
			value, err := msgpack.Marshal(one)
			if err != nil {
				return &BugError{fmt.Errorf("encoding what a model said: %w", err)}
			}
			if err := w.add(answerRecord, binary.BigEndian.AppendUint32(nil, uint32(a.first+k)), value); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	defer os.Remove(path)
	a.all = nil
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading intermediate results: %w", err)
	}
	_, err = x.store.Create(ctx, x.RunURL, x.Job.work(x.resultNames(a.unit)[0]), data, recordsType)
	return err
}

// readAnswers calls yield with the answers of a unit, in order, and returns what was noted of the model. Nothing is to be published of
// them before it returns.
func (j *Job) readAnswers(f io.Reader, unit int, yield func(i int, a *answer) error) (*ModelFacts, error) {
	var head answersHead
	check := func() error {
		if head.Job != j.digest || head.Unit != unit || head.Model == nil {
			return fmt.Errorf("it is of unit %d of another job", head.Unit)
		}
		return nil
	}
	err := readRecords(f, &head, check, func(kind byte, key, value []byte) error {
		var a answer
		if kind != answerRecord || len(key) != 4 {
			return broken(errors.New("a record that is none of an answer"))
		}
		if err := msgpack.Unmarshal(value, &a); err != nil {
			return broken(err)
		}
		i := int(binary.BigEndian.Uint32(key))
		if u := j.units[unit]; i < u.First || i >= u.End {
			return broken(fmt.Errorf("it answers for text %d, which is not the unit's", i))
		}
		return yield(i, &a)
	})
	return head.Model, err
}
