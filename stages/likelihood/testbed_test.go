package likelihood_test

import (
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/parquet-go/parquet-go"

	"palimpsest/stages/likelihood"
	"palimpsest/stages/model"
)

// truth is a row of the testbed's ground_truth.parquet, as far as it is needed here.
type truth struct {
	ID        string  `parquet:"id"`
	Type      string  `parquet:"type"`
	Dup       int64   `parquet:"dup"`
	Text      string  `parquet:"text"`
	Loss      float64 `parquet:"m_loss"`
	Zlib      float64 `parquet:"m_zlib"`
	MinK      float64 `parquet:"m_mink"`
	MinKPP    float64 `parquet:"m_minkpp"`
	Ref       float64 `parquet:"m_ref"`
	Extracted *int64  `parquet:"extracted,optional"`
}

// said is a row of token_logprobs.parquet.
type said struct {
	ID          string      `parquet:"id"`
	TokenIDs    []int64     `parquet:"token_ids,list"`
	Offsets     []int64     `parquet:"byte_off,list"`
	LogProb     []float64   `parquet:"logprob,list"`
	Rank        []int64     `parquet:"rank,list"`
	Mu          []float64   `parquet:"mu,list"`
	SD          []float64   `parquet:"sd,list"`
	TopIDs      [][]int64   `parquet:"top_ids,list"`
	TopLogProbs [][]float64 `parquet:"top_logprobs,list"`
	RefLogProb  []float64   `parquet:"ref_logprob,list"`
}

func rows[T any](t *testing.T, name string) []T {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "testbed", name)
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		t.Skipf("the testbed is not here: %s", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	pf, err := parquet.OpenFile(f, st.Size())
	if err != nil {
		t.Fatal(err)
	}
	r := parquet.NewGenericReader[T](pf)
	defer r.Close()
	out := make([]T, r.NumRows())
	if n, err := r.Read(out); n != len(out) || err != nil && err != io.EOF {
		t.Fatalf("%s: %d of %d rows: %v", name, n, len(out), err)
	}
	return out
}

// scoreTestbed scores the whole testbed with windows of 32 + 50 tokens and hands over each row.
func scoreTestbed(t *testing.T, each func(*truth, *said, *likelihood.Score)) {
	t.Helper()
	truths, saids := rows[truth](t, "ground_truth.parquet"), rows[said](t, "token_logprobs.parquet")
	c, err := likelihood.NewScorer(likelihood.Windows{Prefix: 32, Suffix: 50, Stride: 10, TopK: 40})
	if err != nil {
		t.Fatal(err)
	}
	reference, err := likelihood.NewScorer(likelihood.Windows{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range truths {
		row, d := &truths[i], &saids[i]
		if row.ID != d.ID {
			t.Fatalf("row %d is %s in one file and %s in the other", i, row.ID, d.ID)
		}
		target, err := c.Score([]byte(row.Text), &model.Scored{LogProbs: d.LogProb, TokenIDs: d.TokenIDs, Offsets: d.Offsets,
			Ranks: d.Rank, Means: d.Mu, Deviations: d.SD, TopIDs: d.TopIDs, TopLogProbs: d.TopLogProbs})
		if err != nil {
			t.Fatalf("%s: %v", row.ID, err)
		}
		ref, err := reference.Score([]byte(row.Text), &model.Scored{LogProbs: d.RefLogProb})
		if err != nil {
			t.Fatalf("%s: %v", row.ID, err)
		}
		likelihood.Compare(target, ref)
		each(row, d, target)
	}
}

// The scores of a real model, as its makers computed them (testbed, section 1). All texts were scored after BOS.
func TestTestbedScores(t *testing.T) {
	n, bad := 0, 0
	scoreTestbed(t, func(row *truth, d *said, s *likelihood.Score) {
		n++
		tokens := float64(len(d.LogProb))
		if !s.BOS || s.ScoredTokens != int64(len(d.LogProb)) || s.Bytes != int64(len(row.Text)) {
			t.Errorf("%s: %+v", row.ID, s)
		}
		for _, c := range []struct {
			name            string
			got, want, near float64
		}{
			{"m_loss", -s.LogProb / tokens, row.Loss, 1e-5},
			{"m_mink", -s.MinK, row.MinK, 1e-5},
			{"m_minkpp", -s.MinKPP, row.MinKPP, 1e-3},
			{"m_ref", -s.ReferenceLogRatio * float64(len(row.Text)) / tokens, row.Ref, 1e-5},
		} {
			if !(math.Abs(c.got-c.want) <= c.near) {
				t.Errorf("%s: %s = %v, want %v", row.ID, c.name, c.got, c.want)
			}
		}
		// C's zlib makes streams between 10 bytes shorter and 1 byte longer than Go's.
		if more := float64(s.Compressed.Zlib) - -s.LogProb/row.Zlib; more < -1.01 || more > 10.01 {
			t.Errorf("%s: %d zlib bytes, %v more than C's", row.ID, s.Compressed.Zlib, more)
		}
		if s.Notes.BadOffsets {
			bad++
			if row.Type != "edited" {
				t.Errorf("%s: offsets of a %s row were refused", row.ID, row.Type)
			}
		}
	})
	// Fourteen edited texts hold U+FFFD where the tokens' bytes are not UTF-8: their offsets count the tokens' bytes.
	if n != 1480 || bad != 14 {
		t.Errorf("%d texts with %d refused offsets, want 1480 with 14", n, bad)
	}
}

// What the model gave back when it was asked to go on greedily after 32 tokens is what ranks say of the window that begins the
// text: every suffix token its first choice (testbed, section 4).
func TestTestbedExtraction(t *testing.T) {
	extracted, best, likely := map[int64]int{}, map[int64]int{}, map[int64]int{}
	scoreTestbed(t, func(row *truth, _ *said, s *likelihood.Score) {
		if row.Type != "passage" {
			return
		}
		if s.Extraction.Windows != 2 || s.Extraction.Tested != 1 {
			t.Errorf("%s: %+v", row.ID, s.Extraction)
		}
		greedy := s.Windows[0].Greedy == likelihood.Yes
		if greedy != (row.Extracted != nil && *row.Extracted == 1) {
			t.Errorf("%s: greedy %v, extracted %v", row.ID, greedy, row.Extracted)
		}
		if greedy {
			extracted[row.Dup]++
		}
		if s.Extraction.Best != nil {
			best[row.Dup]++
		}
		if s.Extraction.MaxP >= likelihood.ExtractableP {
			likely[row.Dup]++
		}
		// Five entries are fewer than k = 40: what they miss is unknown, never excluded.
		if s.Windows[0].TopKExcluded == likelihood.Yes {
			t.Errorf("%s: a token outside five listed was taken for one outside forty", row.ID)
		}
	})
	t.Logf("greedy %v, extractable %v, p >= .001 %v", extracted, best, likely)
	if len(extracted) != 2 || extracted[32] != 15 || extracted[64] != 40 {
		t.Errorf("greedy by copies: %v, want 15 at 32 and 40 at 64", extracted)
	}
	if likely[32] != 0 {
		t.Errorf("%d passages of 32 copies have p_z >= .001, want none", likely[32])
	}
}
