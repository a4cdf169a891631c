package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"

	"golang.org/x/sync/errgroup"

	"palimpsest/stages/fold"
	"palimpsest/stages/hash"
	"palimpsest/stages/match"
	"palimpsest/stages/ngram"
	"palimpsest/stages/read"
	"palimpsest/stages/reservation"
	"palimpsest/stages/words"
)

// partial is what the folds make of some documents: of one row group at first, of a worker's share and of the whole corpus after
// merging.
type partial struct {
	ngram *ngram.State // nil when the stage does not run
	hash  *hash.State
	match *match.State

	documents, words, nullTexts int64 // the last of one row group only
}

// folds are what partials start from.
type folds struct {
	ngram *ngram.Index
	hash  *hash.Index
	match match.Config
	texts *ngram.Texts // of the index; nil without ngram

	room    int64          // for what a matcher remembers, and a state
	matcher *ngram.Matcher // of one goroutine
}

// worker returns the folds for one goroutine.
func (f *folds) worker() *folds {
	w := *f
	if f.ngram != nil {
		w.matcher = ngram.NewMatcher(f.ngram, f.room)
	}
	return &w
}

func (f *folds) zero() *partial {
	p := &partial{match: match.NewState(f.match)}
	if f.matcher != nil {
		p.ngram = f.matcher.NewState()
	}
	if f.hash != nil {
		p.hash = hash.NewState(f.hash)
	}
	return p
}

func (p *partial) add(d *fold.Document) {
	p.documents++
	p.words += d.Words
	if p.hash != nil {
		p.hash.Add(d)
	}
	if p.ngram != nil {
		p.ngram.Add(d)
	}
	p.match.Add(d)
}

func (p *partial) merge(o *partial) {
	p.documents += o.documents
	p.words += o.words
	if p.ngram != nil {
		p.ngram.Merge(o.ngram)
	}
	if p.hash != nil {
		p.hash.Merge(o.hash)
	}
	p.match.Merge(o.match)
}

// scanner folds row groups one after the other, reusing its buffers.
type scanner struct {
	folds      *folds
	words      words.Normaliser
	cutter     *cutter
	doc        fold.Document
	signatures *signatures // nil when none are asked for
	badRow     func(s shard, row int64, reason string) error
}

// scan folds one row group. What it returns is whole: after an error nothing of the group has been counted.
func (c *scanner) scan(ctx context.Context, s shard, g *read.Group, m *Meter) (*partial, error) {
	p := c.folds.zero()
	refs, err := newRefs(s, g)
	if err != nil {
		return nil, err
	}
	if err := c.cutter.begin(s, g); err != nil {
		return nil, err
	}
	c.doc.Stop = func() bool { return ctx.Err() != nil }
	text, _ := s.column("text")
	err = g.Each(text, func(row int, text []byte, ok bool) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !ok {
			p.nullTexts++
			return nil
		}
		cut, err := c.cutter.cut(row, text)
		if err != nil {
			return c.badRow(s, g.FirstRow()+int64(row), err.Error())
		}
		stream, n := c.words.Stream(text)
		c.doc.Reset(text, stream, n, func() fold.Ref { return refs.at(row) })
		c.doc.Tokens = cut
		p.add(&c.doc)
		if err := c.signatures.add(&c.doc); err != nil {
			return err
		}
		m.Documents.Add(1)
		m.TextBytes.Add(int64(len(text)))
		return ctx.Err()
	})
	if err == nil {
		p.match.Compare(c.doc.Stopped)
		err = ctx.Err()
	}
	return p, err
}

// refs makes references of a row group's documents.
type refs struct {
	shard
	group   *read.Group
	columns map[string]*textColumn
}

// refRoles are the columns that say which document it is and what the corpus declares about it.
var refRoles = append([]string{"id", "url", "license", "rights_holder"}, signalRoles...)

// signalRoles are those that package reservation decides by.
var signalRoles = func() (roles []string) {
	for _, s := range reservation.Signals() {
		roles = append(roles, string(s))
	}
	return roles
}()

// newRefs decodes the columns, whether or not a document will hit: if a row group is sound must not depend on the probes.
func newRefs(s shard, g *read.Group) (*refs, error) {
	columns, err := s.decodeTexts(g, refRoles...)
	return &refs{s, g, columns}, err
}

func (r *refs) at(row int) fold.Ref {
	id := ""
	if v := r.columns["id"].at(row); v != nil {
		id = *v
	}
	ref := fold.NewRef(id, r.input.URI, r.group.FirstRow()+int64(row))
	ref.URL, ref.License = r.columns["url"].at(row), r.columns["license"].at(row)
	ref.RightsHolder, ref.OptOut = r.columns["rights_holder"].at(row), r.columns["opt_out"].at(row)
	if slices.ContainsFunc(signalRoles, func(role string) bool { return r.columns[role] != nil }) {
		d := reservation.Decide(func(s reservation.Signal) *string { return r.columns[string(s)].at(row) })
		ref.Reservation, ref.ReservationRule = &d.State, &d.Rule
	}
	return ref
}

// groupFunc works on one row group. It is called by one goroutine at a time.
type groupFunc func(ctx context.Context, s shard, g *read.Group) error

// eachGroup reads the row groups ahead and hands them to workers, each with a groupFunc of its own. Memory is bounded by the
// plan's budget, which a row group holds from before its fetch until its worker is done. A corrupt row group is quarantined or
// ends the run, as configured; ended, where it is not nil, is told of each that is done or quarantined.
func (j *Job) eachGroup(
	ctx context.Context, all []shard, columns func(*object) []read.Column, newWorker func() groupFunc,
	ended func(context.Context, shard) error,
) error {
	parts := make([]read.Part, len(all))
	for i, s := range all {
		parts[i] = read.Part{File: s.file, Group: s.group, Columns: columns(s.object)}
	}
	workers := min(j.Config.workers(), len(all))
	eg, ctx := errgroup.WithContext(ctx)
	ahead := j.source.Ahead(ctx, parts, workers+readAhead)
	defer ahead.Close()
	for range workers {
		work := newWorker()
		eg.Go(func() error {
			for {
				i, g, err := ahead.Next(ctx)
				if errors.Is(err, io.EOF) {
					return nil
				}
				if i < 0 {
					return err
				}
				if err == nil {
					err = guard(func() error { return work(ctx, all[i], g) })
					all[i].noteRead(g)
					g.Release()
				}
				if err != nil {
					if err := j.quarantined(all[i], err); err != nil {
						return err
					}
				}
				if ended != nil {
					if err := guard(func() error { return ended(ctx, all[i]) }); err != nil {
						return err
					}
				}
				stored, _ := parts[i].File.Size(parts[i].Group, parts[i].Columns...)
				j.meter.Done.Add(stored)
				j.meter.Groups.Add(1)
			}
		})
	}
	return eg.Wait()
}

// guard turns a panic of a worker, which no caller could catch, into an error.
func guard(work func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &BugError{fmt.Errorf("%v, at %s", r, debug.Stack())}
		}
	}()
	return work()
}

// readAhead is the number of row groups that are fetched beyond those in work: enough requests in flight to hide a store's
// latency. Memory may allow fewer.
const readAhead = 4

func (j *Job) quarantined(s shard, err error) error {
	group := s.group
	return j.quarantine(s.input.URI, &group, err)
}
