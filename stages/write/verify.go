package write

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"github.com/zeebo/xxh3"
)

// summary is what a file is compared by: how many rows it has, and a digest of their encodings in order.
type summary struct {
	rows   int64
	digest xxh3.Uint128
}

// reader reads a file of one format back.
type reader func(context.Context, *os.File) (summary, error)

// verify reads the finished file back and compares it with what was written, then digests its bytes and closes it.
func verify(ctx context.Context, o Output, file *os.File, want summary, read reader) (Output, error) {
	got, err := guarded(ctx, file, read)
	switch {
	case err != nil:
		return o, fmt.Errorf("reading %s back: %w", o.Path, err)
	case got.rows != want.rows:
		return o, fmt.Errorf("reading %s back: %d rows, %d were written", o.Path, got.rows, want.rows)
	case got.digest != want.digest:
		return o, fmt.Errorf("reading %s back: the rows differ from those written; check the local disk", o.Path)
	}
	o.Rows = got.rows
	if o.SHA256, o.Bytes, err = digestFile(ctx, file); err != nil {
		return o, fmt.Errorf("digesting %s: %w", o.Path, err)
	}
	if err := file.Close(); err != nil {
		return o, fmt.Errorf("closing %s: %w", o.Path, err)
	}
	return o, nil
}

// guarded turns a panic of a reader, which only a damaged file can cause, into an error.
func guarded(ctx context.Context, file *os.File, read reader) (s summary, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the file is damaged: %v", p)
		}
	}()
	return read(ctx, file)
}

func digestFile(ctx context.Context, file *os.File) (digest string, size int64, err error) {
	h := sha256.New()
	for {
		if err := ctx.Err(); err != nil {
			return "", 0, err
		}
		n, err := io.Copy(h, io.NewSectionReader(file, size, 8<<20))
		if err != nil {
			return "", 0, err
		}
		if n == 0 {
			return hex.EncodeToString(h.Sum(nil)), size, nil
		}
		size += n
	}
}
