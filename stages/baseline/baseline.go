// Package baseline measures what general compressors make of a text: the size that a model's bits are held against (Delétang et al.,
// "Language Modeling Is Compression", arXiv 2309.10668).
//
// A size counts everything that the format needs, also what a short text cannot pay back: 6 bytes of zlib, about 8 of zstd without a
// checksum, about 50 of xz without one. So sizes of short texts tell the models apart, not the compressors.
package baseline

import (
	"compress/zlib"
	"fmt"
	"math/bits"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// Names of what makes the sizes. They carry no version, so that a rebuild does not change the tables; a test holds the sizes that they
// stand for, and a library that compresses otherwise needs another name.
//
// Against the C programs: zlib is 0 to 10 bytes longer than level 6 on a passage of 300 bytes; zstd 3 % longer and xz 5 % longer than
// levels 19 and 9e on 44 kB of notes, and both within 2 % on 300 and 3,000 bytes of them.
const (
	ZlibImplementation = "go compress/zlib level 6"
	ZstdImplementation = "go klauspost/compress zstd best, no checksum"
	XZImplementation   = "go ulikunitz/xz, no checksum"
)

// Sizes are the lengths of a text's streams, in bytes.
type Sizes struct{ Zlib, Zstd, XZ int64 }

// Measurer measures texts. It keeps what the compressors need between texts, so it is used by one goroutine at a time. The zero value
// is ready.
type Measurer struct {
	zlib *zlib.Writer
	zstd *zstd.Encoder
	out  []byte
	size count
}

// Measure returns the sizes of a text's streams.
func (m *Measurer) Measure(text []byte) (Sizes, error) {
	var (
		s   Sizes
		err error
	)
	if s.Zlib, err = m.zlibSize(text); err != nil {
		return Sizes{}, fmt.Errorf("compressing the text by zlib: %w", err)
	}
	if s.Zstd, err = m.zstdSize(text); err != nil {
		return Sizes{}, fmt.Errorf("compressing the text by zstd: %w", err)
	}
	if s.XZ, err = m.xzSize(text); err != nil {
		return Sizes{}, fmt.Errorf("compressing the text by xz: %w", err)
	}
	return s, nil
}

func (m *Measurer) zlibSize(text []byte) (_ int64, err error) {
	m.size = 0
	if m.zlib == nil {
		if m.zlib, err = zlib.NewWriterLevel(&m.size, 6); err != nil {
			return 0, err
		}
	} else {
		m.zlib.Reset(&m.size)
	}
	if _, err := m.zlib.Write(text); err != nil {
		return 0, err
	}
	err = m.zlib.Close() // which writes the rest
	return int64(m.size), err
}

func (m *Measurer) zstdSize(text []byte) (_ int64, err error) {
	if m.zstd == nil {
		m.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1),
			zstd.WithEncoderCRC(false), zstd.WithZeroFrames(true))
		if err != nil {
			return 0, err
		}
	}
	m.out = m.zstd.EncodeAll(text, m.out[:0])
	return int64(len(m.out)), nil
}

// xzSize makes a writer a text: there is no reset. The dictionary is only as large as the text, since making the usual one of 8 MiB
// takes 20 times as long as compressing a passage; the size is the same.
func (m *Measurer) xzSize(text []byte) (int64, error) {
	m.size = 0
	w, err := xz.WriterConfig{DictCap: dictionary(len(text)), NoCheckSum: true}.NewWriter(&m.size)
	if err != nil {
		return 0, err
	}
	if _, err := w.Write(text); err != nil {
		return 0, err
	}
	err = w.Close()
	return int64(m.size), err
}

// dictionary is the power of two that holds n bytes, from 4 KiB, the smallest of the format, to the 64 MiB of xz -9.
func dictionary(n int) int { return min(max(1<<bits.Len(uint(n)), 4<<10), 64<<20) }

// count is a writer that counts.
type count int64

func (n *count) Write(p []byte) (int, error) {
	*n += count(len(p))
	return len(p), nil
}
