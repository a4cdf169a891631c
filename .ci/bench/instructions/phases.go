// phases PHASE ROUNDS does one phase of a scan over a small corpus that a fixed seed makes, ROUNDS times over, and prints the bytes of
// text of one round. Counting its instructions for two numbers of rounds gives those of a round, without what start-up and the making of
// the corpus take.
//
//	decode     pages of zstd to text
//	normalise  text to streams
//	hash       exact fingerprints of text and streams
//	scan       n-grams of streams against an index of 100 kB of probes, of which the corpus holds little
//	hot        the same where every other document holds a piece of a probe
//	header     the same where every document and every probe begins alike
//	near       near-duplicates of the probes, of which there are none
//	signature  MinHash signatures, 128 values
package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"

	"github.com/parquet-go/parquet-go"

	"palimpsest/stages/fold"
	"palimpsest/stages/hash"
	"palimpsest/stages/minhash"
	"palimpsest/stages/ngram"
	"palimpsest/stages/read"
	"palimpsest/stages/store"
	"palimpsest/stages/words"
)

const (
	documents     = 200
	documentBytes = 5000
	probes        = 100
	probeBytes    = 1000
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: phases decode|normalise|hash|scan|hot ROUNDS")
		os.Exit(64)
	}
	rounds, err := strconv.Atoi(os.Args[2])
	if err == nil {
		err = run(os.Args[1], rounds)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "phases:", err)
		os.Exit(1)
	}
}

func run(phase string, rounds int) error {
	draw := rand.New(rand.NewPCG(1, 2))
	asked := make([]*fold.Probe, probes)
	for i := range asked {
		asked[i] = &fold.Probe{ID: strconv.Itoa(i), Kind: fold.Work, Text: prose(draw, probeBytes)}
	}
	header := prose(draw, probeBytes/2)
	texts := make([][]byte, documents)
	size := 0
	for i := range texts {
		texts[i] = prose(draw, documentBytes)
		switch {
		case phase == "hot" && i%2 == 0:
			copy(texts[i][1000:], asked[i%probes].Text[200:600])
		case phase == "header":
			copy(texts[i], header)
			copy(asked[i%probes].Text, header)
		}
		size += len(texts[i])
	}
	round, err := phases[phase](texts, asked)
	if err != nil {
		return err
	}
	for range rounds {
		if err := round(); err != nil {
			return err
		}
	}
	fmt.Println(size)
	return nil
}

// prose makes text of words of a vocabulary, the frequent ones few, with case, punctuation and, in one word of forty, an accent.
func prose(draw *rand.Rand, n int) []byte {
	var b []byte
	for len(b) < n {
		w := uint64(draw.ExpFloat64() * 400)
		letters := rand.New(rand.NewPCG(w, 7))
		for i := range 2 + letters.IntN(8) {
			c := "etaoinshrdlucmfwypvbgkjqxz"[letters.IntN(20)]
			if i == 0 && draw.IntN(9) == 0 {
				c -= 'a' - 'A'
			}
			b = append(b, c)
		}
		if draw.IntN(40) == 0 {
			b = append(b, "é"...)
		}
		b = append(b, []string{" ", " ", " ", " ", ", ", ". ", "\n"}[draw.IntN(7)]...)
	}
	return b[:len(b):len(b)]
}

// phases prepares a phase and returns what one round of it does.
var phases = map[string]func(texts [][]byte, asked []*fold.Probe) (func() error, error){
	"decode":    decode,
	"normalise": normalise,
	"hash":      hashing(0),
	"near":      hashing(.8),
	"scan":      scan,
	"hot":       scan,
	"header":    scan,
	"signature": signature,
}

func hashing(nearDuplicate float64) func([][]byte, []*fold.Probe) (func() error, error) {
	return func(texts [][]byte, asked []*fold.Probe) (func() error, error) {
		index, err := hash.NewIndex(context.Background(), asked, nearDuplicate)
		if err != nil {
			return nil, err
		}
		return each(texts, hash.NewState(index).Add), nil
	}
}

func signature(texts [][]byte, _ []*fold.Probe) (func() error, error) {
	profile, _ := minhash.Lookup("datasketch-128")
	signer := minhash.NewSigner(profile)
	return each(texts, func(d *fold.Document) { signer.Sign(d.Stream) }), nil
}

func scan(texts [][]byte, asked []*fold.Probe) (func() error, error) {
	searched, err := ngram.NewTexts(asked, fold.Words)
	if err != nil {
		return nil, err
	}
	config := ngram.Config{MinWords: 13, MinBytes: 60, MaxSources: 10}
	index, err := ngram.NewIndex(context.Background(), searched, config, config.Sampling(1), 1)
	if err != nil {
		return nil, err
	}
	return each(texts, ngram.NewMatcher(index, 64<<20).NewState().Add), nil
}

func normalise(texts [][]byte, _ []*fold.Probe) (func() error, error) {
	var n words.Normaliser
	return func() error {
		for _, text := range texts {
			n.Stream(text)
		}
		return nil
	}, nil
}

// each normalises the texts beforehand and adds them as documents, new ones every round: a document that comes back would be taken for a
// source each time.
func each(texts [][]byte, add func(*fold.Document)) func() error {
	var n words.Normaliser
	streams, counts := make([][]byte, len(texts)), make([]int64, len(texts))
	for i, text := range texts {
		stream, count := n.Stream(text)
		streams[i], counts[i] = bytes.Clone(stream), count
	}
	var d fold.Document
	row := 0
	return func() error {
		for i, text := range texts {
			d.Reset(text, streams[i], counts[i], func() fold.Ref { return fold.NewRef(strconv.Itoa(row), "corpus", int64(row)) })
			add(&d)
			row++
		}
		return nil
	}
}

func decode(texts [][]byte, _ []*fold.Probe) (func() error, error) {
	type row struct {
		Text []byte `parquet:"text,zstd"`
	}
	rows := make([]row, len(texts))
	for i, text := range texts {
		rows[i].Text = text
	}
	folder, err := os.MkdirTemp("", "palimpsest-phases")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "corpus.parquet")
	if err := parquet.WriteFile(path, rows); err != nil {
		return nil, err
	}
	ctx := context.Background()
	s := store.New()
	objects, err := s.List(ctx, []string{path})
	if err != nil {
		return nil, err
	}
	file, err := read.NewSource(s, 1<<30).Open(ctx, objects[0])
	if err != nil {
		return nil, err
	}
	column, err := file.Column("text")
	if err != nil {
		return nil, err
	}
	// A group holds its bytes: the file may go.
	group, err := file.Read(ctx, 0, column)
	if err != nil {
		return nil, err
	}
	return func() error {
		return group.Each(column, func(int, []byte, bool) error { return nil })
	}, nil
}
