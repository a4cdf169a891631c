package coder

import "fmt"

// window is what the model has read of a text, and the distribution of the token after it. When the model's context is full, the model
// starts again with the last half of it, on both sides at the same token.
type window struct {
	m       *Model
	f       *frequencies
	ids     []int64 // read since the model started; of a model without a limit only the last
	pending bool    // the last of ids was not given to the model yet
}

// open starts the model and makes the distribution of the first token.
func open(m *Model, f *frequencies) (*window, error) {
	w := &window{m: m, f: f}
	return w, w.start()
}

func (w *window) start() error {
	logs, err := w.m.Start()
	if err != nil {
		return fmt.Errorf("starting model %s: %w", w.m.Name, err)
	}
	return w.f.set(logs, w.m.Vocabulary)
}

// read notes a token. The model is given it only when a token after it is asked for.
func (w *window) read(id int64) {
	if w.m.Context == 0 {
		w.ids = w.ids[:0]
	}
	w.ids, w.pending = append(w.ids, id), true
}

// catchUp makes the distribution of the token after those that were read.
func (w *window) catchUp() error {
	if !w.pending {
		return nil
	}
	w.pending = false
	fresh := w.ids[len(w.ids)-1:]
	if c := w.m.Context; c > 0 && len(w.ids) > c {
		w.ids = append(w.ids[:0], w.ids[len(w.ids)-(c+1)/2:]...)
		fresh = w.ids
		if err := w.start(); err != nil {
			return err
		}
	}
	var (
		logs []float64
		err  error
	)
	for _, id := range fresh {
		if logs, err = w.m.Next(id); err != nil {
			return fmt.Errorf("token %d of model %s: %w", id, w.m.Name, err)
		}
	}
	return w.f.set(logs, w.m.Vocabulary)
}
