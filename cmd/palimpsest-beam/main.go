// Command palimpsest-beam does the work of a planned run on an Apache Beam runner, and commits it:
//
//	palimpsest plan -c FILE
//	palimpsest-beam RUN --runner=dataflow ...
//
// It does what tasks of the array do, by the same code. It is a program and a module of its own, since Beam brings sixty flags and the
// drivers of a cloud, and doubles the size of a binary.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/x/beamx"

	"palimpsest/pipeline"
	"palimpsest/stages/store"
	_ "palimpsest/stages/store/cloud" // s3, gs and azblob
)

// version is set by the build, to that of the program which plans.
var version = ""

func main() {
	url, err := parse(os.Args[1:])
	beam.Init() // where a runner started this process to work, it does so here, and ends
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		var code int
		if code, err = run(ctx, url); err == nil {
			os.Exit(code)
		}
		if ctx.Err() != nil {
			err = fmt.Errorf("%w; a job that was submitted to a runner goes on there", context.Canceled)
		}
	}
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(pipeline.ExitDone)
	}
	fmt.Fprintln(os.Stderr, "palimpsest-beam:", err)
	os.Exit(exitCode(err))
}

// unitError is what a worker said of a unit that failed, with the exit code that it would have ended a task with.
type unitError struct {
	error
	code int
}

func exitCode(err error) int {
	if unit := (*unitError)(nil); errors.As(err, &unit) {
		return unit.code
	}
	return pipeline.ExitCode(err)
}

// parse reads Beam's flags, which are global, and returns the run's URL, which may stand before them or after.
func parse(args []string) (url string, err error) {
	flag.CommandLine.Init("palimpsest-beam", flag.ContinueOnError)
	flag.CommandLine.SetOutput(io.Discard) // the error says it
	flag.Usage = func() {}
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		url, args = args[0], args[1:]
	}
	switch err := flag.CommandLine.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Print("usage: palimpsest-beam RUN [flags]\n\n" +
			"RUN is the URL of a run that palimpsest plan has planned. The flags are Apache Beam's:\n")
		flag.CommandLine.SetOutput(os.Stdout)
		flag.PrintDefaults()
		return "", err
	case err != nil:
		return "", &pipeline.UsageError{Err: err}
	}
	rest := flag.Args()
	if url == "" && len(rest) > 0 {
		url, rest = rest[0], rest[1:]
	}
	if url == "" || len(rest) > 0 {
		return "", &pipeline.UsageError{Err: errors.New("name one run by its URL, as plan printed it: palimpsest-beam RUN [flags]")}
	}
	return url, nil
}

// run submits the job, waits for its end, and commits.
func run(ctx context.Context, url string) (code int, err error) {
	if !strings.Contains(url, "://") { // workers may run in another directory
		if url, err = filepath.Abs(url); err != nil {
			return 0, &pipeline.UsageError{Err: err}
		}
	}
	s := store.New()
	defer s.Close()
	done, job, err := pipeline.OpenJob(ctx, s, url, programVersion(), slog.Default(), new(pipeline.Meter))
	if err != nil {
		return 0, err
	}
	if done != nil {
		return finished(done), nil
	}
	if _, err := job.NewWorker(); err != nil { // this job cannot be done so
		return 0, err
	}
	if err := beamx.Run(ctx, newPipeline(jobOf{URL: url, Digest: job.Digest()}, job)); err != nil {
		return 0, failed(ctx, s, url, err)
	}
	if *jobopts.Async || set("dry_run") || set("dot_file") {
		fmt.Printf("submitted; when the job has ended: palimpsest commit %s\n", url)
		return pipeline.ExitDone, nil
	}
	debug.SetMemoryLimit(int64(job.Config.Resources.Memory))
	result, err := job.Commit(ctx)
	if err != nil {
		return 0, err
	}
	return finished(result), nil
}

// set reports whether a flag was given: dry_run and dot_file have Beam translate the job only.
func set(name string) bool {
	f := flag.Lookup(name)
	return f != nil && f.Value.String() != f.DefValue
}

// failed returns what the runner says of a job that failed. A runner hands on the words of an error, and not what it is: where they are
// those of a unit that failed, its exit code is the program's.
func failed(ctx context.Context, s *store.Store, url string, err error) error {
	status, unknown := pipeline.ReadStatus(ctx, s, url)
	if unknown == nil {
		for _, f := range status.Failed {
			if strings.Contains(err.Error(), f.Error) {
				return &unitError{errors.New(f.Error), f.ExitCode}
			}
		}
	}
	return fmt.Errorf("the runner: %w", err)
}

// finished says what a finished run is, and returns the exit code.
func finished(result *pipeline.Result) int {
	verb := "wrote"
	if result.Existed {
		verb = "already complete, nothing to do:"
	}
	fmt.Printf("%s %s\n", verb, result.RunURL)
	for _, f := range result.Manifest.Failures {
		fmt.Println("quarantined:", f)
	}
	return result.ExitCode()
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
