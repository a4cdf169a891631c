// Scale runs the program over a corpus of many small objects and over one of a single large object, from an S3 server in this process,
// and prints what it took: requests by kind, bytes read per byte of the corpus, seconds and the program's peak memory.
//
//	scale [-objects 10000] [-large 5000000000] [-latency 30ms] PROGRAM
//
// It fails when the program does, and when its memory grows with the size of the object or their number beyond what it was allowed.
// The small objects have 100 KB each, fifty kinds of content and names of their own. The large one consists of row groups of 64 MiB
// with the same bytes at different places, so that neither this process nor a disk has to hold it. Texts are random words: stored they
// take what they are long, since nothing is compressed.
package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"palimpsest/stages/store/storetest"
)

func main() {
	objects := flag.Int("objects", 10_000, "small objects")
	large := flag.Int64("large", 5_000_000_000, "bytes of the large object")
	latency := flag.Duration("latency", 0, "before every answer, and then 100 MB/s in each stream")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: scale [-objects N] [-large BYTES] [-latency 30ms] PROGRAM")
		os.Exit(2)
	}
	if err := run(context.Background(), flag.Arg(0), *objects, *large, *latency); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, program string, objects int, large int64, latency time.Duration) error {
	dir, err := os.MkdirTemp("", "palimpsest-scale-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s := &server{store: &storetest.S3{}, latency: latency}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() { fmt.Fprintln(os.Stderr, "scale:", http.Serve(l, s)) }()
	params := "?endpoint=http://" + l.Addr().String() + "&use_path_style=true&region=us-east-1"

	r := rand.New(rand.NewPCG(1, 2))
	var kinds []storetest.S3Object
	for range 50 {
		data, err := corpus(r, 100_000)
		if err != nil {
			return err
		}
		kinds = append(kinds, storetest.InMemory(data))
	}
	small := int64(0)
	for i := range objects {
		o := kinds[i%len(kinds)]
		small += o.Size
		s.store.Set("bucket", fmt.Sprintf("small/%05d.parquet", i), o)
	}
	one, err := corpus(r, 64<<20)
	if err != nil {
		return err
	}
	object, err := repeat(one, max(1, large/int64(len(one))))
	if err != nil {
		return err
	}
	s.store.Set("bucket", "large/one.parquet", object)
	var probes []row
	for i := range 1000 {
		probes = append(probes, row{int64(i), text(r, 500)})
	}
	var b bytes.Buffer
	if err := parquet.Write(&b, probes); err != nil {
		return err
	}
	s.store.Set("bucket", "probes.parquet", storetest.InMemory(b.Bytes()))

	fmt.Println("| corpus | bytes | list | look up | footers and rows | written | requests per GB | bytes read per byte | seconds | peak MB |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|")
	for _, c := range []struct {
		name, prefix string
		size         int64
	}{{fmt.Sprintf("%d objects", objects), "small", small}, {"1 object", "large", object.Size}} {
		config := filepath.Join(dir, c.prefix+".yaml")
		if err := os.WriteFile(config, fmt.Appendf(nil, configuration, params, c.prefix), 0o600); err != nil {
			return err
		}
		s.reset()
		began := time.Now()
		cmd := exec.CommandContext(ctx, program, "run", "-c", config, "--set", "run_id="+c.prefix)
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=testkey", "AWS_SECRET_ACCESS_KEY=testsecret", "AWS_EC2_METADATA_DISABLED=true")
		var errs bytes.Buffer
		cmd.Stderr = &errs
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w: %s", c.name, err, errs.String())
		}
		if _, done := s.store.Object("bucket", "out/"+c.prefix+"/_SUCCESS"); !done {
			return fmt.Errorf("%s: nothing was published", c.name)
		}
		n := &s.counts
		reads := n[list].Load() + n[look].Load() + n[get].Load()
		peak := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
		fmt.Printf("| %s | %d | %d | %d | %d | %d | %.0f | %.3f | %.0f | %d |\n", c.name, c.size, n[list].Load(), n[look].Load(), n[get].Load(),
			n[write].Load(), float64(reads)/(float64(c.size)/1e9), float64(s.sent.Load())/float64(c.size), time.Since(began).Seconds(), peak/1e6)
		if peak > mostMemory {
			return fmt.Errorf("%s: the program took %d MB, more than %d", c.name, peak/1e6, mostMemory/1_000_000)
		}
	}
	return nil
}

// mostMemory is twice what the configuration allows for row groups, and what the program takes beside.
const mostMemory = 1_200_000_000

const configuration = `
output: "s3://bucket/out%[1]s"
corpus:
  urls: ["s3://bucket/%[2]s/*.parquet%[1]s"]
  columns: {id: id, text: text}
probes:
  - urls: ["s3://bucket/probes.parquet%[1]s"]
    kind: work
    columns: {id: id, text: text}
hash: {}
ngram: {unit: words, min_words: 13, min_bytes: 60}
resources: {memory: 512MiB}
`

type row struct {
	ID   int64  `parquet:"id"`
	Text string `parquet:"text"`
}

func text(r *rand.Rand, size int) string {
	var b strings.Builder
	for b.Len() < size {
		fmt.Fprintf(&b, "w%d ", r.IntN(100_000))
	}
	return b.String()
}

// corpus returns a Parquet file of one row group of about that many bytes.
func corpus(r *rand.Rand, size int) ([]byte, error) {
	var b bytes.Buffer
	w := parquet.NewGenericWriter[row](&b, parquet.PageBufferSize(1<<20))
	for i := int64(0); size > 0; i++ {
		t := text(r, 2000)
		size -= len(t)
		if _, err := w.Write([]row{{i, t}}); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

const magic = "PAR1"

// repeat returns a file with the row groups of another one n times.
func repeat(file []byte, n int64) (storetest.S3Object, error) {
	footer := int(binary.LittleEndian.Uint32(file[len(file)-8:]))
	var meta format.FileMetaData
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), file[len(file)-8-footer:len(file)-8], &meta); err != nil {
		return storetest.S3Object{}, err
	}
	// The row groups lie between the magic number and the first index, or the footer.
	end := int64(len(file) - 8 - footer)
	for _, g := range meta.RowGroups {
		for _, c := range g.Columns {
			for _, at := range []int64{c.ColumnIndexOffset, c.OffsetIndexOffset} {
				if at > 0 {
					end = min(end, at)
				}
			}
		}
	}
	body := file[len(magic):end]
	groups := meta.RowGroups
	meta.RowGroups = nil
	for i := range n {
		for _, g := range groups {
			by := i * int64(len(body))
			g.FileOffset += by
			g.Columns = slices.Clone(g.Columns)
			for j := range g.Columns {
				c := &g.Columns[j]
				*c = format.ColumnChunk{MetaData: c.MetaData}
				c.MetaData.DataPageOffset += by
				if c.MetaData.DictionaryPageOffset > 0 {
					c.MetaData.DictionaryPageOffset += by
				}
			}
			meta.RowGroups = append(meta.RowGroups, g)
		}
	}
	meta.NumRows *= n
	tail, err := thrift.Marshal(new(thrift.CompactProtocol), &meta)
	if err != nil {
		return storetest.S3Object{}, err
	}
	tail = binary.LittleEndian.AppendUint32(tail, uint32(len(tail)))
	tail = append(tail, magic...)
	r := repeated{body: body, n: n, tail: tail}
	return storetest.S3Object{Content: r, Size: r.size(), Tag: `"repeated"`}, nil
}

// repeated is a file of which only one row group is held.
type repeated struct {
	body []byte
	n    int64
	tail []byte
}

func (r repeated) size() int64 {
	return int64(len(magic)) + r.n*int64(len(r.body)) + int64(len(r.tail))
}

func (r repeated) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		at := off + int64(n)
		in := at - int64(len(magic))
		var from []byte
		switch all := r.n * int64(len(r.body)); {
		case at >= r.size():
			return n, io.EOF
		case in < 0:
			from = []byte(magic)[at:]
		case in < all:
			from = r.body[in%int64(len(r.body)):]
		default:
			from = r.tail[in-all:]
		}
		n += copy(p[n:], from)
	}
	return n, nil
}

// server counts what is asked of a store.
type server struct {
	store  *storetest.S3
	counts [4]atomic.Int64
	sent   atomic.Int64 // bytes of bodies

	latency time.Duration
}

const (
	list = iota
	look
	get
	write
)

func (s *server) reset() {
	for i := range s.counts {
		s.counts[i].Store(0)
	}
	s.sent.Store(0)
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind := write
	switch {
	case r.URL.Query().Has("list-type"):
		kind = list
	case r.Method == http.MethodHead:
		kind = look
	case r.Method == http.MethodGet:
		kind = get
	}
	s.counts[kind].Add(1)
	time.Sleep(s.latency)
	s.store.ServeHTTP(counting{w, &s.sent, s.latency > 0}, r)
}

type counting struct {
	http.ResponseWriter
	sent *atomic.Int64
	slow bool
}

func (c counting) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.sent.Add(int64(n))
	if c.slow {
		time.Sleep(time.Duration(n) * time.Second / 100e6)
	}
	return n, err
}
