// Command palimpsest gathers the evidence of what a model has memorised: it searches a Parquet corpus for the texts of probes,
// scores how likely a model finds them, and writes tables of evidence as Arrow and Parquet.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"palimpsest/pipeline"
	_ "palimpsest/stages/store/cloud" // s3, gs and azblob
)

// version is set by the build.
var version = ""

func main() {
	// The first signal asks the run to stop before anything is published; a second one kills it.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		stop()
	}()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// command is the whole command line.
type command struct {
	Run        runCommand        `cmd:"" help:"Search the corpus, score the probes, and write the tables of evidence."`
	Show       showCommand       `cmd:"" help:"Sum up a finished run for a person."`
	Explain    explainCommand    `cmd:"" help:"Show everything known of one probe, and what stands around a span in its source."`
	Report     reportCommand     `cmd:"" help:"Write the report of a finished run: one HTML page that needs nothing beside itself."`
	Status     statusCommand     `cmd:"" help:"Say how far a run has come: absent, incomplete or complete."`
	Schema     schemaCommand     `cmd:"" help:"Describe the tables: every column, its type, unit and meaning."`
	Ingest     ingestCommand     `cmd:"" help:"Turn JSON lines or text files into Parquet that a run can read."`
	Compress   compressCommand   `cmd:"" help:"Store a text in the bits that a model finds it worth, and say how many."`
	Decompress decompressCommand `cmd:"" help:"Restore a text that compress stored."`
	Version    kong.VersionFlag  `help:"Print the version and leave."`

	LogFormat string `enum:"auto,text,json" default:"auto" help:"How to write what happens to standard error: text or json; auto is text."`
}

// environment is what the commands share.
type environment struct {
	ctx      context.Context
	out, err io.Writer
	log      string
	code     int // exit code of a command that did not fail
}

const description = `Palimpsest finds what a model has memorised of a corpus, and what a corpus holds of given texts.

A run reads one YAML file:

  palimpsest run -c configs/demo/demo.yaml
  palimpsest show out/demo
  palimpsest report out/demo -o demo.html

Exit codes: 0 done; 1 a retry may help; 3 done, but some inputs were quarantined and are listed; 64 usage or configuration;
65 bad input; 69 a service is unavailable; 70 a bug; 75 stopped from outside, nothing published.`

// run carries out one command line and returns its exit code.
func run(ctx context.Context, args []string, out, errs io.Writer) (code int) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(errs, "palimpsest: internal error: %v\n%s", r, debug.Stack())
			code = pipeline.ExitBug
		}
	}()
	var c command
	exited := -1
	parser, err := kong.New(&c, kong.Name("palimpsest"), kong.Description(description), kong.UsageOnError(),
		kong.Vars{"version": programVersion()}, kong.Writers(out, errs), kong.Exit(func(code int) { exited = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 110}))
	if err != nil {
		fmt.Fprintln(errs, "palimpsest: internal error:", err)
		return pipeline.ExitBug
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 { // help or version was printed
		return exited
	}
	if err != nil {
		fmt.Fprintf(errs, "palimpsest: %v\nrun 'palimpsest --help' for the commands and flags\n", err)
		return pipeline.ExitUsage
	}
	e := &environment{ctx: ctx, out: out, err: errs, log: c.LogFormat}
	if err := parsed.Run(e); err != nil {
		complain(errs, err)
		return pipeline.ExitCode(err)
	}
	return e.code
}

// complain writes an error on one line, or each problem of a configuration on its own.
func complain(w io.Writer, err error) {
	var config *pipeline.ConfigError
	if errors.As(err, &config) {
		fmt.Fprintln(w, config)
		return
	}
	if errors.Is(err, context.Canceled) {
		fmt.Fprintln(w, "palimpsest: stopped; nothing was published, and the same command starts again")
		return
	}
	fmt.Fprintln(w, "palimpsest:", strings.ReplaceAll(err.Error(), "\n", " "))
}

// programVersion returns the version of the build: the tag, or what the toolchain recorded.
func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}
