package store

import (
	"errors"
	"maps"
	"sync"
)

// Stats counts what a Store asked of the object stores since it was made. Requests that the SDKs repeat on their own are not
// seen here.
type Stats struct {
	Requests   int64            // reads, attribute look-ups, pages of listings, uploads and deletions
	Bytes      int64            // bytes of objects read
	Written    int64            // bytes of objects written
	Operations map[string]int64 // requests by what was asked: delete, list, look up, read, write
	Retries    map[string]int64 // those of them that repeated a failed one
	Errors     map[string]int64 // operations that failed for good: changed, missing, stopped, unavailable, other
}

// counts is what Stats tells, but for the bytes. A request takes so long that a lock beside it is nothing.
type counts struct {
	mu                  sync.Mutex
	operations, retries map[string]int64
	errors              map[string]int64
}

func newCounts() *counts {
	return &counts{
		operations: map[string]int64{"delete": 0, "list": 0, "look up": 0, "read": 0, "write": 0},
		retries:    map[string]int64{"delete": 0, "list": 0, "look up": 0, "read": 0, "write": 0},
		errors:     map[string]int64{"changed": 0, "missing": 0, "other": 0, "stopped": 0, "unavailable": 0},
	}
}

// request counts a request, the try-th of its operation from 1.
func (c *counts) request(what string, try int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.operations[what]++
	if try > 1 {
		c.retries[what]++
	}
}

// failed counts an operation that failed, unless err is nil. stopped says that whoever asked no longer waits. Missing is also the
// answer to whether something is there.
func (c *counts) failed(stopped bool, err error) {
	if err == nil {
		return
	}
	kind := "other"
	switch {
	case stopped:
		kind = "stopped"
	case errors.Is(err, ErrMissing):
		kind = "missing"
	case errors.Is(err, ErrChanged):
		kind = "changed"
	case errors.Is(err, ErrUnavailable):
		kind = "unavailable"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.errors[kind]++
}

// Stats returns the counts so far.
func (s *Store) Stats() Stats {
	c := s.counts
	c.mu.Lock()
	defer c.mu.Unlock()
	stats := Stats{Bytes: s.bytes.Load(), Written: s.written.Load(),
		Operations: maps.Clone(c.operations), Retries: maps.Clone(c.retries), Errors: maps.Clone(c.errors)}
	for _, n := range c.operations {
		stats.Requests += n
	}
	return stats
}
