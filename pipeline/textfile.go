package pipeline

import (
	"errors"
	"io"
	"os"

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
func (l *loaded) write(path string) (err error) {
	w, err := createRecords(path, struct{}{})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			w.discard()
		}
	}()
	add := func(kind byte, v any) error {
		value, err := msgpack.Marshal(v)
		if err != nil {
			return &BugError{err}
		}
		return w.add(kind, nil, value)
	}
	for _, p := range l.all {
		if err := add(textRecord, p); err != nil {
			return err
		}
	}
	for i := range l.written {
		if err := add(writtenRecord, &l.written[i]); err != nil {
			return err
		}
	}
	return w.close()
}

// readTexts reads what write kept.
func readTexts(path string) (*loaded, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := openRecords(f, &struct{}{})
	if err != nil {
		return nil, err
	}
	defer r.close()
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
	for {
		kind, _, value, err := r.next()
		if errors.Is(err, io.EOF) {
			l, err := arrange(all)
			if err == nil {
				l.written = written
			}
			return l, err
		}
		if err != nil {
			return nil, err
		}
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
			return nil, err
		}
	}
}
