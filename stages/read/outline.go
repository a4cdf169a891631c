package read

import (
	"context"
	"encoding/binary"
	"fmt"

	"palimpsest/stages/store"
)

// Outline returns what the footer says that reading needs, in some 40 bytes a column chunk: the footer without statistics and metadata
// of its own, which take most of one. Source.OpenKnown opens the object by it, in another process too. The caller must not change it.
func (f *File) Outline() []byte { return f.outline }

// OpenKnown opens the version of an object whose outline is known, and asks nothing of the store. An outline of another object is an
// error as far as the two differ in size; every read is pinned to the version all the same.
func (s *Source) OpenKnown(ctx context.Context, o store.Object, outline []byte) (*File, error) {
	if o.Version == "" {
		return nil, fmt.Errorf("%s: an outline belongs to one version of an object, and none was named", o.URI)
	}
	if f := s.kept(o); f != nil {
		return f, nil
	}
	r, err := s.store.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	f := &File{source: s, reader: r, object: r.Object(), outline: outline}
	if f.footer, err = parseFooter(outline, o.Size); err != nil {
		return nil, &Error{Object: o.URI, Group: -1, Row: -1, Err: err}
	}
	s.keep(f)
	return f, nil
}

// kept says what an outline keeps of a struct: some fields as they are, as bits by field id, and of one other a part, which is a struct
// or a list of structs.
type kept struct {
	whole  uint64
	part   int16
	inside *kept
}

var (
	keptOfChunkMeta = &kept{whole: chunkRequired | 1<<2 | 1<<11}
	keptOfChunk     = &kept{whole: 1<<1 | 1<<8 | 1<<9, part: 3, inside: keptOfChunkMeta}
	keptOfGroup     = &kept{whole: 1 << 3, part: 1, inside: keptOfChunk}
	keptOfFooter    = &kept{whole: 1<<2 | 1<<3, part: 4, inside: keptOfGroup}
)

// outlineOf returns the outline of a footer that was parsed without an error.
func outlineOf(footer []byte) ([]byte, error) {
	c := &compact{rest: footer}
	out := appendStruct(nil, c, tStruct, keptOfFooter)
	return out, c.err
}

// appendStruct reads a struct and appends what is kept of it.
func appendStruct(out []byte, c *compact, typ byte, k *kept) []byte {
	last := int16(0)
	c.structure(typ, func(id int16, typ byte) {
		whole := id > 0 && id < 64 && k.whole>>id&1 != 0
		if !whole && (id != k.part || k.inside == nil) {
			c.skip(typ)
			return
		}
		if delta := id - last; delta > 0 && delta < 16 {
			out = append(out, byte(delta)<<4|typ)
		} else {
			out = binary.AppendVarint(append(out, typ), int64(id)) // a varint of encoding/binary is zigzag, as Thrift's
		}
		last = id
		switch {
		case whole:
			from := c.rest
			if c.skip(typ); c.err == nil {
				out = append(out, from[:len(from)-len(c.rest)]...)
			}
		case typ == tStruct:
			out = appendStruct(out, c, typ, k.inside)
		default:
			out = appendStructs(out, c, typ, k.inside)
		}
	})
	return append(out, 0)
}

// appendStructs is appendStruct for every struct of a list.
func appendStructs(out []byte, c *compact, typ byte, k *kept) []byte {
	n := 0
	var parts []byte
	element := byte(tStruct)
	c.list(typ, func(typ byte) {
		n++
		element = typ
		parts = appendStruct(parts, c, typ, k)
	})
	if n < 15 {
		out = append(out, byte(n)<<4|element)
	} else {
		out = binary.AppendUvarint(append(out, 15<<4|element), uint64(n))
	}
	return append(out, parts...)
}
