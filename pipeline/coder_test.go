package pipeline_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/parquet-go/parquet-go"
	"golang.org/x/sync/errgroup"

	"palimpsest/pipeline"
	"palimpsest/stages/baseline"
	"palimpsest/stages/coder"
	"palimpsest/stages/store"
)

// truth is a text of the testbed, with what its model says of it.
type truth struct {
	ID   string  `parquet:"id"`
	Type string  `parquet:"type"`
	Dup  int64   `parquet:"dup"`
	Text string  `parquet:"text"`
	IDs  []int64 `parquet:"ids,list"`
}

type published struct {
	ID       string    `parquet:"id"`
	LogProbs []float64 `parquet:"logprob,list"`
}

// sharedFile returns the path of a shared file, or skips the test.
func sharedFile(t *testing.T, name string) string {
	path := filepath.Join("..", "..", "shared", "testbed", name)
	if _, err := os.Stat(path); err != nil {
		t.Skip("the testbed is not beside the repository: ", err)
	}
	return path
}

func rowsOf[R any](t *testing.T, name string) []R {
	rows, err := parquet.ReadFile[R](sharedFile(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// coded is what texts took.
type coded struct {
	texts, bytes, bits int64
	baseline.Sizes
}

// TestCoderTestbed stores every text of the testbed under its model and reads it back. The bits are those of the log-probabilities that
// the testbed publishes. What the model saw 64 times takes next to nothing.
func TestCoderTestbed(t *testing.T) {
	truths, said := rowsOf[truth](t, "ground_truth.parquet"), rowsOf[published](t, "token_logprobs.parquet")
	if testing.Short() {
		some := truths[:0:0]
		for i := 0; i < len(truths); i += 40 {
			some = append(some, truths[i])
		}
		truths = some
	}
	logProbs := make(map[string][]float64, len(said))
	for _, s := range said {
		logProbs[s.ID] = s.LogProbs
	}
	model := sharedFile(t, "target.gguf")
	s := store.New()
	defer s.Close()
	var (
		mu       sync.Mutex
		next     int
		taken    = make(map[string]map[int64]*coded)
		retokens int
	)
	var group errgroup.Group
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			m, err := pipeline.Coder(t.Context(), s, model)
			if err != nil {
				return err
			}
			var measure baseline.Measurer
			for {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				if i >= len(truths) {
					return nil
				}
				row := &truths[i]
				stats := roundTrip(t, m, row.ID, []byte(row.Text))
				sizes, err := measure.Measure([]byte(row.Text))
				if err != nil {
					return err
				}
				spelt, ids := []byte(nil), row.IDs
				for _, id := range ids {
					spelt = append(spelt, m.Bytes(id)...)
				}
				if !bytes.Equal(spelt, []byte(row.Text)) { // tokens whose bytes are not UTF-8
					roundTrip(t, m, row.ID+" as bytes", spelt)
				}
				again, err := m.Tokenize([]byte(row.Text))
				if err != nil {
					return err
				}
				mu.Lock()
				if slices.Equal(again, ids) {
					want := 0.
					for _, lp := range logProbs[row.ID] {
						want -= lp / math.Ln2
					}
					if over := float64(stats.Bits) - want; over < -want/1000-1 || over > want/1000+64 {
						t.Errorf("%s: %d bits, %.1f published", row.ID, stats.Bits, want)
					}
				} else {
					retokens++
				}
				if taken[row.Type] == nil {
					taken[row.Type] = make(map[int64]*coded)
				}
				c := taken[row.Type][row.Dup]
				if c == nil {
					c = new(coded)
					taken[row.Type][row.Dup] = c
				}
				c.texts++
				c.bytes += stats.TextBytes
				c.bits += stats.Bits
				c.Zlib, c.Zstd, c.XZ = c.Zlib+sizes.Zlib, c.Zstd+sizes.Zstd, c.XZ+sizes.XZ
				mu.Unlock()
			}
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if !testing.Short() && retokens != 22 {
		t.Errorf("%d texts are not cut into their own tokens again; the testbed says 22", retokens)
	}
	t.Log("type, copies: texts, bytes; bits per byte of the coded text, zstd, xz, zlib")
	for _, kind := range []string{"passage", "nonsense", "secret", "shuffled", "edited"} {
		for _, dup := range []int64{0, 1, 2, 4, 8, 16, 32, 64} {
			if c := taken[kind][dup]; c != nil {
				n := float64(c.bytes)
				t.Logf("%-8s %2d: %3d %6d  %6.3f %6.3f %6.3f %6.3f", kind, dup, c.texts, c.bytes, float64(c.bits)/n,
					8*float64(c.Zstd)/n, 8*float64(c.XZ)/n, 8*float64(c.Zlib)/n)
			}
		}
		often, never := taken[kind][64], taken[kind][0]
		if often == nil || never == nil {
			continue
		}
		perByte := func(c *coded) float64 { return float64(c.bits) / float64(c.bytes) }
		if perByte(often) > perByte(never)/2 || float64(often.bits) > float64(8*often.Zstd)/10 {
			t.Errorf("%s: %.3f bits per byte at 64 copies, %.3f at none", kind, perByte(often), perByte(never))
		}
	}
}

func roundTrip(t *testing.T, m *coder.Model, name string, text []byte) *coder.Stats {
	file, stats, err := coder.Compress(t.Context(), m, text)
	if err != nil {
		t.Errorf("%s: compressing: %v", name, err)
		return &coder.Stats{}
	}
	back, read, err := coder.Decompress(t.Context(), m, file)
	switch {
	case err != nil:
		t.Errorf("%s: decompressing: %v", name, err)
	case !bytes.Equal(back, text):
		t.Errorf("%s: came back as %q", name, back)
	case *read != *stats:
		t.Errorf("%s: written as %+v, read as %+v", name, *stats, *read)
	}
	return stats
}

// A text longer than the model's context of 1,024 tokens comes back, and so does one that is not UTF-8.
func TestCoderLongText(t *testing.T) {
	s := store.New()
	defer s.Close()
	m, err := pipeline.Coder(t.Context(), s, sharedFile(t, "target.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	stats := roundTrip(t, m, "long", []byte(strings.Repeat("What stands here stands twice, and what stands twice is text.\n", 56)))
	if stats.Tokens <= int64(m.Context) || stats.EscapedBytes != 0 {
		t.Errorf("%d tokens with a context of %d, %d bytes escaped", stats.Tokens, m.Context, stats.EscapedBytes)
	}
	roundTrip(t, m, "odd", []byte("caf\xe9 \x00\x01\x02 \xff\xfe\xfd \xf0\x9f\x98"))
	roundTrip(t, m, "empty", nil)
}
