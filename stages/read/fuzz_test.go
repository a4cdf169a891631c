package read_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go/format"
)

// FuzzRead reads any bytes as a file: it must end in rows or in an error that says where and why.
func FuzzRead(f *testing.F) {
	some := slices.DeleteFunc(allFields(), func(f field) bool { return strings.HasSuffix(f.name, "_false") })
	for version := 1; version <= 2; version++ {
		for i, codec := range []string{"none", "snappy", "zstd"} {
			f.Add(newTable(some[i*5:i*5+5], 10, 2).write(layout{codec: codecs[codec], version: version, pageBytes: 100, groupRows: 6}))
		}
	}
	f.Add(crafted{typ: format.ByteArray, rows: 2, pages: []page{dictionaryPage(1, plain("a")), dataPage(2, format.RLEDictionary, []byte{1, 2 << 1, 0})}}.bytes())
	f.Add(crafted{typ: format.ByteArray, rows: 3, pages: []page{dataPage(3, format.DeltaByteArray, append(append(deltas(0, 2, 3), deltas(2, 0, 3)...), "ab"...))}}.bytes())
	f.Add(crafted{typ: format.Int32, rows: 300, pages: []page{dataPage(300, format.DeltaBinaryPacked, deltas(1, 7, 300))}}.bytes())
	f.Add([]byte("PAR1\xff\xff\xff\x7fPAR1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := readAll(t, data); !clean(err) {
			t.Errorf("unclean error: %v", err)
		}
	})
}

// FuzzPage puts any bytes into a page, of any type and encoding, that is otherwise sound, so that the decoders are reached.
func FuzzPage(f *testing.F) {
	f.Add(uint8(6), uint8(6), uint8(3), true, []byte{2, 0, 0, 0, 6, 1, 128, 1, 4, 3, 0, 0, 0, 0, 0, 0})
	f.Add(uint8(2), uint8(5), uint8(200), false, deltas(5, 9, 200))
	f.Add(uint8(5), uint8(9), uint8(2), false, make([]byte, 16))
	f.Add(uint8(6), uint8(8), uint8(9), true, []byte{2, 0, 0, 0, 18, 1, 2, 3, 0xe4, 0xe4, 0xe4})
	f.Add(uint8(0), uint8(3), uint8(9), false, []byte{2, 0, 0, 0, 3, 0xe4})
	f.Fuzz(func(t *testing.T, typ, encoding, values uint8, optional bool, body []byte) {
		kind := format.Type(typ % 7)
		if kind == format.Int96 {
			return
		}
		c := crafted{typ: kind, optional: optional, rows: int64(values)}
		if e := format.Encoding(encoding % 10); e == format.RLEDictionary {
			c.pages = append(c.pages, dictionaryPage(2, append(plain("a", "bcde"), make([]byte, 8)...)))
		}
		c.pages = append(c.pages, dataPage(int(values), format.Encoding(encoding%10), body))
		if err := readAll(t, c.bytes()); !clean(err) {
			t.Errorf("unclean error: %v", err)
		}
	})
}
