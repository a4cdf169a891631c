// Chaos kills the program at random, with SIGKILL, while it plans runs, does their tasks and commits them, two processes at once and the
// same work twice among them, over an S3 server; and finds out whether that shows.
//
//	chaos [-kills 200] [-seed N] PROGRAM SERVER BUCKET
//
// SERVER is the URL of an S3 server on this machine, whose bucket of that name is filled and emptied. Every process talks to the server
// through a proxy of its own, which counts requests: a process is killed after some time, or when it sends its n-th request, before the
// server has it, while it sends it, or when the server has done what it says and before the process hears of it. The seed fixes what is
// drawn; how two processes meet is up to the machine.
//
// After every kill a run that has a _SUCCESS must be whole: the mark holds the manifest's digest, and the manifest those of all files.
// No process may read what is not named by the plan, of which there are decoys. One that is not killed must end as it should. In the end
// every run must have the bytes of one that nobody disturbed, and nothing else.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	kills := flag.Int("kills", 200, "processes to kill")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "of what is drawn")
	flag.Parse()
	if flag.NArg() != 3 {
		fmt.Fprintln(os.Stderr, "usage: chaos [-kills N] [-seed N] PROGRAM SERVER BUCKET")
		os.Exit(2)
	}
	fmt.Printf("chaos: seed %d\n", *seed)
	if err := run(context.Background(), flag.Arg(0), flag.Arg(1), flag.Arg(2), *kills, *seed); err != nil {
		fmt.Fprintf(os.Stderr, "chaos: with -seed %d: %v\n", *seed, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, program, server, name string, kills int, seed uint64) error {
	dir, err := os.MkdirTemp("", "palimpsest-chaos-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b, err := openBucket(ctx, server, name)
	if err != nil {
		return err
	}
	defer b.Close()
	if err := makeInputs(ctx, b); err != nil {
		return fmt.Errorf("making the inputs: %w", err)
	}
	c := newChaos(b, program, server, name, seed)
	var cases []*testCase
	for _, k := range configurations {
		t, err := c.undisturbed(ctx, dir, k.name, k.text)
		if err != nil {
			return fmt.Errorf("%s, undisturbed: %w", k.name, err)
		}
		cases = append(cases, t)
	}
	began, rounds := time.Now(), 0
	for ; c.killed < kills; rounds++ {
		// The array of each configuration, then run of each.
		t := cases[rounds%len(cases)]
		array := rounds/len(cases)%2 == 0
		if err := c.round(ctx, t, array, kills); err != nil {
			return fmt.Errorf("round %d, %s: %w", rounds+1, t.name, err)
		}
		fmt.Printf("chaos: round %d, %s: the bytes of one that nobody disturbed; %d killed so far\n", rounds+1, t.name, c.killed)
	}
	fmt.Printf("chaos: %d processes killed in %d runs in %.0f s, of which %s; every run has the bytes of one that nobody disturbed\n",
		c.killed, rounds, time.Since(began).Seconds(), c.tally())
	return nil
}
