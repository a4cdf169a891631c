package pipeline

import (
	"errors"
	"io"

	"github.com/vmihailenco/msgpack/v5"

	"palimpsest/schemas"
	"palimpsest/stages/fold"
)

// The kinds of records in the file of texts.
const (
	textRecord    = 1 // a probe or control
	writtenRecord = 2 // a row of generations
)

// write keeps the texts in a local file, in order.
func (l *loaded) write(path string) error {
	return writeRecords(path, struct{}{}, func(w *recordWriter) error {
		for _, p := range l.all {
			if err := w.addValue(textRecord, p); err != nil {
				return err
			}
		}
		for i := range l.written {
			if err := w.addValue(writtenRecord, &l.written[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// addValue writes a record without a key, of a value in MessagePack.
func (w *recordWriter) addValue(kind byte, v any) error {
	value, err := msgpack.Marshal(v)
	if err != nil {
		return &BugError{err}
	}
	return w.add(kind, nil, value)
}

// readTexts reads what write kept.
func readTexts(f io.Reader) (*loaded, error) {
	var (
		all     []*fold.Probe
		written []schemas.Generation
	)
	known := make(map[string]string)
	once := func(s *string) { // a million probes are of few objects
		if first, ok := known[*s]; ok {
			*s = first
		} else {
			known[*s] = *s
		}
	}
	err := readRecords(f, &struct{}{}, func() error { return nil }, func(kind byte, _, value []byte) (err error) {
		switch kind {
		case textRecord:
			p := new(fold.Probe)
			err = msgpack.Unmarshal(value, p)
			once(&p.Kind)
			once(&p.SourceURI)
			once(&p.Writer)
			all = append(all, p)
		case writtenRecord:
			var row schemas.Generation
			err = msgpack.Unmarshal(value, &row)
			written = append(written, row)
		default:
			err = errors.New("a record that is none of a text")
		}
		if err != nil {
			return broken(err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	l, err := arrange(all)
	if err == nil {
		l.written = written
	}
	return l, err
}
