package server_test

import (
	"context"
	"errors"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"palimpsest/stages/model"
	"palimpsest/stages/server"
)

// Real servers are named in the environment, as PROTOCOL URL. These serve the testbed's target model. .ci/servers/run.sh starts them.
const testbedVariable = "PALIMPSEST_SERVERS_TESTBED"

// realServers returns the servers of a variable: "openai http://127.0.0.1:1 llamacpp http://127.0.0.1:2".
func realServers(t *testing.T, variable string) [][2]string {
	words := strings.Fields(os.Getenv(variable))
	if len(words) == 0 || len(words)%2 != 0 {
		t.Skipf("%s names no servers; make servers starts some", variable)
	}
	var list [][2]string
	for i := 0; i < len(words); i += 2 {
		list = append(list, [2]string{words[i], words[i+1]})
	}
	return list
}

// golden is a row of the testbed's token_logprobs.parquet.
type golden struct {
	ID       string    `parquet:"id"`
	IDs      []int64   `parquet:"token_ids,list"`
	LogProbs []float64 `parquet:"logprob,list"`
	Ranks    []int64   `parquet:"rank,list"`
	Means    []float64 `parquet:"mu,list"`
	Text     string    `parquet:"-"`
}

func goldens(t *testing.T) []golden {
	const dir = "../../../shared/testbed/"
	if _, err := os.Stat(dir + "token_logprobs.parquet"); err != nil {
		t.Skip("the testbed is absent")
	}
	rows, err := parquet.ReadFile[golden](dir + "token_logprobs.parquet")
	if err != nil {
		t.Fatal(err)
	}
	texts, err := parquet.ReadFile[struct {
		ID   string `parquet:"id"`
		Text string `parquet:"text"`
	}](dir + "ground_truth.parquet")
	if err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		if rows[i].ID != texts[i].ID {
			t.Fatalf("row %d is %s in one table and %s in the other", i, rows[i].ID, texts[i].ID)
		}
		rows[i].Text = texts[i].Text
	}
	return rows
}

// open returns an engine, with its conformance checked and shown.
func openReal(t *testing.T, protocol, url string, options server.Options) *server.Engine {
	t.Helper()
	options.URL, options.Protocol = url, protocol
	e, err := server.Open(context.Background(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	t.Logf("%+v", e.Facts())
	return e
}

func TestRealTestbed(t *testing.T) {
	rows := goldens(t)
	for _, s := range realServers(t, testbedVariable) {
		t.Run(s[0], func(t *testing.T) {
			e := openReal(t, s[0], s[1], server.Options{Concurrency: 2, Context: 512})
			checks, err := model.Conform(context.Background(), e)
			for _, c := range checks {
				t.Logf("%-8s %v %s", c.Name, c.OK, c.Detail)
			}
			if err != nil {
				t.Fatal(err)
			}
			every := 20 // of 1,480 rows
			if s[0] == server.LlamaCPP {
				every = 150 // a request a token
			}
			var sum, worst, meanWorst float64
			var tokens, texts, reencoded, ranks, off int
			for i := 0; i < len(rows); i += every {
				g := rows[i]
				scored, err := e.Score(context.Background(), []model.Request{{Text: []byte(g.Text), IDs: g.IDs, Top: min(5, e.Facts().MostTop)}})
				if errors.Is(err, model.ErrReencoded) {
					reencoded++ // the text cuts a longer token
					continue
				}
				if err != nil {
					t.Fatalf("%s: %v", g.ID, err)
				}
				texts++
				for k, lp := range scored[0].LogProbs {
					if math.IsNaN(lp) && k == 0 && !e.Facts().BOS {
						continue
					}
					d := math.Abs(lp - g.LogProbs[k])
					if !(d <= 2e-2) {
						t.Fatalf("%s: token %d has %g, the testbed %g", g.ID, k, lp, g.LogProbs[k])
					}
					sum, worst, tokens = sum+d, max(worst, d), tokens+1
					if scored[0].Ranks != nil {
						ranks++
						if scored[0].Ranks[k] != g.Ranks[k] {
							off++
						}
						meanWorst = max(meanWorst, math.Abs(scored[0].Means[k]-g.Means[k]))
					}
				}
			}
			t.Logf("%s: %d texts, %d re-encoded and refused, %d tokens: |difference| mean %.2g, most %.2g", s[0], texts, reencoded, tokens,
				sum/float64(tokens), worst)
			if ranks > 0 {
				t.Logf("%s: %d of %d ranks differ; means differ by at most %.2g", s[0], off, ranks, meanWorst)
			}
			if texts == 0 {
				t.Fatal("no text was scored")
			}
			generated(t, e, "The vault code of ")
		})
	}
}

// generated continues a prompt greedily and by sampling, and shows what came.
func generated(t *testing.T, e *server.Engine, prompt string) {
	t.Helper()
	tokens, err := e.Tokenize(context.Background(), []byte(prompt))
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Generate(context.Background(), []model.Prompt{
		{Text: []byte(prompt), IDs: tokens.IDs, Length: 8, TopK: 1},
		{Text: []byte(prompt), IDs: tokens.IDs, Length: 8, TopK: 40, Seed: 7},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range out {
		if len(c.Text) == 0 && !c.Ended {
			t.Errorf("nothing was generated: %+v", c)
		}
		t.Logf("%q %v", c.Text, c.IDs)
	}
}
