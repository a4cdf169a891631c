//go:build llamacpp

package llamacpp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"sync"

	"github.com/hybridgroup/yzma/pkg/llama"

	"palimpsest/stages/model"
)

const (
	mostContext = 4096
	batchTokens = 256 // tokens that the model reads at a time, so that their logits take little memory
)

// engine runs one model.
type engine struct {
	mutex      sync.Mutex // of the context and all below
	model      llama.Model
	context    llama.Context
	memory     llama.Memory
	batch      llama.Batch
	vocabulary llama.Vocab
	pieces     [][]byte // the bytes of every token; nil for those that stand for none
	ends       []bool   // the tokens that end a text
	bos        []llama.Token
	facts      model.Facts
}

// Open loads the libraries, once in a process, and the model.
func Open(ctx context.Context, o Options) (model.Engine, error) {
	e, err := open(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("llamacpp: %w", err)
	}
	return e, nil
}

func open(ctx context.Context, o Options) (_ *engine, err error) {
	if err := load(o.Libraries); err != nil {
		return nil, err
	}
	digest, size, err := digestOf(ctx, o.Model)
	if err != nil {
		return nil, err
	}
	e := &engine{}
	defer func() {
		if err != nil {
			e.free()
		}
	}()
	p := llama.ModelDefaultParams()
	p.NGpuLayers = 0
	if e.model, err = llama.ModelLoadFromFile(o.Model, p); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", o.Model, err, lastError())
	}
	e.vocabulary = llama.ModelGetVocab(e.model)
	if o.Threads <= 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	trained := int(llama.ModelNCtxTrain(e.model))
	tokens := min(trained, mostContext)
	if o.Context > 0 {
		tokens = min(trained, o.Context)
	}
	c := llama.ContextDefaultParams()
	c.NCtx, c.NBatch, c.NUbatch = uint32(tokens+1), batchTokens, batchTokens // 1: BOS
	c.NThreads, c.NThreadsBatch = int32(o.Threads), int32(o.Threads)
	c.FlashAttentionType = llama.FlashAttentionTypeDisabled
	c.TypeK, c.TypeV = llama.GGMLTypeF32, llama.GGMLTypeF32
	c.Offload_kqv, c.OpOffload = 0, 0
	if e.context, err = llama.InitFromModel(e.model, c); err != nil {
		return nil, fmt.Errorf("%s: a context of %d tokens: %w: %s", o.Model, tokens, err, lastError())
	}
	if e.memory, err = llama.GetMemory(e.context); err != nil {
		return nil, err
	}
	e.batch = llama.BatchInit(batchTokens, 0, 1)
	e.readVocabulary()

	name, _ := llama.ModelMetaValStr(e.model, "general.name")
	architecture, _ := llama.ModelMetaValStr(e.model, "general.architecture")
	e.facts = model.Facts{
		Engine:      "llamacpp",
		Version:     fmt.Sprintf("%s, ggml %s, commit %s", Release, ggmlVersion, libraries.commit),
		Model:       name,
		ModelSHA256: digest,
		ModelBytes:  size,
		Parameters:  int64(llama.ModelNParams(e.model)),
		Vocabulary:  len(e.pieces),
		Context:     tokens,
		BOS:         len(e.bos) > 0,
		Moments:     true,
		Ranks:       true,
		MostTop:     len(e.pieces),
		Settings: map[string]string{
			"architecture":    architecture,
			"batch":           strconv.Itoa(batchTokens),
			"cache":           "f32",
			"flash_attention": "off",
		},
	}
	return e, nil
}

// digestOf returns the SHA-256 and size of a file.
func digestOf(ctx context.Context, path string) (digest string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	for {
		n, err := io.CopyN(h, f, 64<<20)
		size += n
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(h.Sum(nil)), size, nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return "", 0, fmt.Errorf("digest of %s: %w", path, err)
		}
	}
}

// readVocabulary finds the bytes of every token, and those that begin and end texts.
func (e *engine) readVocabulary() {
	n := int(llama.VocabNTokens(e.vocabulary))
	e.pieces, e.ends = make([][]byte, n), make([]bool, n)
	buffer := make([]byte, 256)
	for id := range e.pieces {
		token := llama.Token(id)
		e.ends[id] = llama.VocabIsEOG(e.vocabulary, token)
		size := llama.TokenToPiece(e.vocabulary, token, buffer, 0, false)
		if size < 0 {
			buffer = make([]byte, -size)
			size = llama.TokenToPiece(e.vocabulary, token, buffer, 0, false)
		}
		if size > 0 {
			e.pieces[id] = append([]byte(nil), buffer[:size]...)
		}
	}
	if bos := llama.VocabBOS(e.vocabulary); bos >= 0 && llama.VocabGetAddBOS(e.vocabulary) {
		e.bos = []llama.Token{bos}
	}
}

// Facts returns what is recorded of the engine and its model.
func (e *engine) Facts() model.Facts { return e.facts }

// Tokenize cuts a text into the model's tokens, BOS not among them. The tokenizer writes U+FFFD for bytes that are not UTF-8, so that
// tokens of such a text have no offsets.
func (e *engine) Tokenize(ctx context.Context, text []byte) (model.Tokens, error) {
	if err := ctx.Err(); err != nil {
		return model.Tokens{}, err
	}
	tokens, err := tokenize(e.vocabulary, text)
	if err != nil {
		return model.Tokens{}, fmt.Errorf("llamacpp: %w", err)
	}
	ids := make([]int64, len(tokens))
	for i, t := range tokens {
		ids[i] = int64(t)
	}
	return model.Tokens{IDs: ids, Offsets: e.offsets(text, ids)}, nil
}

// offsets returns where the tokens stand in the text, nil when their bytes are not those of the text. SentencePiece's tokens have a space
// before those.
func (e *engine) offsets(text []byte, ids []int64) []int64 {
	offsets := make([]int64, len(ids))
	at := 0
	if len(ids) > 0 && len(e.pieces[ids[0]]) > 0 && e.pieces[ids[0]][0] == ' ' && text[0] != ' ' {
		at = -1
	}
	for i, id := range ids {
		piece := e.pieces[id]
		offsets[i] = int64(max(at, 0))
		if at < 0 {
			piece, at = piece[1:], 0
		}
		if len(piece) > len(text)-at || string(piece) != string(text[at:at+len(piece)]) {
			return nil
		}
		at += len(piece)
	}
	if at != len(text) {
		return nil
	}
	return offsets
}

// check returns the tokens of a request or prompt, and their offsets where they are known.
func (e *engine) check(ctx context.Context, text []byte, ids []int64) (model.Tokens, error) {
	if ids == nil {
		return e.Tokenize(ctx, text)
	}
	for i, id := range ids {
		if id < 0 || id >= int64(len(e.pieces)) {
			return model.Tokens{}, fmt.Errorf("token %d has id %d; the vocabulary has %d", i, id, len(e.pieces))
		}
	}
	if len(text) == 0 {
		return model.Tokens{IDs: ids}, nil
	}
	return model.Tokens{IDs: ids, Offsets: e.offsets(text, ids)}, nil
}

// forget empties the model's memory: the next token read is the first.
func (e *engine) forget() error { return llama.MemoryClear(e.memory, true) }

// read has the model read at most batchTokens tokens, the first at position at. Logits are kept of those from want on.
func (e *engine) read(tokens []llama.Token, at, want int) error {
	if err := e.batch.Clear(); err != nil {
		return err
	}
	for i, t := range tokens {
		if err := e.batch.Add(t, llama.Pos(at+i), []llama.SeqId{0}, i >= want); err != nil {
			return err
		}
	}
	rc, err := llama.Decode(e.context, e.batch)
	if err == nil && rc != 0 {
		err = fmt.Errorf("llama_decode gives %d: %s", rc, lastError())
	}
	return err
}

// logits returns what the model said after the i-th token of the last read. It is valid until the next.
func (e *engine) logits(i int) ([]float32, error) {
	logits, err := llama.GetLogitsIth(e.context, int32(i), len(e.pieces))
	if err == nil && logits == nil {
		err = errors.New("llama.cpp has no logits where they were asked for")
	}
	return logits, err
}

// Close frees the model. The libraries stay loaded.
func (e *engine) Close() error {
	e.free()
	return nil
}

func (e *engine) free() {
	if e.batch.Token != nil {
		_ = llama.BatchFree(e.batch)
	}
	if e.context != 0 {
		_ = llama.Free(e.context)
	}
	if e.model != 0 {
		_ = llama.ModelFree(e.model)
	}
	*e = engine{}
}
