package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"

	"palimpsest/stages/model"
	"palimpsest/stages/store"
)

// cacheFormat changes when an answer is kept in another way; the old ones are then not found.
const cacheFormat = 2

// mostCached bounds an object of the cache, and what it inflates to: 100,000 tokens with 100 likeliest each.
const mostCached = 1 << 29

// cache keeps answers, an object each, below a URL. An object's name is the digest of what was asked of which model; nothing of when
// or by which run, so several runs and shards share it. It holds the digest of its contents, a line, then zstd of JSON. One that is
// damaged counts as absent and is written again.
type cache struct {
	store *store.Store
	url   string
	texts bool // text is sent, not ids
	base  cacheBase

	hits, misses atomic.Int64
}

// cacheBase is what all answers of one engine have in common.
type cacheBase struct {
	Format  int
	Version string // of the server
	Model   string
	SHA256  string

	// Settings are the protocol, BOS, what the server says of its arithmetic, and its URL where SHA256 is not known: two servers may
	// give two models one name.
	Settings map[string]string
}

// cacheKey is what an answer is found by.
type cacheKey struct {
	Base cacheBase
	Kind string // score, tokens or generate
	Text string `json:",omitempty"` // SHA-256
	IDs  []int64
	From int
	Top  int

	Length int
	TopK   int
	Seed   uint64
}

func (c *cache) scoreKey(r model.Request) cacheKey {
	k := cacheKey{Base: c.base, Kind: "score", IDs: r.IDs, From: r.From, Top: r.Top}
	if c.texts {
		k.Text = digest(r.Text)
	}
	return k
}

func (c *cache) textKey(text []byte) cacheKey {
	return cacheKey{Base: c.base, Kind: "tokens", Text: digest(text)}
}

func (c *cache) promptKey(p model.Prompt) cacheKey {
	k := cacheKey{Base: c.base, Kind: "generate", IDs: p.IDs, Length: p.Length, TopK: p.TopK, Seed: p.Seed}
	if c.texts {
		k.Text = digest(p.Text)
	}
	return k
}

// requestName tells apart what is asked within one call.
func requestName(r model.Request) string {
	b, _ := json.Marshal(cacheKey{IDs: r.IDs, From: r.From, Top: r.Top}) // numbers only: it cannot fail
	return string(b) + string(r.Text)
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// object returns the key's name in the store.
func (k cacheKey) object() (string, error) {
	b, err := json.Marshal(k)
	if err != nil {
		return "", fmt.Errorf("name an answer in the cache: %w", err)
	}
	d := digest(b)
	return d[:2] + "/" + d, nil
}

// get reads the answer to k into answer, a *model.Scored, *model.Tokens or *model.Continuation, and reports whether there is one.
func (c *cache) get(ctx context.Context, k cacheKey, answer any) (found bool, err error) {
	defer func() {
		if found {
			c.hits.Add(1)
		} else {
			c.misses.Add(1)
		}
	}()
	name, err := k.object()
	if err != nil {
		return false, err
	}
	data, err := c.store.ReadAll(ctx, c.url, name, mostCached)
	if errors.Is(err, store.ErrMissing) || errors.Is(err, store.ErrTooBig) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("the cache of answers: %w", err)
	}
	payload, ok := unsealed(data)
	if !ok {
		return false, nil
	}
	var kept keptAnswer
	if json.Unmarshal(payload, &kept) != nil {
		return false, nil
	}
	return kept.into(answer), nil
}

// put keeps the answer to k.
func (c *cache) put(ctx context.Context, k cacheKey, answer any) error {
	name, err := k.object()
	if err != nil {
		return err
	}
	payload, err := json.Marshal(keep(answer))
	if err != nil {
		return fmt.Errorf("the cache of answers: %w", err)
	}
	f, err := os.CreateTemp("", "palimpsest-answer-*")
	if err != nil {
		return fmt.Errorf("the cache of answers: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(sealed(payload))
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("the cache of answers: %w", err)
	}
	if err := c.store.Upload(ctx, c.url, name, f.Name(), "application/octet-stream"); err != nil {
		return fmt.Errorf("the cache of answers: %w", err)
	}
	return nil
}

var (
	deflater, _ = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	inflater, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(mostCached))
)

func sealed(payload []byte) []byte {
	packed := deflater.EncodeAll(payload, nil)
	return append([]byte(digest(packed)+"\n"), packed...)
}

func unsealed(data []byte) ([]byte, bool) {
	const n = 2*sha256.Size + 1
	if len(data) < n || data[n-1] != '\n' || string(data[:n-1]) != digest(data[n:]) {
		return nil, false
	}
	payload, err := inflater.DecodeAll(data[n:], nil)
	return payload, err == nil
}

// number is a float64 of which JSON keeps what it has no word for: null for NaN. Infinities are kept as the largest numbers.
type number float64

func (n number) MarshalJSON() ([]byte, error) {
	switch f := float64(n); {
	case math.IsNaN(f):
		return []byte("null"), nil
	case math.IsInf(f, 0):
		return json.Marshal(math.Copysign(math.MaxFloat64, f))
	default:
		return json.Marshal(f)
	}
}

func (n *number) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*n = number(math.NaN())
		return nil
	}
	return json.Unmarshal(b, (*float64)(n))
}

func numbers(fs []float64) []number {
	if fs == nil {
		return nil
	}
	out := make([]number, len(fs))
	for i, f := range fs {
		out[i] = number(f)
	}
	return out
}

func floats(ns []number) []float64 {
	if ns == nil {
		return nil
	}
	out := make([]float64, len(ns))
	for i, n := range ns {
		out[i] = float64(n)
	}
	return out
}

// keptAnswer is the JSON of any answer; a slot that is absent is nil.
type keptAnswer struct {
	LogProbs    []number   `json:"log_probs,omitempty"`
	IDs         []int64    `json:"ids,omitempty"`
	Offsets     []int64    `json:"offsets,omitempty"`
	Ranks       []int64    `json:"ranks,omitempty"`
	Means       []number   `json:"means,omitempty"`
	Deviations  []number   `json:"deviations,omitempty"`
	TopIDs      [][]int64  `json:"top_ids,omitempty"`
	TopLogProbs [][]number `json:"top_log_probs,omitempty"`
	Text        []byte     `json:"text,omitempty"`
	Ended       bool       `json:"ended,omitempty"`
}

func keep(answer any) keptAnswer {
	switch a := answer.(type) {
	case model.Scored:
		k := keptAnswer{LogProbs: numbers(a.LogProbs), IDs: a.TokenIDs, Offsets: a.Offsets, Ranks: a.Ranks, Means: numbers(a.Means),
			Deviations: numbers(a.Deviations), TopIDs: a.TopIDs}
		for _, top := range a.TopLogProbs {
			k.TopLogProbs = append(k.TopLogProbs, numbers(top))
		}
		return k
	case model.Tokens:
		return keptAnswer{IDs: a.IDs, Offsets: a.Offsets}
	case model.Continuation:
		return keptAnswer{IDs: a.IDs, LogProbs: numbers(a.LogProbs), Text: a.Text, Ended: a.Ended}
	}
	return keptAnswer{}
}

// into fills an answer and reports whether what was kept can be one.
func (k keptAnswer) into(answer any) bool {
	switch a := answer.(type) {
	case *model.Scored:
		if len(k.LogProbs) == 0 {
			return false // no request without tokens is kept
		}
		*a = model.Scored{LogProbs: floats(k.LogProbs), TokenIDs: k.IDs, Offsets: k.Offsets, Ranks: k.Ranks, Means: floats(k.Means),
			Deviations: floats(k.Deviations), TopIDs: k.TopIDs}
		for _, top := range k.TopLogProbs {
			a.TopLogProbs = append(a.TopLogProbs, floats(top))
		}
	case *model.Tokens:
		if len(k.IDs) == 0 {
			return false
		}
		*a = model.Tokens{IDs: k.IDs, Offsets: k.Offsets}
	case *model.Continuation:
		*a = model.Continuation{IDs: k.IDs, LogProbs: floats(k.LogProbs), Text: k.Text, Ended: k.Ended}
	}
	return true
}
