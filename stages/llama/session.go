package llama

import "fmt"

// Session reads a text token by token: for coders, whose next token depends on what the model said of it. What it says is the same bits
// that Score says. It is used by one goroutine; several sessions may be used at a time.
type Session struct {
	engine *Engine
	pass   *pass
	cache  cache
	id     [1]int64
	logs   []float64
}

// NewSession returns a session that has read nothing.
func (e *Engine) NewSession() *Session {
	return &Session{engine: e, pass: e.newPass(1, e.workers), logs: make([]float64, e.weights.vocabulary)}
}

// Start forgets what was read and returns the log-probabilities of a text's first token, as Next does; nil for a model without BOS, which
// says nothing of it.
func (s *Session) Start() ([]float64, error) {
	s.Reset()
	if len(s.engine.bos) == 0 {
		return nil, nil
	}
	return s.Next(s.engine.bos[0])
}

// Next reads a token and returns the log-probabilities of the next one, an entry a token of the vocabulary, nats. They are valid until the
// next call; Exp makes them probabilities, the same bits on every machine. A session reads as many tokens as the model's context has.
func (s *Session) Next(id int64) ([]float64, error) {
	if id < 0 || id >= int64(len(s.logs)) {
		return nil, fmt.Errorf("llama: token %d; the vocabulary has %d", id, len(s.logs))
	}
	if s.cache.length >= s.engine.facts.Context {
		return nil, fmt.Errorf("llama: %d tokens were read, which is the context", s.cache.length)
	}
	s.id[0] = id
	s.pass.forward([]segment{{cache: &s.cache, ids: s.id[:]}})
	logits := s.pass.logitsOf(0)
	d, ok := newDistribution(logits)
	if !ok {
		return nil, fmt.Errorf("llama: token %d of a session: %w", s.cache.length-1, ErrBroken)
	}
	for i := range s.logs {
		s.logs[i] = d.of(logits[i])
	}
	return s.logs, nil
}

// Read returns how many tokens were read, BOS among them.
func (s *Session) Read() int { return s.cache.length }

// Reset makes the session one that has read nothing. It is called too when a session is done with, since it gives back its memory.
func (s *Session) Reset() { s.engine.pages.release(&s.cache) }
