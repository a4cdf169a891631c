//go:build llamacpp

package llamacpp

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
	"github.com/hybridgroup/yzma/pkg/llama"
	"github.com/hybridgroup/yzma/pkg/loader"
	"github.com/hybridgroup/yzma/pkg/utils"
	"github.com/jupiterrider/ffi"
)

// ggmlVersion is what Release's libraries call their part that computes.
const ggmlVersion = "0.25.1"

// libraries are llama.cpp's, which a process loads once.
var libraries struct {
	sync.Mutex
	folder   string
	commit   string
	tokenize ffi.Fun
}

// load loads the libraries of a folder.
func load(folder string) error {
	if folder == "" {
		return errors.New("no folder with llama.cpp's libraries is given; " + remedy)
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	libraries.Lock()
	defer libraries.Unlock()
	switch libraries.folder {
	case folder:
		return nil
	case "":
	default:
		return fmt.Errorf("the libraries of %s are loaded already; a process takes one folder", libraries.folder)
	}
	for _, name := range []string{"ggml-base", "ggml", "llama"} {
		if _, err := os.Stat(loader.GetLibraryFilename(folder, name)); err != nil {
			return fmt.Errorf("%w; %s", err, remedy)
		}
	}
	version, commit, err := versionOf(folder)
	if err != nil {
		return fmt.Errorf("the libraries of %s: %w; %s", folder, err, remedy)
	}
	if version != ggmlVersion {
		return fmt.Errorf("the libraries of %s are of another release (ggml %s instead of %s); %s", folder, version, ggmlVersion, remedy)
	}
	if err := llama.Load(folder); err != nil {
		return fmt.Errorf("the libraries of %s: %w; %s", folder, err, remedy)
	}
	if !layoutFits() {
		return fmt.Errorf("the libraries of %s have structures of another release; %s", folder, remedy)
	}
	llama.LogSet(purego.NewCallback(keepError))
	llama.Init()
	if llama.GGMLBackendDeviceCount() == 0 {
		return fmt.Errorf("the libraries of %s lack libggml-cpu for this processor; %s", folder, remedy)
	}
	lib, err := loader.LoadLibrary(folder, "llama")
	if err != nil {
		return err
	}
	if libraries.tokenize, err = lib.Prep("llama_tokenize", &ffi.TypeSint32, &ffi.TypePointer, &ffi.TypePointer, &ffi.TypeSint32,
		&ffi.TypePointer, &ffi.TypeSint32, &ffi.TypeUint8, &ffi.TypeUint8); err != nil {
		return err
	}
	libraries.folder, libraries.commit = folder, commit
	return nil
}

// versionOf asks the libraries for their version before anything of them is used.
func versionOf(folder string) (version, commit string, err error) {
	lib, err := loader.LoadLibrary(folder, "ggml-base")
	if err != nil {
		return "", "", err
	}
	var said [2]string
	for i, name := range []string{"ggml_version", "ggml_commit"} {
		f, err := lib.Prep(name, &ffi.TypePointer)
		if err != nil {
			return "", "", err
		}
		var s *byte
		f.Call(unsafe.Pointer(&s))
		said[i] = utils.BytePtrToString(s)
	}
	return said[0], said[1], nil
}

// layoutFits reports whether the default settings, read by the binding's layout, are those that the release has.
func layoutFits() bool {
	p := llama.ContextDefaultParams()
	return p.NCtx == 512 && p.NBatch == 2048 && p.NUbatch == 512 && p.NSeqMax == 1 && p.NOutputsMaxPerSeq == 1 &&
		p.FlashAttentionType == llama.FlashAttentionTypeAuto && p.YarnBetaSlow == -1 && p.DefragThold == -1 &&
		p.TypeK == llama.GGMLTypeF16 && p.TypeV == llama.GGMLTypeF16 && p.SwaFull == 1 && p.NSamplers == 0 && p.CtxOther == 0
}

// said is the last error that the libraries wrote to their log, which goes nowhere else.
var said struct {
	sync.Mutex
	text string
}

func keepError(level int32, text *byte, _ uintptr) uintptr {
	const logError = 4
	if level == logError {
		said.Lock()
		defer said.Unlock()
		said.text = strings.TrimSpace(utils.BytePtrToString(text))
	}
	return 0
}

// lastError returns what the libraries wrote last, and forgets it.
func lastError() string {
	said.Lock()
	defer said.Unlock()
	defer func() { said.text = "" }()
	if said.text == "" {
		return "llama.cpp gives no reason"
	}
	return said.text
}

// tokenize cuts a text into tokens by llama.cpp's own tokenizer. The binding's function of this name takes no text with a zero byte.
func tokenize(vocabulary llama.Vocab, text []byte) ([]llama.Token, error) {
	if len(text) == 0 {
		return nil, nil
	}
	var (
		result          ffi.Arg
		start           = unsafe.SliceData(text)
		length          = int32(len(text))
		tokens          = make([]llama.Token, len(text)+1) // enough, but for text that is not UTF-8
		special, parsed uint8
	)
	for {
		out, room := unsafe.SliceData(tokens), int32(len(tokens))
		libraries.tokenize.Call(unsafe.Pointer(&result), unsafe.Pointer(&vocabulary), unsafe.Pointer(&start), unsafe.Pointer(&length),
			unsafe.Pointer(&out), unsafe.Pointer(&room), unsafe.Pointer(&special), unsafe.Pointer(&parsed))
		n := int32(result)
		switch {
		case n >= 0:
			return tokens[:n], nil
		case n == math.MinInt32 || int(-n) <= len(tokens):
			return nil, fmt.Errorf("llama.cpp's tokenizer gives %d for a text of %d bytes", n, len(text))
		}
		tokens = make([]llama.Token, -n)
	}
}
