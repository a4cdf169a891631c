package fold_test

import (
	"bytes"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"palimpsest/stages/fold"
)

// value is one value of a record: one of them is set.
type value struct {
	uvarint, varint *int64
	float           *float64
	text            *string
	ref             *fold.Ref
}

func drawRef(t *rapid.T) *fold.Ref {
	r := fold.NewRef(rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "id"), rapid.SampledFrom([]string{"x", "s3://b/k"}).Draw(t, "object"),
		rapid.Int64Range(0, 2).Draw(t, "row"))
	// What the corpus declares follows from which document it is.
	some := []*string{nil, new(string), &r.ID, &r.URI}
	for i, s := range []**string{&r.URL, &r.License, &r.RightsHolder, &r.OptOut, &r.Reservation, &r.ReservationRule} {
		*s = some[(r.Hash64>>i)%4]
	}
	return &r
}

func draw[T any](t *rapid.T, g *rapid.Generator[T]) *T {
	v := g.Draw(t, "value")
	return &v
}

var values = rapid.SliceOf(rapid.Custom(func(t *rapid.T) (v value) {
	switch rapid.IntRange(0, 4).Draw(t, "type") {
	case 0:
		v.uvarint = draw(t, rapid.Int64Range(0, math.MaxInt64))
	case 1:
		v.varint = draw(t, rapid.Int64())
	case 2:
		v.float = draw(t, rapid.Float64())
	case 3:
		v.text = draw(t, rapid.SampledFrom([]string{"", "one", "two", strings.Repeat("three", 99)}))
	default:
		v.ref = drawRef(t)
	}
	return v
}))

// What is written is read, and a Writer and a Reader that were used before write and read the same.
func TestRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w fold.Writer
		var r fold.Reader
		for range 3 {
			w.Reset()
			var fresh fold.Writer
			want := values.Draw(t, "values")
			for _, v := range want {
				v.write(&w)
				v.write(&fresh)
			}
			if !bytes.Equal(w.Record(), fresh.Record()) {
				t.Fatalf("%x, and from a new writer %x", w.Record(), fresh.Record())
			}
			record := bytes.Clone(w.Record())
			r.Reset(record)
			got := []value{}
			for _, v := range want {
				got = append(got, v.read(&r))
			}
			clear(record) // what was read outlives it
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got, cmp.AllowUnexported(value{})); d != "" {
				t.Fatalf("(-written +read):\n%s", d)
			}
			if len(record) == 0 {
				continue
			}
			record = append(record[:0], w.Record()...)
			r.Reset(record[:rapid.IntRange(0, len(record)-1).Draw(t, "cut")])
			for _, v := range want {
				v.read(&r)
			}
			if r.Close() == nil {
				t.Fatal("a record that was cut short is read without an error")
			}
		}
	})
}

func (v *value) write(w *fold.Writer) {
	switch {
	case v.uvarint != nil:
		w.Uvarint(*v.uvarint)
	case v.varint != nil:
		w.Varint(*v.varint)
	case v.float != nil:
		w.Float(*v.float)
	case v.text != nil:
		w.String(*v.text)
	default:
		w.Ref(v.ref)
	}
}

func (v *value) read(r *fold.Reader) (got value) {
	switch {
	case v.uvarint != nil:
		n := r.Uvarint(math.MaxInt64)
		got.uvarint = &n
	case v.varint != nil:
		n := r.Varint()
		got.varint = &n
	case v.float != nil:
		f := r.Float()
		got.float = &f
	case v.text != nil:
		s := r.String()
		got.text = &s
	default:
		got.ref = r.Ref()
	}
	return got
}

// What repeats is written once.
func TestRecordsAreShort(t *testing.T) {
	license := strings.Repeat("free", 100)
	a, b := fold.NewRef("a", "s3://bucket/key", 1), fold.NewRef("b", "s3://bucket/key", 2)
	a.License, b.License = &license, &license
	var w fold.Writer
	for range 100 {
		w.Ref(&a)
		w.Ref(&b)
		w.String(license)
	}
	if n := len(w.Record()); n > 300+len(license)+60 {
		t.Errorf("%d bytes", n)
	}
}

func TestReaderRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		record []byte
		read   func(r *fold.Reader)
		want   string
	}{
		{"nothing", nil, func(r *fold.Reader) { r.Varint() }, "record, at byte 0 of 0: no number"},
		{"half a float", []byte{1, 2}, func(r *fold.Reader) { r.Float() }, "record, at byte 0 of 2: it ends too soon"},
		{"too great", []byte{0, 9}, func(r *fold.Reader) { r.Uvarint(8); r.Uvarint(8) }, "record, at byte 1 of 2: 9 where at most 8 may be"},
		{"an overlong number", bytes.Repeat([]byte{255}, 11), func(r *fold.Reader) { r.Uvarint(8) }, "record, at byte 0 of 11: no number"},
		{"more values than bytes", []byte{3, 0, 0}, func(r *fold.Reader) { r.Len(9) }, "record, at byte 1 of 3: it ends too soon"},
		{"a string to come", []byte{1, 0}, func(r *fold.Reader) { _ = r.String() }, "record, at byte 0 of 2: 1 where at most 0 may be"},
		{"a long string", []byte{0, 200, 1, 'x'}, func(r *fold.Reader) { _ = r.String() }, "record, at byte 3 of 4: it ends too soon"},
		{"no digest", []byte{0, 2, 'a', 'b'}, func(r *fold.Reader) { r.Digest() }, "record, at byte 4 of 4: no digest"},
		{"no id", make([]byte, 12), func(r *fold.Reader) { r.Ref() }, "record, at byte 11 of 12: a document without an id"},
		{"what is left", []byte{1, 2, 3}, func(r *fold.Reader) { r.Uvarint(8) }, "record, at byte 1 of 3: 2 bytes after the end"},
		{"the first error", []byte{9}, func(r *fold.Reader) { r.Uvarint(8); r.Ref() }, "record, at byte 0 of 1: 9 where at most 8 may be"},
	} {
		var r fold.Reader
		r.Reset(c.record)
		if c.read(&r); r.Close() == nil || r.Close().Error() != c.want {
			t.Errorf("%s: %v, want %s", c.name, r.Close(), c.want)
		}
	}
}

// FuzzReader reads any bytes as a row of values, which the first bytes tell the types of: in memory that the record bounds.
func FuzzReader(f *testing.F) {
	var w fold.Writer
	a := fold.NewRef("a", "s3://bucket/key", 1)
	a.OptOut = &a.URI
	w.Ref(&a)
	w.String("a")
	w.Ref(&a)
	f.Add([]byte{0, 4, 0}, w.Record())
	f.Add([]byte{1, 2, 3}, []byte{200, 1, 100, 0, 0, 0})
	f.Fuzz(func(t *testing.T, types, record []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var r fold.Reader
		r.Reset(record)
		for _, kind := range types {
			switch kind % 6 {
			case 0:
				if ref := r.Ref(); (ref == nil) != (r.Err() != nil) {
					t.Fatal("a reference, or an error")
				}
			case 1:
				if n := r.Uvarint(300); n < 0 || n > 300 {
					t.Fatal(n)
				}
			case 2:
				r.Varint()
			case 3:
				_ = make([]byte, r.Len(math.MaxInt))
			case 4:
				_ = r.String()
			case 5:
				r.Float()
			}
			if r.Err() != nil {
				break
			}
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > uint64(200*len(record)+len(types)*len(record)+1<<16) {
			t.Fatalf("%d bytes of memory for %d", n, len(record))
		}
	})
}
