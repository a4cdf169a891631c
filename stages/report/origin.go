package report

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"palimpsest/stages/fold"
	"palimpsest/stages/read"
	"palimpsest/stages/store"
	"palimpsest/stages/words"
)

// Origin is an object that the run read texts from, in the version that it read. What stands around a span in its source is in no
// table: it is read again from here.
type Origin struct {
	Object store.Object
	Text   string // the column of the texts
	Prompt string // the column of the prompts; empty without one
}

// What reading sources again may take. A page quotes some dozens of documents: reading all of a large corpus for that is refused.
const (
	maxFetched = 512 << 20 // bytes as stored
	maxHeld    = 512 << 20 // bytes of one row group in memory
)

// place is a passage of a text that was read by the run.
type place struct {
	uri    string
	row    int64
	prompt bool // the row's prompt, and the end of it whatever at says
	at     interval
}

// quotation is what was read at a place.
type quotation struct {
	excerpt
	wide    excerpt // more of what stands around it, to be compared; not of a prompt
	passage []byte  // the bytes of the interval, whole
	null    bool    // the row has none
	why     string  // why it could not be read; empty when it was
}

// quote reads what stands at the places. What cannot be read says why; the error is that the context ended.
func quote(ctx context.Context, in Input, places []place) (map[place]quotation, error) {
	found := make(map[place]quotation, len(places))
	source := read.NewSource(in.Store, maxHeld)
	left := int64(maxFetched)
	slices.SortFunc(places, func(a, b place) int { return cmp.Or(cmp.Compare(a.uri, b.uri), cmp.Compare(a.row, b.row)) })
	for len(places) > 0 {
		n := 1
		for n < len(places) && places[n].uri == places[0].uri && places[n].prompt == places[0].prompt {
			n++
		}
		err := quoteObject(ctx, in, source, places[:n], found, &left)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		for _, p := range places[:n] {
			if _, ok := found[p]; !ok {
				q := quotation{why: "no such row is there"}
				if err != nil {
					q.why = reason(err)
				}
				found[p] = q
			}
		}
		places = places[n:]
	}
	return found, nil
}

var (
	errNoOrigin = errors.New("the run does not say which version of it was read")
	errTooMuch  = fmt.Errorf("more than %d MiB would have to be read for this page: palimpsest explain reads it alone", maxFetched>>20)
)

// reason says why a source could not be read, to a person.
func reason(err error) string {
	switch {
	case errors.Is(err, store.ErrChanged):
		return "it is not the version that the run read"
	case errors.Is(err, store.ErrMissing):
		return "it is no longer there"
	case errors.Is(err, store.ErrUnavailable):
		return "it cannot be reached from here"
	}
	return plain(err.Error())
}

// quoteObject reads the places of one object and one column, row group by row group.
func quoteObject(ctx context.Context, in Input, source *read.Source, places []place, found map[place]quotation, left *int64) error {
	i := slices.IndexFunc(in.Origins, func(o Origin) bool { return o.Object.URI == places[0].uri })
	if i < 0 {
		return errNoOrigin
	}
	name := in.Origins[i].Text
	if places[0].prompt {
		name = in.Origins[i].Prompt
	}
	file, err := source.Open(ctx, in.Origins[i].Object)
	if err != nil {
		return err
	}
	column, err := file.Column(name)
	if err != nil {
		return err
	}
	first := int64(0)
	for g := range file.Groups() {
		rows := file.GroupRows(g)
		n := 0
		for n < len(places) && places[n].row < first+rows {
			n++
		}
		if n > 0 {
			stored, _ := file.Size(g, column)
			if *left -= stored; *left < 0 {
				return errTooMuch
			}
			if err := quoteGroup(ctx, file, g, column, places[:n], found); err != nil {
				return err
			}
		}
		places, first = places[n:], first+rows
	}
	return nil
}

var errEnough = errors.New("all was read")

func quoteGroup(ctx context.Context, file *read.File, g int, column read.Column, places []place, found map[place]quotation) error {
	group, err := file.Read(ctx, g, column)
	if err != nil {
		return err
	}
	defer group.Release()
	err = group.Each(column, func(row int, text []byte, ok bool) error {
		for len(places) > 0 && places[0].row == group.FirstRow()+int64(row) {
			p := places[0]
			at := p.at
			if p.prompt {
				at = interval{max(int64(len(text))-around, 0), int64(len(text))}
			}
			q := quotation{null: !ok, excerpt: cut(string(text), at)}
			if !p.prompt {
				q.wide = cutWith(string(text), at, reach)
			}
			if at.from >= 0 && at.from <= at.to && at.to <= int64(len(text)) {
				q.passage = bytes.Clone(text[at.from:at.to])
			}
			found[p], places = q, places[1:]
		}
		if len(places) == 0 {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// agree reports whether two passages are equal in the unit of the run. Tokens are not read again; their bytes nearly always agree, and
// where they do not nothing is said.
func agree(unit string, a, b []byte) (equal, known bool) {
	switch unit {
	case fold.UnitNamed("words").String():
		var n words.Normaliser
		key := bytes.Clone(n.AppendStream(nil, a))
		return bytes.Equal(key, n.AppendStream(nil, b)), true
	case "bytes":
		return bytes.Equal(a, b), true
	}
	return true, bytes.Equal(a, b)
}
