package read

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
	"github.com/pierrec/lz4/v4"
)

// inflate decompresses src into exactly dst: a page that holds more or less than its header says is an error, and no codec is
// allowed to allocate what it likes (1.6 KB of brotli can claim 1 GiB).
func inflate(codec format.CompressionCodec, dst, src []byte) error {
	switch codec {
	case format.Zstd:
		out, err := zstdDecoder().DecodeAll(src, dst[:0:len(dst)])
		return whole(len(out), len(dst), err)
	case format.Snappy:
		n, err := snappy.DecodedLen(src)
		if err == nil && n == len(dst) {
			_, err = snappy.Decode(dst, src)
		}
		return whole(n, len(dst), err)
	case format.Gzip:
		r := gzipReaders.Get().(*gzip.Reader)
		defer gzipReaders.Put(r)
		if err := r.Reset(bytes.NewReader(src)); err != nil {
			return whole(0, len(dst), err)
		}
		return drain(r, dst)
	case format.Brotli:
		r := brotliReaders.Get().(*brotli.Reader)
		defer brotliReaders.Put(r)
		if err := r.Reset(bytes.NewReader(src)); err != nil {
			return whole(0, len(dst), err)
		}
		return drain(r, dst)
	case format.Lz4Raw:
		n, err := lz4.UncompressBlock(src, dst)
		return whole(n, len(dst), err)
	case format.Lz4:
		return inflateLZ4(dst, src)
	}
	return unsupported("compression %s", codec)
}

func whole(got, want int, err error) error {
	if err != nil {
		return corrupt("decompression: %w", err)
	}
	if got != want {
		return corrupt("decompression: %d bytes where the page header says %d", got, want)
	}
	return nil
}

// drain reads exactly dst from r and requires that r ends there.
func drain(r io.Reader, dst []byte) error {
	n, err := io.ReadFull(r, dst)
	if err != nil {
		return whole(n, len(dst), fmt.Errorf("after %d of %d bytes: %w", n, len(dst), err))
	}
	var more [1]byte
	switch n, err := r.Read(more[:]); {
	case n > 0:
		return corrupt("decompression: more than the %d bytes that the page header says", len(dst))
	case err != nil && err != io.EOF:
		return corrupt("decompression: %w", err)
	}
	return nil
}

// inflateLZ4 reads the legacy codec LZ4: the frames of Hadoop (big-endian size of a stretch of data, then blocks, each with its
// compressed size, until the stretch is complete), or one bare block, which parquet-cpp wrote for years.
func inflateLZ4(dst, src []byte) error {
	if inflateHadoop(dst, src) {
		return nil
	}
	n, err := lz4.UncompressBlock(src, dst)
	return whole(n, len(dst), err)
}

func inflateHadoop(dst, src []byte) bool {
	for len(src) > 0 {
		if len(src) < 8 {
			return false
		}
		stretch := int64(binary.BigEndian.Uint32(src))
		src = src[4:]
		if stretch > int64(len(dst)) {
			return false
		}
		for stretch > 0 {
			if len(src) < 4 {
				return false
			}
			n := int64(binary.BigEndian.Uint32(src))
			if src = src[4:]; n > int64(len(src)) {
				return false
			}
			k, err := lz4.UncompressBlock(src[:n], dst[:stretch])
			if err != nil || k <= 0 {
				return false
			}
			src, dst, stretch = src[n:], dst[k:], stretch-int64(k)
		}
	}
	return len(dst) == 0
}

// One decoder serves all goroutines: it keeps a state for each core. DecodeAll never writes past the capacity it is given.
var zstdDecoder = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		panic(err) // options are constant
	}
	return d
})

var (
	gzipReaders   = sync.Pool{New: func() any { return new(gzip.Reader) }}
	brotliReaders = sync.Pool{New: func() any { return brotli.NewReader(nil) }}
)
