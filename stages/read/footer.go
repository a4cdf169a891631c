package read

import (
	"fmt"

	"github.com/parquet-go/parquet-go/format"
)

// footer is what reading needs of a file's metadata. It holds some 80 bytes a column chunk: the footers of a corpus of thousands of
// objects are held at once.
type footer struct {
	rows   int64
	leaves []leaf
	groups []groupMeta
}

// groupMeta describes a row group.
type groupMeta struct {
	rows     int64
	firstRow int64
	chunks   []chunkMeta // by leaf
}

// chunkMeta describes one column of one row group.
type chunkMeta struct {
	values       int64 // entries of the column, nulls and empty lists counted
	stored       int64 // bytes in the object
	uncompressed int64 // bytes of all pages, decompressed
	offset       int64 // of the first page in the object
	typ          format.Type
	codec        format.CompressionCodec
	expands      bool   // has pages of an encoding whose values can be longer than the page
	problem      string // why the chunk cannot be read, or empty
}

// parseFooter parses the Thrift struct FileMetaData of an object of that many bytes.
func parseFooter(p []byte, objectSize int64) (*footer, error) {
	f := &footer{}
	var elements []element
	claimed, encrypted := int64(-1), false
	c := &compact{rest: p}
	c.structure(tStruct, func(id int16, typ byte) {
		switch id {
		case 2:
			c.list(typ, func(typ byte) { elements = append(elements, parseElement(c, typ)) })
		case 3:
			claimed = c.integer(typ)
		case 4:
			c.list(typ, func(typ byte) { f.groups = append(f.groups, parseGroup(c, typ)) })
		case 8:
			encrypted = true
			c.skip(typ)
		default:
			c.skip(typ)
		}
	})
	if c.err != nil {
		return nil, fmt.Errorf("footer: %w", c.err)
	}
	if encrypted {
		return nil, unsupported("the file is encrypted: decrypt it first")
	}
	var err error
	if f.leaves, err = buildLeaves(elements); err != nil {
		return nil, fmt.Errorf("footer: %w", err)
	}
	if err := f.check(objectSize); err != nil {
		return nil, fmt.Errorf("footer: %w", err)
	}
	if claimed != f.rows {
		return nil, corrupt("footer: the file claims %d rows, its row groups %d", claimed, f.rows)
	}
	return f, nil
}

func parseGroup(c *compact, typ byte) groupMeta {
	g := groupMeta{rows: -1}
	c.structure(typ, func(id int16, typ byte) {
		switch id {
		case 1:
			c.list(typ, func(typ byte) { g.chunks = append(g.chunks, parseChunk(c, typ)) })
		case 3:
			g.rows = c.integer(typ)
		default:
			c.skip(typ)
		}
	})
	if g.rows < 0 {
		c.fail("a row group has no number of rows, or a negative one")
	}
	return g
}

func parseChunk(c *compact, typ byte) chunkMeta {
	m := chunkMeta{}
	found := false
	c.structure(typ, func(id int16, typ byte) {
		switch id {
		case 1:
			if len(c.binary(typ)) > 0 {
				m.problem = "it lies in another file"
			}
		case 3:
			found = true
			parseChunkMeta(c, typ, &m)
		case 8, 9:
			m.problem = "it is encrypted"
			c.skip(typ)
		default:
			c.skip(typ)
		}
	})
	if !found && m.problem == "" {
		c.fail("a column chunk has no description")
	}
	return m
}

// Fields of ColumnMetaData that have to be there, as bits by field id.
const chunkRequired = 1<<1 | 1<<4 | 1<<5 | 1<<6 | 1<<7 | 1<<9

func parseChunkMeta(c *compact, typ byte, m *chunkMeta) {
	var seen uint64
	var data, dictionary int64
	c.structure(typ, func(id int16, typ byte) {
		if id >= 0 && id < 64 {
			seen |= 1 << id
		}
		switch id {
		case 1:
			m.typ = format.Type(c.int32(typ))
		case 2:
			c.list(typ, func(typ byte) {
				if format.Encoding(c.int32(typ)) == format.DeltaByteArray {
					m.expands = true
				}
			})
		case 4:
			m.codec = format.CompressionCodec(c.int32(typ))
		case 5:
			m.values = c.integer(typ)
		case 6:
			m.uncompressed = c.integer(typ)
		case 7:
			m.stored = c.integer(typ)
		case 9:
			data = c.integer(typ)
		case 11:
			dictionary = c.integer(typ)
		default:
			c.skip(typ)
		}
	})
	if seen&chunkRequired != chunkRequired {
		c.fail("the description of a column chunk lacks a required field")
	}
	// 0 stands for no page of that kind: pyarrow writes a dictionary and no data for a group without rows.
	m.offset = data
	if dictionary > 0 && (dictionary < data || data == 0) {
		m.offset = dictionary
	}
}

// check compares the parts of the footer with one another and with the size of the object.
func (f *footer) check(objectSize int64) error {
	for i := range f.groups {
		g := &f.groups[i]
		g.firstRow = f.rows
		if f.rows += g.rows; f.rows < 0 {
			return corrupt("row groups claim more than 2^63 rows")
		}
		if len(g.chunks) != len(f.leaves) {
			return corrupt("row group %d has %d columns, the schema %d", i, len(g.chunks), len(f.leaves))
		}
		for j := range g.chunks {
			m, l := &g.chunks[j], &f.leaves[j]
			if m.problem != "" {
				continue
			}
			where := func() string { return fmt.Sprintf("row group %d, column %s", i, printable(l.name)) }
			switch {
			case m.typ != l.typ:
				return corrupt("%s: stored as %s, the schema says %s", where(), m.typ, l.typ)
			case m.values < 0 || m.uncompressed < 0 || m.stored < 0 || m.offset < 0:
				return corrupt("%s: a size or an offset is negative", where())
			case m.stored > 0 && m.offset < 4 || m.offset > objectSize-8 || m.stored > objectSize-8-m.offset:
				return corrupt("%s: bytes %d to %d of an object of %d bytes", where(), m.offset, m.offset+m.stored, objectSize)
			case m.values < g.rows || l.maxRep == 0 && m.values != g.rows:
				return corrupt("%s: %d values in %d rows", where(), m.values, g.rows)
			}
		}
	}
	return nil
}
