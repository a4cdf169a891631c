package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	"golang.org/x/term"

	"palimpsest/pipeline"
	"palimpsest/stages/baseline"
	"palimpsest/stages/coder"
	"palimpsest/stages/store"
)

type compressCommand struct {
	Model  string `arg:"" name:"model.gguf" help:"The model, a GGUF file: a path or URL."`
	Input  string `arg:"" name:"in" optional:"" help:"The text, a file; standard input without it."`
	Output string `short:"o" placeholder:"OUT" help:"The file to write; standard output without it, and the figures then go to standard error."`
}

// Run carries out the command.
func (c *compressCommand) Run(e *environment) error {
	if err := differ(c.Input, c.Output); err != nil {
		return err
	}
	text, err := readInput(c.Input, coder.MaxText)
	if err != nil {
		return err
	}
	if f, ok := e.out.(*os.File); ok && c.Output == "" && term.IsTerminal(int(f.Fd())) {
		return &pipeline.UsageError{Err: errors.New("a compressed text is not for a terminal; name a file with -o")}
	}
	s := store.New()
	defer s.Close()
	m, err := pipeline.Coder(e.ctx, s, c.Model)
	if err != nil {
		return err
	}
	file, stats, err := coder.Compress(e.ctx, m, text)
	if err != nil {
		return err
	}
	var measure baseline.Measurer
	sizes, err := measure.Measure(text)
	if err != nil {
		return &pipeline.BugError{Err: err}
	}
	if err := e.writeOutput(c.Output, file); err != nil {
		return err
	}
	t := e.figures(c.Output, m, stats)
	for _, other := range []struct {
		name  string
		bytes int64
	}{{"zstd", sizes.Zstd}, {"xz", sizes.XZ}, {"zlib", sizes.Zlib}} {
		fmt.Fprintf(t, "%s\t%d bytes", other.name, other.bytes)
		if stats.TextBytes > 0 {
			bits := 8 * float64(other.bytes)
			fmt.Fprintf(t, ", %.3f bits per byte, %.1f times the model's", bits/float64(stats.TextBytes), bits/float64(stats.Bits))
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}

type decompressCommand struct {
	Model  string `arg:"" name:"model.gguf" help:"The model that the text was compressed with: a path or URL."`
	Input  string `arg:"" name:"in" optional:"" help:"What compress wrote; standard input without it."`
	Output string `short:"o" placeholder:"OUT" help:"The file to write; standard output without it, and the figures then go to standard error."`
}

// Run carries out the command.
func (c *decompressCommand) Run(e *environment) error {
	if err := differ(c.Input, c.Output); err != nil {
		return err
	}
	file, err := readInput(c.Input, 2*coder.MaxText) // 8 bits a byte and more for escapes
	if err != nil {
		return err
	}
	s := store.New()
	defer s.Close()
	m, err := pipeline.Coder(e.ctx, s, c.Model)
	if err != nil {
		return err
	}
	text, stats, err := coder.Decompress(e.ctx, m, file)
	var other *coder.OtherModelError
	switch {
	case errors.Is(err, coder.ErrDamaged), errors.As(err, &other):
		return &pipeline.DataError{Err: fmt.Errorf("%s: %w", inputName(c.Input), err)}
	case err != nil:
		return err
	}
	if err := e.writeOutput(c.Output, text); err != nil {
		return err
	}
	return e.figures(c.Output, m, stats).Flush()
}

// figures begins the table of what a text took, on standard output unless that has the text.
func (e *environment) figures(output string, m *coder.Model, s *coder.Stats) *tabwriter.Writer {
	to := e.out
	if output == "" {
		to = e.err
	}
	t := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "text\t%d bytes, sha256 %x\n", s.TextBytes, s.SHA256)
	fmt.Fprintf(t, "model\t%d bits, %.3f bits per byte; %d tokens with -log2 P %.1f", s.Bits, s.BitsPerByte(), s.Tokens, s.ModelBits)
	if s.EscapedBytes > 0 {
		fmt.Fprintf(t, "; %d bytes that are no tokens", s.EscapedBytes)
	}
	fmt.Fprintf(t, "; under %s\n", m.Name)
	fmt.Fprintf(t, "file\t%d bytes, of which %d are the header\n", s.FileBytes, s.FileBytes-s.Bits/8)
	return t
}

// differ refuses to write a file over the one that is read.
func differ(input, output string) error {
	in, err := os.Stat(input)
	if input == "" || err != nil {
		return nil // told where it is opened
	}
	if out, err := os.Stat(output); err == nil && os.SameFile(in, out) {
		return &pipeline.UsageError{Err: fmt.Errorf("%s would be written over; name another file with -o", input)}
	}
	return nil
}

func inputName(path string) string {
	if path == "" {
		return "standard input"
	}
	return path
}

// readInput reads a file, or standard input, of at most so many bytes.
func readInput(path string, most int64) ([]byte, error) {
	in := os.Stdin
	if path != "" {
		f, err := os.Open(path)
		if err != nil {
			return nil, &pipeline.UsageError{Err: fmt.Errorf("the input cannot be read: %w", err)}
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", inputName(path), err)
	}
	if int64(len(data)) > most {
		return nil, &pipeline.DataError{Err: fmt.Errorf("%s has more than %d bytes: cut it", inputName(path), most)}
	}
	return data, nil
}

// writeOutput writes a file whole, or nothing of it; standard output without a name.
func (e *environment) writeOutput(path string, data []byte) error {
	if path == "" {
		_, err := e.out.Write(data)
		return err
	}
	dir, name := filepath.Split(path)
	temporary := filepath.Join(dir, "."+name+"."+rand.Text())
	err := os.WriteFile(temporary, data, 0o666)
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		os.Remove(temporary)
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
