package read_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go/format"
)

// Running out of memory, or panicking in another goroutine, ends a process and can be caught by nobody in it. So damaged files are
// read by child processes with a limit on their address space and on their time: this test binary, called again.

const (
	childEnv    = "PALIMPSEST_READ_MUTANTS" // "codec from to": which mutants the child reads
	childMemory = 768 << 20                 // address space beyond what the process has at the start
	childTime   = 2 * time.Minute
	mutants     = 300 // of each file
	perChild    = 100
)

// childMain reads mutants when the process is a child, and reports whether it is. It prints a line for each mutant before and after
// it is read.
func childMain() bool {
	job := os.Getenv(childEnv)
	if job == "" {
		return false
	}
	var name string
	var from, to int
	if _, err := fmt.Sscan(job, &name, &from, &to); err != nil {
		panic(err)
	}
	file := mutantFiles()[name]
	limitMemory()
	for i := from; i < to; i++ {
		fmt.Printf("%d begins\n", i)
		err := readAll(childTB{}, mutate(file, i))
		switch {
		case err == nil:
			fmt.Printf("%d ok\n", i)
		case clean(err):
			fmt.Printf("%d error %s\n", i, strings.ReplaceAll(err.Error(), "\n", " | "))
		default:
			fmt.Printf("%d unclean %q\n", i, err)
		}
	}
	return true
}

// limitMemory allows the process childMemory more address space than it has.
func limitMemory() {
	stat, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return // not Linux: the time limit remains
	}
	pages, err := strconv.ParseInt(strings.Fields(string(stat))[0], 10, 64)
	must(err)
	limit := uint64(pages)*uint64(os.Getpagesize()) + childMemory
	must(syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: limit, Max: limit}))
}

// childTB is what readAll needs of a test, outside of one.
type childTB struct{ testing.TB }

func (childTB) Helper()                  {}
func (childTB) Cleanup(func())           {}
func (childTB) Fatal(args ...any)        { panic(fmt.Sprint(args...)) }
func (childTB) Context() context.Context { return context.Background() }

// mutantFiles are the small real files that are damaged: one of each codec, pages of both versions, and two that hold encodings in
// the clear.
func mutantFiles() map[string][]byte {
	data := newTable(allFields(), 40, 9)
	files := map[string][]byte{}
	for name, codec := range codecs {
		files[name+"_v1"] = data.write(layout{codec: codec, version: 1, pageBytes: 300, groupRows: 25})
		files[name+"_v2"] = data.write(layout{codec: codec, version: 2, pageBytes: 300})
	}
	body := plain(strings.Split(strings.Repeat("a few words,", 30), ",")...)
	stored := squeeze(format.Lz4, body)
	files["lz4"] = crafted{typ: format.ByteArray, codec: format.Lz4, rows: 31,
		pages: []page{dataPage(31, format.Plain, stored).compressed(len(body))}}.bytes()
	return files
}

// mutate returns the i-th mutant of a file: bytes changed anywhere or in the footer alone, bits flipped, a piece cut out or put in
// twice, or the end cut off.
func mutate(file []byte, i int) []byte {
	r := rand.New(rand.NewPCG(uint64(i), uint64(len(file))))
	out := bytes.Clone(file)
	n := len(out)
	footer := n - 8 - int(binary.LittleEndian.Uint32(out[n-8:]))
	within := func(from, to int) int { return from + r.IntN(max(to-from, 1)) }
	switch i % 6 {
	case 0, 1:
		for range 1 + r.IntN(4) {
			out[within(0, n)] = byte(r.Uint32())
		}
	case 2:
		for range 1 + r.IntN(4) {
			out[within(footer, n)] = byte(r.Uint32())
		}
	case 3:
		for range 1 + r.IntN(8) {
			out[within(4, footer)] ^= 1 << r.IntN(8)
		}
	case 4:
		from := within(4, footer)
		to := min(from+1+r.IntN(64), footer)
		if r.IntN(2) == 0 {
			return slices.Delete(out, from, to)
		}
		return slices.Insert(out, from, bytes.Clone(out[from:to])...)
	case 5:
		if r.IntN(4) == 0 {
			return out[:within(0, n)]
		}
		// The end of the data is cut off, the footer stays.
		return slices.Delete(out, within(4, footer), footer)
	}
	return out
}

func TestMutantsInChildren(t *testing.T) {
	if testing.Short() {
		t.Skip("reads thousands of damaged files")
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name := range mutantFiles() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ok, bad := 0, 0
			for from := 0; from < mutants; from += perChild {
				a, b := runChild(t, binary, name, from, from+perChild)
				ok, bad = ok+a, bad+b
			}
			t.Logf("%d read, %d refused", ok, bad)
			if bad == 0 {
				t.Error("no mutant was refused")
			}
		})
	}
}

func runChild(t *testing.T, binary, name string, from, to int) (ok, bad int) {
	ctx, cancel := context.WithTimeout(t.Context(), childTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %d", childEnv, name, from, to), "GOMEMLIMIT=512MiB")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	last := "none"
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		last = lines.Text()
		_, what, _ := strings.Cut(last, " ")
		switch {
		case what == "ok":
			ok++
		case strings.HasPrefix(what, "error "):
			bad++
		case strings.HasPrefix(what, "unclean "):
			t.Errorf("mutant %s of %s: the error does not say where and why", last, name)
		}
	}
	if err != nil {
		t.Errorf("%s: the child ended with %v (%v) at mutant %q: %.2000s", name, err, ctx.Err(), last, stderr.String())
	} else if ok+bad != to-from && !t.Failed() {
		t.Errorf("%s: %d of %d mutants were read", name, ok+bad, to-from)
	}
	return ok, bad
}
