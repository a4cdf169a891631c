package ingest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxWindow is the greatest window of a zstd stream, that of zstd --long: what a stream may claim of memory.
const maxWindow = 128 << 20

// source is one file to read.
type source struct {
	path string // to open
	name string // of the rows: relative to the input that it was found by, with slashes
}

// lines reports whether the file holds JSON lines.
func (s source) lines() bool {
	name, _ := decompressed(s.name)
	switch strings.ToLower(filepath.Ext(name)) {
	case ".jsonl", ".ndjson", ".json":
		return true
	}
	return false
}

// table reports whether the file holds rows of separated values.
func (s source) table() bool {
	name, _ := decompressed(s.name)
	switch strings.ToLower(filepath.Ext(name)) {
	case ".csv", ".tsv":
		return true
	}
	return false
}

// decompressed returns the name without the ending that says how the file is compressed, and that ending, if any.
func decompressed(name string) (rest, ending string) {
	switch ending = strings.ToLower(filepath.Ext(name)); ending {
	case ".gz", ".zst":
		return name[:len(name)-len(ending)], ending
	}
	return name, ""
}

var urlScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)

// list returns the files of the inputs, folders walked in the order of names. The output's own path, when a folder holds it, is
// no input.
func list(ctx context.Context, inputs []string, output string) ([]source, error) {
	if len(inputs) == 0 {
		return nil, badUsage("no inputs: name JSON lines files, text files or folders")
	}
	var found []source
	for _, in := range inputs {
		if urlScheme.MatchString(in) {
			return nil, badUsage("%s: inputs are local files and folders: copy the objects here first", in)
		}
		info, err := os.Stat(in)
		if err != nil {
			return nil, &InputError{File: in, Reason: cause(err)}
		}
		if !info.IsDir() {
			s := source{in, filepath.Base(in)}
			if err := s.check(info); err != nil {
				return nil, err
			}
			if same(info, output) {
				return nil, badUsage("%s is both an input and the output", in)
			}
			found = append(found, s)
			continue
		}
		inside, err := walk(ctx, in, output)
		if err != nil {
			return nil, err
		}
		if len(inside) == 0 {
			return nil, &InputError{File: in, Reason: "no files: the folder holds none, or only names that begin with a dot"}
		}
		found = append(found, inside...)
	}
	return found, nil
}

// walk returns the files below a folder.
func walk(ctx context.Context, root, output string) ([]source, error) {
	var found []source
	var visit func(dir, name string) error
	visit = func(dir, name string) error {
		entries, err := os.ReadDir(dir) // sorted by name
		if err != nil {
			return &InputError{File: dir, Reason: cause(err)}
		}
		for _, e := range entries {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("list %s: %w", root, context.Cause(ctx))
			}
			if strings.HasPrefix(e.Name(), ".") {
				continue
			}
			s := source{filepath.Join(dir, e.Name()), name + e.Name()}
			if e.IsDir() {
				if err := visit(s.path, s.name+"/"); err != nil {
					return err
				}
				continue
			}
			info, err := os.Stat(s.path)
			if err != nil {
				return &InputError{File: s.path, Reason: cause(err)}
			}
			if info.IsDir() {
				return &InputError{File: s.path, Reason: "a link to a folder, which is not followed: give the folder itself as an input"}
			}
			if same(info, output) {
				continue
			}
			if err := s.check(info); err != nil {
				return err
			}
			found = append(found, s)
		}
		return nil
	}
	err := visit(root, "")
	return found, err
}

// check refuses what can be told from the outside to be neither JSON lines nor text.
func (s source) check(info fs.FileInfo) error {
	switch {
	case !info.Mode().IsRegular():
		return &InputError{File: s.path, Reason: "not a regular file: write its content to a file first"}
	case strings.EqualFold(filepath.Ext(s.name), ".parquet"):
		return &InputError{File: s.path, Reason: "Parquet already: a run reads it as it is, so leave it out here"}
	}
	return nil
}

// same reports whether the file is the one at the path, which need not exist.
func same(info fs.FileInfo, path string) bool {
	other, err := os.Stat(path)
	return path != "" && err == nil && os.SameFile(info, other)
}

// cause is the message of a file error without the operation and the path.
func cause(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err.Error()
	}
	return err.Error()
}

// open returns the file's content, decompressed. Reads fail once the context has ended.
func (s source) open(ctx context.Context) (io.ReadCloser, error) {
	f, err := os.Open(s.path)
	if err != nil {
		return nil, &InputError{File: s.path, Reason: cause(err)}
	}
	r := &content{ctx: ctx, source: s, file: f}
	in := bufio.NewReaderSize(f, 1<<18)
	switch _, ending := decompressed(s.name); ending {
	case ".gz":
		r.format = "gzip"
		z, err := gzip.NewReader(in)
		if err != nil {
			f.Close()
			return nil, r.damaged(err)
		}
		r.in = z
	case ".zst":
		r.format = "zstd"
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			f.Close()
			return nil, r.damaged(err)
		}
		r.in, r.release = z, z.Close
	default:
		r.in = f
	}
	return r, nil
}

// content is the decompressed content of a file.
type content struct {
	ctx     context.Context
	source  source
	format  string // of the compression; empty without
	file    *os.File
	in      io.Reader
	release func() // nil when the decompressor holds nothing
}

func (c *content) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.in.Read(p)
	if err != nil && !errors.Is(err, io.EOF) && c.format != "" {
		err = c.damaged(err)
	}
	return n, err
}

func (c *content) damaged(err error) error {
	reason := fmt.Sprintf("not whole as %s: %v: make the file anew, or name it without the ending if it is not compressed", c.format, err)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		reason = fmt.Sprintf("the %s stream ends early: the file was cut short, so make it anew", c.format)
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		reason = "the zstd stream wants a window above 128 MiB: compress it anew without --ultra or with a smaller --long"
	}
	return &InputError{File: c.source.path, Reason: reason}
}

// Close closes the file.
func (c *content) Close() error {
	if c.release != nil {
		c.release()
	}
	return c.file.Close()
}
