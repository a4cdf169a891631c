package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// chaos is what draws and counts.
type chaos struct {
	*bucket
	program, server, at string
	random              *rand.Rand
	transport           *http.Transport

	killed int
	counts map[string]int // of those killed, by verb and fate
}

func newChaos(b *bucket, program, server, name string, seed uint64) *chaos {
	return &chaos{bucket: b, program: program, server: server, at: name, random: rand.New(rand.NewPCG(seed, 0)),
		transport: &http.Transport{MaxIdleConnsPerHost: 32}, counts: make(map[string]int)}
}

// tally says how many processes were killed, by verb and fate.
func (c *chaos) tally() string {
	var all []string
	for _, what := range slices.Sorted(maps.Keys(c.counts)) {
		all = append(all, fmt.Sprintf("%d %s", c.counts[what], what))
	}
	return strings.Join(all, ", ")
}

// tasks of every array.
const tasks = 7

// testCase is a configuration, and what its run is when nobody disturbs it.
type testCase struct {
	name   string
	config string // path
	url    string // of the run
	prefix string // of its keys
	want   map[string]string
	usual  map[string]usual // by verb
}

// usual is the most that a command took that was not killed.
type usual struct {
	took     time.Duration
	requests int
}

// undisturbed runs a configuration, and removes the run. Then it does so once more as an array, to know how long things take.
func (c *chaos) undisturbed(ctx context.Context, dir, name, text string) (*testCase, error) {
	t := &testCase{name: name, config: filepath.Join(dir, name+".yaml"), prefix: "out/" + name + "/",
		url: fmt.Sprintf("s3://%s/out/%s?use_path_style=true", c.at, name), usual: make(map[string]usual)}
	if err := os.WriteFile(t.config, []byte(strings.ReplaceAll(text, "BUCKET", c.at)), 0o644); err != nil {
		return nil, err
	}
	for _, commands := range [][][]string{{t.command("run")}, {t.command("plan"), t.shard(0), t.shard(1)}} {
		if err := c.clear(ctx, t.prefix); err != nil {
			return nil, err
		}
		for _, command := range commands {
			done := make(chan *process, 1)
			p, err := c.start(command[0], command[1:], fate{}, done)
			if err != nil {
				return nil, err
			}
			<-done
			if !p.cmd.ProcessState.Success() {
				return nil, errors.New(p.String())
			}
			t.learn(p)
		}
		if t.want != nil {
			break
		}
		if whole, err := c.whole(ctx, t.prefix); err != nil || !whole {
			return nil, errors.Join(err, errors.New("run has not made a whole run"))
		}
		var err error
		if t.want, err = c.digests(ctx, t.prefix); err != nil {
			return nil, err
		}
	}
	t.usual["commit"] = t.usual["plan"]
	fmt.Printf("chaos: %s: %d files; run takes %.1f s, plan %.1f s, a shard %.1f s\n", name, len(t.want),
		t.usual["run"].took.Seconds(), t.usual["plan"].took.Seconds(), t.usual["shard"].took.Seconds())
	return t, c.clear(ctx, t.prefix)
}

func (t *testCase) learn(p *process) {
	u := t.usual[p.verb]
	t.usual[p.verb] = usual{max(u.took, p.took), max(u.requests, p.requests)}
}

// command returns the command of a verb that takes the configuration or the run.
func (t *testCase) command(verb string) []string {
	switch verb {
	case "run":
		return []string{verb, "-c", t.config}
	case "plan":
		return []string{verb, "-c", t.config, "--tasks", strconv.Itoa(tasks)}
	}
	return []string{verb, t.url}
}

func (t *testCase) shard(task int) []string {
	return []string{"shard", t.url, "--task", strconv.Itoa(task)}
}

// round makes one run, by processes that are killed, two at once, until it is whole, and some more; then checks it and removes it.
func (c *chaos) round(ctx context.Context, t *testCase, array bool, kills int) error {
	if err := c.decoys(ctx, t.prefix); err != nil {
		return err
	}
	r := &round{chaos: c, testCase: t, array: array, kills: kills, done: make(chan *process, atOnce)}
	if err := r.do(ctx); err != nil {
		return err
	}
	got, err := c.digests(ctx, t.prefix)
	if err != nil {
		return err
	}
	if d := differ(got, t.want); d != "" {
		return fmt.Errorf("the run is not that which nobody disturbed: %s", d)
	}
	return c.clear(ctx, t.prefix)
}

// decoys are what earlier attempts, or others, could have left.
func (c *chaos) decoys(ctx context.Context, prefix string) error {
	for key, data := range map[string]string{
		"work/0123456789abcdef/unit-000000-block-00": "an orphan", "work/0123456789abcdef/texts": "an orphan",
		"parquet/stale/part-00000.parquet": "a table of another configuration", "manifest.json": "{}",
	} {
		if err := c.WriteAll(ctx, prefix+key, []byte(data), nil); err != nil {
			return err
		}
	}
	return nil
}

// atOnce is how many processes run at once.
const atOnce = 2

// round is one run under way.
type round struct {
	*chaos
	*testCase
	array bool
	kills int
	done  chan *process

	plan    *plan // nil until one was published
	whole   bool
	begun   int // processes
	own     int // processes killed in this round
	late    int // processes begun when the run was whole
	working int
}

// lateOnes is how many processes come too late in a round.
const lateOnes = 3

func (r *round) do(ctx context.Context) error {
	for {
		for r.working < atOnce && !(r.whole && r.late == lateOnes) {
			if err := r.begin(); err != nil {
				return err
			}
		}
		if r.working == 0 {
			return nil
		}
		p := <-r.done
		r.working--
		if err := r.ended(ctx, p); err != nil {
			for ; r.working > 0; r.working-- {
				<-r.done
			}
			return err
		}
	}
}

// begin starts what comes next. What is last in a round ends by itself: it has to tidy up after those that were killed.
func (r *round) begin() error {
	last := false
	if r.whole {
		r.late++
		last = r.late == lateOnes
		if last && r.working > 0 {
			r.late--
			p := <-r.done
			r.working--
			return r.ended(context.Background(), p)
		}
	}
	command := r.next(last)
	f := r.draw(command[0])
	if last {
		f = fate{}
	}
	r.begun++
	_, err := r.start(command[0], command[1:], f, r.done)
	if err == nil {
		r.working++
	}
	return err
}

// next draws what is done next: of an array first the plan, then any of its tasks, the commit before its time too, and the plan again.
func (r *round) next(last bool) []string {
	if !r.array {
		return r.command("run")
	}
	if last {
		return r.command("commit")
	}
	if r.plan == nil {
		return r.command("plan")
	}
	switch n := r.random.IntN(100); {
	case n < 10:
		return r.command("plan")
	case n < 40:
		return r.command("commit")
	}
	return r.shard(r.random.IntN(len(r.plan.Tasks)))
}

// draw draws what becomes of a process. The longer a round takes, the fewer are killed, so that it comes to an end.
func (r *round) draw(verb string) fate {
	if r.killed >= r.kills || r.random.IntN(100) >= max(80-r.own, 20) {
		return fate{}
	}
	u := r.usual[verb]
	return fate{how: fates[r.random.IntN(len(fates))], after: time.Duration(r.random.Int64N(int64(u.took))),
		request: 1 + r.random.IntN(u.requests)}
}

// ended looks at a process that is over, and at what it left.
func (r *round) ended(ctx context.Context, p *process) error {
	if p.wasKilled() {
		r.killed, r.own = r.killed+1, r.own+1
		r.counts[p.verb+" "+p.fate.how]++
	} else if p.fate.how == "" {
		r.learn(p)
	}
	whole, err := r.bucket.whole(ctx, r.prefix)
	if err != nil {
		return fmt.Errorf("after %s: %w", p, err)
	}
	if r.whole && !whole {
		return fmt.Errorf("after %s: the run was whole and is no more", p)
	}
	if err := r.sane(p, whole); err != nil {
		return err
	}
	r.whole = whole
	if r.plan == nil {
		if r.plan, err = r.bucket.plan(ctx, r.prefix); err != nil {
			return err
		}
		if r.plan != nil { // decoys beside what it names
			for _, name := range []string{"unit-999999-block-00", "unit-000000-block-99", "unit-000000-block-00.tmp"} {
				if err := r.WriteAll(ctx, r.prefix+"work/"+r.plan.digest+"/"+name, []byte("an orphan"), nil); err != nil {
					return err
				}
			}
		}
	}
	if r.plan == nil {
		return nil
	}
	names := r.plan.names()
	for _, path := range p.read {
		key, work := strings.CutPrefix(path, "/"+r.at+"/"+r.prefix)
		if work && strings.HasPrefix(key, "work/") && !names[key] {
			return fmt.Errorf("%s: it asked for %s, which is not of the plan", p, key)
		}
	}
	return nil
}

// sane checks how a process ended that was not killed.
func (r *round) sane(p *process, whole bool) error {
	if p.wasKilled() {
		return nil
	}
	code := p.cmd.ProcessState.ExitCode()
	switch {
	case code == 0 && (p.verb == "commit" || p.verb == "run") && !whole:
		return fmt.Errorf("%s: and the run is not whole", p)
	case code == 0:
		return nil
	case code == 1 && p.verb == "commit" && strings.Contains(p.errs.String(), "is not complete: of its "):
		return nil
	}
	return errors.New(p.String())
}
