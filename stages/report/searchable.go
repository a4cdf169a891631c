package report

import (
	"context"

	"palimpsest/schemas"
)

// searchable goes through table probes and tells which are long enough for one span. A nil one knows nothing.
type searchable struct {
	ids, flags *columnCursor
}

func openSearchable(ctx context.Context, in Input) (*searchable, error) {
	file, uri, err := openFile(ctx, in, schemas.Probes.Name)
	if file == nil || err != nil {
		return nil, err
	}
	s := &searchable{}
	if s.ids, err = newColumnCursor(file, uri, schemas.Probes.Index("probe_id")); err != nil {
		return nil, err
	}
	s.flags, err = newColumnCursor(file, uri, schemas.Probes.Index("searchable"))
	return s, err
}

// tooShort reports whether the probe is too short for one span. Probes must be asked for in their order.
func (s *searchable) tooShort(probe string) (bool, error) {
	if s == nil {
		return false, nil
	}
	for {
		id, ok, err := s.ids.next()
		if err != nil || !ok {
			return false, err
		}
		flag, _, err := s.flags.next()
		if err != nil {
			return false, err
		}
		if string(id.ByteArray()) == probe {
			return !flag.IsNull() && !flag.Boolean(), nil
		}
	}
}

func (s *searchable) close() {
	if s != nil {
		s.ids.close()
		s.flags.close()
	}
}
