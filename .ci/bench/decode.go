// decode FILE... reads the column "text" of Parquet files through parquet-go's page API and prints, as JSON, the bytes of text and the
// seconds: what any program that reads the corpus with that library has to spend. Row groups are dealt to GOMAXPROCS goroutines.
//
//	-feed file   pages are read from the file through a buffer of -buffer bytes
//	-feed chunk  the column chunk is read whole into a buffer that is used again, and pages are read from there
//	-feed map    pages are read from the mapped file
//
// Pages are not copied: a page's values are looked at, their bytes summed by length, and the page released. The codec is the one that
// go.mod pins for parquet-go and Palimpsest alike.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/parquet-go/parquet-go"
	"golang.org/x/sync/errgroup"
)

func main() {
	feed := flag.String("feed", "chunk", "file, chunk or map")
	buffer := flag.Int("buffer", 1<<20, "bytes of the read buffer")
	flag.Parse()
	began := time.Now()
	text, values, err := decode(flag.Args(), *feed, *buffer)
	if err != nil {
		fmt.Fprintln(os.Stderr, "decode:", err)
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"text_bytes": text, "values": values, "seconds": time.Since(began).Seconds(), "cores": runtime.GOMAXPROCS(0),
	})
}

// task is the text of one row group.
type task struct {
	file  *os.File
	chunk *parquet.FileColumnChunk
	start int64 // of the chunk in the file
	size  int64
}

func decode(paths []string, feed string, buffer int) (text, values int64, err error) {
	var tasks []task
	for _, path := range paths {
		some, err := open(path, feed, buffer)
		if err != nil {
			return 0, 0, fmt.Errorf("%s: %w", path, err)
		}
		tasks = append(tasks, some...)
	}
	var next, totalText, totalValues atomic.Int64
	var workers errgroup.Group
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() error {
			var held []byte
			for {
				i := int(next.Add(1)) - 1
				if i >= len(tasks) {
					return nil
				}
				text, values, err := tasks[i].read(feed, &held)
				if err != nil {
					return err
				}
				totalText.Add(text)
				totalValues.Add(values)
			}
		})
	}
	err = workers.Wait()
	return totalText.Load(), totalValues.Load(), err
}

func open(path, feed string, buffer int) ([]task, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	var from io.ReaderAt = f
	if feed == "map" {
		mapped, err := syscall.Mmap(int(f.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_SHARED|syscall.MAP_POPULATE)
		if err != nil {
			return nil, err
		}
		from = bytes.NewReader(mapped)
	}
	p, err := parquet.OpenFile(from, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.ReadBufferSize(buffer))
	if err != nil {
		return nil, err
	}
	column, ok := p.Schema().Lookup("text")
	if !ok {
		return nil, errors.New("no column text")
	}
	var tasks []task
	for i, g := range p.RowGroups() {
		about := &p.Metadata().RowGroups[i].Columns[column.ColumnIndex].MetaData
		start := about.DataPageOffset
		if at := about.DictionaryPageOffset; at > 0 {
			start = min(start, at)
		}
		chunk := g.ColumnChunks()[column.ColumnIndex].(*parquet.FileColumnChunk)
		tasks = append(tasks, task{f, chunk, start, about.TotalCompressedSize})
	}
	return tasks, nil
}

// read decodes a row group's pages and returns the bytes of text and the number of values.
func (t task) read(feed string, held *[]byte) (text, values int64, err error) {
	pages := t.chunk.Pages()
	if feed == "chunk" {
		if int64(cap(*held)) < t.size {
			*held = make([]byte, t.size)
		}
		*held = (*held)[:t.size]
		if _, err := t.file.ReadAt(*held, t.start); err != nil {
			return 0, 0, err
		}
		pages = t.chunk.PagesFrom(window{*held, t.start})
	}
	defer pages.Close()
	for {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return text, values, nil
		}
		if err != nil {
			return 0, 0, err
		}
		data := page.Data()
		_, offsets := data.ByteArray()
		if n := len(offsets); n > 0 {
			text += int64(offsets[n-1] - offsets[0])
			values += int64(n - 1)
		}
		parquet.Release(page)
	}
}

// window is the part of a file that begins at start.
type window struct {
	held  []byte
	start int64
}

func (w window) ReadAt(p []byte, at int64) (int, error) {
	if at -= w.start; at < 0 || at > int64(len(w.held)) {
		return 0, io.EOF
	}
	n := copy(p, w.held[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
