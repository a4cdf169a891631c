package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// configurations are what is run. The first searches for its probes in several passes, since its memory is small, and makes signatures; the
// second has a model write and asks two models in its tasks; the third asks its model when the corpus is folded, in the commit.
var configurations = []struct{ name, text string }{
	{"passes", `
output: "s3://BUCKET/out?use_path_style=true"
run_id: passes
corpus: {urls: ["s3://BUCKET/data/corpus/*.parquet"], columns: {text: text, id: id, license: license}}
probes: {urls: ["s3://BUCKET/data/long.parquet"], columns: {text: text, id: id}}
hash: {near_duplicate: 0.8, minhash: datasketch-128}
ngram: {}
resources: {memory: 80MiB}
`},
	{"models", `
output: "s3://BUCKET/out?use_path_style=true"
run_id: models
corpus: {urls: ["s3://BUCKET/data/corpus/*.parquet"], columns: {text: text, id: id, license: license}}
probes:
  - urls: ["s3://BUCKET/data/probes.parquet"]
    columns: {text: text, id: id, kind: kind, control_group: control_group, label: label}
  - {from: model, prompts: {prefix: 32, length: 20, most: 1}}
controls: {urls: ["s3://BUCKET/data/controls.parquet"], columns: {text: text, id: id, control_group: control_group}}
hash: {near_duplicate: 0.8}
ngram: {}
likelihood:
  target: {name: demo-target, model: "s3://BUCKET/data/target.gguf"}
  reference: {name: demo-reference, model: "s3://BUCKET/data/reference.gguf"}
  windows: {prefix: 32, suffix: 50, stride: 10, top_k: 40}
`},
	{"prior", `
output: "s3://BUCKET/out?use_path_style=true"
run_id: prior
corpus: {urls: ["s3://BUCKET/data/corpus/*.parquet"], columns: {text: text, id: id}}
probes:
  urls: ["s3://BUCKET/data/probes.parquet"]
  columns: {text: text, id: id, kind: kind, control_group: control_group}
controls: {urls: ["s3://BUCKET/data/controls.parquet"], columns: {text: text, id: id, control_group: control_group}}
hash: {minhash: datatrove}
ngram: {}
likelihood:
  target: {name: demo-target, model: "s3://BUCKET/data/target.gguf"}
  windows: {prefix: 32, suffix: 50, stride: 20, top_k: 40}
  prior: {prefixes: 3}
`},
}

type document struct {
	ID      string  `parquet:"id"`
	Text    string  `parquet:"text"`
	License *string `parquet:"license,optional"`
}

type text struct {
	ID    string  `parquet:"id"`
	Text  string  `parquet:"text"`
	Kind  *string `parquet:"kind,optional"`
	Group *string `parquet:"control_group,optional"`
	Label *int64  `parquet:"label,optional"`
}

// groupRows is how many documents a row group of the corpus holds: there are some sixty.
const groupRows = 200

// makeInputs fills the bucket: the demo's corpus, every other document, cut into many row groups of two objects, with copies of
// probes that are long enough to need several passes; some of the demo's probes and controls; its models.
func makeInputs(ctx context.Context, b *bucket) error {
	const demo = "configs/demo/"
	all, err := parquet.ReadFile[document](demo + "corpus.parquet")
	if err != nil {
		return err
	}
	var corpus []document
	for i := 0; i < len(all); i += 2 {
		corpus = append(corpus, all[i])
	}
	r := rand.New(rand.NewPCG(1, 2))
	words := func(n int) string {
		var b strings.Builder
		for range n {
			fmt.Fprintf(&b, "w%d ", r.IntN(5000))
		}
		return b.String()
	}
	var long []document
	for i := range 400 {
		p := document{ID: fmt.Sprintf("p%03d", i), Text: words(1500)}
		long = append(long, p)
		switch i % 10 {
		case 0:
			corpus = append(corpus, document{ID: "near-" + p.ID, Text: p.Text + words(30)}, document{ID: "same-" + p.ID, Text: p.Text})
		case 1, 2, 3:
			corpus = append(corpus, document{ID: "part-" + p.ID, Text: words(20) + p.Text[2000:2400] + words(20) + long[i/2].Text[3000:3300]})
		}
	}
	r.Shuffle(len(corpus), func(i, j int) { corpus[i], corpus[j] = corpus[j], corpus[i] })
	half := len(corpus) / 3
	for name, rows := range map[string][]document{"corpus/a": corpus[:half], "corpus/b": corpus[half:], "long": long} {
		if err := putRows(ctx, b, name, rows); err != nil {
			return err
		}
	}
	for name, every := range map[string]int{"probes": 40, "controls": 12} {
		rows, err := parquet.ReadFile[text](demo + name + ".parquet")
		if err != nil {
			return err
		}
		var few []text
		for i := 0; i < len(rows); i += every {
			few = append(few, rows[i])
		}
		if err := putRows(ctx, b, name, few); err != nil {
			return err
		}
	}
	for _, name := range []string{"target.gguf", "reference.gguf"} {
		data, err := os.ReadFile(demo + name)
		if err != nil {
			return err
		}
		if err := b.WriteAll(ctx, "data/"+name, data, nil); err != nil {
			return err
		}
	}
	return nil
}

func putRows[R any](ctx context.Context, b *bucket, name string, rows []R) error {
	var file bytes.Buffer
	if err := parquet.Write(&file, rows, parquet.MaxRowsPerRowGroup(groupRows), parquet.Compression(&parquet.Zstd)); err != nil {
		return err
	}
	return b.WriteAll(ctx, "data/"+name+".parquet", file.Bytes(), nil)
}
