package likelihood

import (
	"bytes"

	"github.com/vmihailenco/msgpack/v5"
)

// fields are those of Score that others may see.
type fields Score

// encoded is a Score as partial results keep it.
type encoded struct {
	Fields            fields
	Whole, AfterFirst float64
	FirstEnd          int64
}

// MarshalBinary encodes the score, all of it: what UnmarshalBinary makes of the bytes compares with a reference as s does.
func (s *Score) MarshalBinary() ([]byte, error) {
	var b bytes.Buffer
	e := msgpack.NewEncoder(&b)
	e.UseArrayEncodedStructs(true)
	err := e.Encode(&encoded{fields(*s), s.whole, s.afterFirst, s.firstEnd})
	return b.Bytes(), err
}

// UnmarshalBinary reads what MarshalBinary wrote.
func (s *Score) UnmarshalBinary(data []byte) error {
	var e encoded
	if err := msgpack.Unmarshal(data, &e); err != nil {
		return err
	}
	*s = Score(e.Fields)
	s.whole, s.afterFirst, s.firstEnd = e.Whole, e.AfterFirst, e.FirstEnd
	return nil
}
