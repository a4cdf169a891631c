// Command palimpsest gathers the evidence of what a model has memorised: it searches a Parquet corpus for the texts of probes,
// scores how likely a model finds them, and writes tables of evidence as Arrow and Parquet.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"palimpsest/pipeline"
	"palimpsest/pipeline/scheduler"
	_ "palimpsest/stages/store/cloud" // s3, gs and azblob
)

// version is set by the build.
var version = ""

func main() {
	// The first signal asks the command to stop before anything is published. A second one from a keyboard kills it; a second SIGTERM is
	// the same request again: Slurm sends two to every step that it ends, 10 ms apart.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		signal.Reset(os.Interrupt)
		time.Sleep(grace)
		e := &environment{err: os.Stderr}
		e.logAs(formatAsked(os.Args))
		os.Exit(e.complain(errHeld))
	}()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// grace is how long a command that is asked to stop may take to do so in order: schedulers that ask give ten seconds at least before they
// kill. What it holds up then, a system call or a sort of very much, is left as a kill would leave it, and that is safe at any
// moment.
const grace = 8 * time.Second

// errHeld is the end of a command that did not stop in that time.
var errHeld = fmt.Errorf("the work in hand did not end within %s and was cut off; the same command goes on from what is done: %w",
	grace, context.Canceled)

// command is the whole command line.
type command struct {
	Run        runCommand        `cmd:"" help:"Search the corpus, score the probes, and write the tables of evidence."`
	Plan       planCommand       `cmd:"" help:"Plan a run as an array of tasks, and publish the plan."`
	Shard      shardCommand      `cmd:"" help:"Do one task of a planned run."`
	Commit     commitCommand     `cmd:"" help:"Make the tables of what the tasks of a planned run left, and publish them."`
	Show       showCommand       `cmd:"" help:"Sum up a finished run for a person."`
	Explain    explainCommand    `cmd:"" help:"Show everything known of one probe, and what stands around a span in its source."`
	Report     reportCommand     `cmd:"" help:"Write the report of a finished run: one HTML page that needs nothing beside itself."`
	Verify     verifyCommand     `cmd:"" help:"Check a finished run again: its files, that its tables agree, and every source that it cites."`
	Status     statusCommand     `cmd:"" help:"Say how far a run has come: absent, incomplete or complete."`
	Schema     schemaCommand     `cmd:"" help:"Describe the tables: every column, its type, unit and meaning."`
	Ingest     ingestCommand     `cmd:"" help:"Turn JSON lines or text files into Parquet that a run can read."`
	Compress   compressCommand   `cmd:"" help:"Store a text in the bits that a model finds it worth, and say how many."`
	Decompress decompressCommand `cmd:"" help:"Restore a text that compress stored."`
	Version    kong.VersionFlag  `help:"Print the version and leave."`

	LogFormat string `enum:"auto,text,json" default:"auto" help:"How to write what happens to standard error: text or json, an object a line; auto is text, and a bar on a terminal."`
}

// environment is what the commands share.
type environment struct {
	ctx      context.Context
	out, err io.Writer
	format   string         // of what goes to err
	log      *slog.Logger   // of what happens; carries the run and the task once they are known
	code     int            // exit code of a command that did not fail
	ended    func(code int) // called with the exit code; nil when nobody waits for it
}

const description = `Palimpsest finds what a model has memorised of a corpus, and what a corpus holds of given texts.

A run reads one YAML file:

  palimpsest run -c configs/demo/demo.yaml
  palimpsest show out/demo
  palimpsest report out/demo -o demo.html

Exit codes: 0 done; 1 a retry may help; 3 done, but some inputs were quarantined and are listed; 64 usage or configuration;
65 bad input; 69 a service is unavailable; 70 a bug; 75 stopped from outside, to be gone on with.`

// run carries out one command line and returns its exit code.
func run(ctx context.Context, args []string, out, errs io.Writer) (code int) {
	e := &environment{ctx: ctx, out: out, err: errs}
	e.logAs(formatAsked(args))
	defer func() {
		if e.ended != nil {
			e.ended(code)
		}
	}()
	defer func() {
		if r := recover(); r != nil {
			code = e.complain(&pipeline.BugError{Err: fmt.Errorf("%v\n%s", r, debug.Stack())})
		}
	}()
	var c command
	exited := -1
	parser, err := kong.New(&c, kong.Name("palimpsest"), kong.Description(description), kong.UsageOnError(),
		kong.Vars{"version": programVersion(), "kinds": strings.Join(scheduler.Kinds(), ", ")},
		kong.Writers(out, errs), kong.Exit(func(code int) { exited = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 110}))
	if err != nil {
		return e.complain(&pipeline.BugError{Err: err})
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 { // help or version was printed
		return exited
	}
	if err != nil {
		code = e.complain(&pipeline.UsageError{Err: err})
		if e.format != "json" {
			fmt.Fprintln(errs, "run 'palimpsest --help' for the commands and flags")
		}
		return code
	}
	e.logAs(c.LogFormat)
	if err := parsed.Run(e); err != nil {
		return e.complain(err)
	}
	return e.code
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
