package scheduler_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"palimpsest/pipeline/scheduler"
)

var printable = rapid.RuneFrom([]rune(` '"\$(){}<>|&;#*?~!%^:,.-_/äß`), unicode.Latin, unicode.Nd, unicode.Han)

// call is one command that a script gave: its arguments and what it read.
type call struct {
	Args  []string
	Stdin string
}

// stub stands for sbatch, srun, scontrol, aws and gcloud: it writes down how it was called.
const stub = `#!/bin/sh
n=$(($(ls "$CALLS" | wc -l) + 1))
n=$(printf %03d "$n")
: >"$CALLS/$n"
for argument; do printf '%s\0' "$argument" >>"$CALLS/$n"; done
stdin=
[ -t 0 ] || stdin=$(cat)
printf '\1%s' "$stdin" >>"$CALLS/$n"
case "$0 $*" in
*sbatch*) echo "$n;cluster" ;;
*srun*) exit "${SRUN_CODE:-0}" ;;
*describe*) echo "${STATE:-SUCCEEDED}" ;;
*) echo "id-$n" ;;
esac
`

// script runs a script with stand-ins for the schedulers' commands and returns how they were called.
func script(t *testing.T, text string, environment ...string) (calls []call, err error) {
	t.Helper()
	dir := t.TempDir()
	record := filepath.Join(dir, "calls")
	if err := os.Mkdir(record, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sbatch", "srun", "scontrol", "aws", "gcloud"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(stub), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.Command("sh", "-c", text)
	command.Env = append(append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "CALLS="+record), environment...)
	output, err := command.CombinedOutput()
	t.Logf("%s", output)
	files, globErr := filepath.Glob(filepath.Join(record, "*"))
	if globErr != nil {
		t.Fatal(globErr)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		args, stdin, _ := bytes.Cut(data, []byte{1})
		calls = append(calls, call{strings.Split(strings.TrimSuffix(string(args), "\x00"), "\x00"), string(stdin)})
	}
	return calls, err
}

// done runs a script that has to succeed.
func done(t *testing.T, text string, environment ...string) []call {
	t.Helper()
	calls, err := script(t, text, environment...)
	if err != nil {
		t.Fatal(err)
	}
	return calls
}

func parseJSON(t *testing.T, text string) (document any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return document
}

func TestSlurm(t *testing.T) {
	job := example(t)
	job.RunURL, job.Program, job.Missing = "file:///shared/it's evidence/nightly", "/opt/my tools/palimpsest", []int{3, 7, 8, 9}
	calls := done(t, emit(t, "slurm", job))
	if len(calls) != 2 {
		t.Fatalf("sbatch was called %d times", len(calls))
	}
	array, commit := calls[0], calls[1]
	for _, line := range []string{"#SBATCH --array=3,7-9\n", "#SBATCH --requeue\n", "#SBATCH --signal=TERM@60\n", "#SBATCH --mem=5120M\n"} {
		if !strings.Contains(array.Stdin, line) {
			t.Errorf("no %q in\n%s", line, array.Stdin)
		}
	}
	want := []string{"--parsable", "--dependency=afterok:001", "--kill-on-invalid-dep=yes"}
	if !cmp.Equal(commit.Args, want) {
		t.Errorf("the commit is submitted with %q", commit.Args)
	}

	task := done(t, array.Stdin)
	want = []string{"--ntasks=1", "--cpus-per-task=4", job.Program, "shard", job.RunURL}
	if len(task) != 1 || !cmp.Equal(task[0].Args, want) {
		t.Errorf("a task is %q", task)
	}
	if got := done(t, commit.Stdin)[0].Args[2:]; !cmp.Equal(got, []string{job.Program, "commit", job.RunURL}) {
		t.Errorf("the commit is %q", got)
	}

	// Only 75 is queued again, and not for ever.
	here := []string{"SLURM_ARRAY_JOB_ID=5", "SLURM_ARRAY_TASK_ID=7"}
	for _, test := range []struct {
		environment []string
		requeued    bool
	}{
		{[]string{"SRUN_CODE=75"}, true},
		{[]string{"SRUN_CODE=75", "SLURM_RESTART_COUNT=19"}, true},
		{[]string{"SRUN_CODE=75", "SLURM_RESTART_COUNT=20"}, false},
		{[]string{"SRUN_CODE=65"}, false},
		{[]string{"SRUN_CODE=1"}, false},
	} {
		calls, err := script(t, array.Stdin, append(test.environment, here...)...)
		if err == nil {
			t.Errorf("%q: the exit code is lost", test.environment)
		}
		requeue := call{Args: []string{"requeue", "5_7"}}
		if slices.ContainsFunc(calls, func(c call) bool { return cmp.Equal(c, requeue) }) != test.requeued {
			t.Errorf("%q: %q", test.environment, calls)
		}
	}
}

func TestSlurmHighIndex(t *testing.T) {
	job := example(t)
	for tasks, mentioned := range map[int]bool{1000: false, 1001: true} {
		job.Tasks = tasks
		if got := strings.Contains(emit(t, "slurm", job), "MaxArraySize"); got != mentioned {
			t.Errorf("%d tasks: MaxArraySize is mentioned: %v", tasks, got)
		}
	}
}

// commands is what the containers of submitted jobs of AWS Batch run.
func commands(t *testing.T, calls []call) (all []any) {
	t.Helper()
	for _, c := range calls {
		i := slices.Index(c.Args, "--cli-input-json")
		all = append(all, at(t, parseJSON(t, c.Args[i+1]), "containerOverrides", "command"))
	}
	return all
}

func TestAWSBatch(t *testing.T) {
	if calls, err := script(t, emit(t, "aws-batch", example(t))); err == nil || len(calls) > 0 {
		t.Error("no queue was asked for")
	}
	run := any("s3://my-bucket/evidence/nightly")
	for _, test := range []struct {
		name    string
		tasks   int
		missing []int
		array   string
		want    []any
		depends []string
	}{
		{"array", 64, nil, "size=64", []any{[]any{"shard", run}}, []string{"jobId=id-002"}},
		{"one task is no array", 1, nil, "", []any{[]any{"shard", run, "--task", "0"}}, []string{"jobId=id-002"}},
		{
			"missing", 64, []int{3, 9}, "", []any{[]any{"shard", run, "--task", "3"}, []any{"shard", run, "--task", "9"}},
			[]string{"jobId=id-002", "jobId=id-003"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			job := example(t)
			job.Tasks, job.Missing = test.tasks, test.missing
			calls := done(t, emit(t, "aws-batch", job), "QUEUE=q")
			definition := parseJSON(t, calls[0].Args[slices.Index(calls[0].Args, "--cli-input-json")+1])
			badInput := any(map[string]any{"onExitCode": "65", "action": "EXIT"})
			if got := at(t, definition, "retryStrategy", "evaluateOnExit", 2); !cmp.Equal(got, badInput) {
				t.Errorf("bad input: %v", got)
			}
			want := append(slices.Clone(test.want), []any{"commit", run})
			if got := commands(t, calls[1:]); !cmp.Equal(got, want) {
				t.Errorf("the containers run %v", got)
			}
			size := slices.Index(calls[1].Args, "--array-properties")
			if (size >= 0) != (test.array != "") || size >= 0 && calls[1].Args[size+1] != test.array {
				t.Errorf("the array: %q", calls[1].Args)
			}
			last := calls[len(calls)-1].Args
			depends := slices.Index(last, "--depends-on")
			if got := last[depends+1 : depends+1+len(test.depends)]; !cmp.Equal(got, test.depends) {
				t.Errorf("the commit waits for %q", got)
			}
		})
	}
}

func TestGoogleBatch(t *testing.T) {
	job := example(t)
	calls := done(t, emit(t, "google-batch", job), "LOCATION=europe-west4")
	if len(calls) != 3 { // submit, describe, submit
		t.Fatalf("%d calls", len(calls))
	}
	group := at(t, parseJSON(t, calls[0].Stdin), "taskGroups", 0)
	if got := at(t, group, "taskCount"); got != 64.0 {
		t.Errorf("%v tasks", got)
	}
	// The interface takes one policy; what it does not name is tried again.
	want := []any{map[string]any{"action": "FAIL_TASK", "actionCondition": map[string]any{"exitCodes": []any{3.0, 64.0, 65.0}}}}
	if got := at(t, group, "taskSpec", "lifecyclePolicies"); !cmp.Equal(got, any(want)) {
		t.Errorf("policies %v", got)
	}
	if got := at(t, parseJSON(t, calls[2].Stdin), "taskGroups", 0, "taskSpec", "runnables", 0, "container", "commands", 0); got != "commit" {
		t.Errorf("the last job runs %v", got)
	}

	calls, err := script(t, emit(t, "google-batch", job), "LOCATION=europe-west4", "STATE=FAILED")
	if err == nil || len(calls) != 2 {
		t.Errorf("committed after a failure: %v", calls)
	}

	job.Missing = []int{3, 9}
	calls = done(t, emit(t, "google-batch", job), "LOCATION=europe-west4")
	for i, task := range []string{"3", "9"} {
		group := at(t, parseJSON(t, calls[i].Stdin), "taskGroups", 0)
		if got := at(t, group, "taskSpec", "runnables", 0, "container", "commands", 3); got != task || at(t, group, "taskCount") != 1.0 {
			t.Errorf("job %d does %v", i, got)
		}
	}
}

func TestCloudRun(t *testing.T) {
	job := example(t)
	calls := done(t, emit(t, "cloud-run", job), "REGION=europe-west4")
	if len(calls) != 4 {
		t.Fatalf("%d calls", len(calls))
	}
	tasks := documents(t, calls[0].Stdin)[0]
	if got := at(t, tasks, "spec", "template", "spec", "taskCount"); got != 64 {
		t.Errorf("%v tasks", got)
	}
	limits := at(t, tasks, "spec", "template", "spec", "template", "spec", "containers", 0, "resources", "limits")
	if !cmp.Equal(limits, any(map[string]any{"cpu": "4", "memory": "5120Mi"})) {
		t.Errorf("limits %v", limits)
	}
	want := []string{"run", "jobs", "execute", "palimpsest-nightly-commit", "--region", "europe-west4", "--wait"}
	if got := calls[3].Args; !cmp.Equal(got, want) {
		t.Errorf("the last call is %q", got)
	}

	job.Missing = []int{3}
	calls = done(t, emit(t, "cloud-run", job), "REGION=europe-west4")
	if got := calls[2].Args; !slices.Contains(got, "^|~|^shard|~|s3://my-bucket/evidence/nightly|~|--task|~|3") {
		t.Errorf("the missing task: %q", got)
	}

	job.Missing, job.Cores, job.Memory = nil, 1, 13<<30
	if !strings.Contains(emit(t, "cloud-run", job), `{cpu: "6", memory: 16640Mi}`) {
		t.Error("16.25 GiB need six cores")
	}
}

// Whatever can stand in a URL reaches the program as it was.
func TestSlurmQuotes(t *testing.T) {
	job := example(t)
	rapid.Check(t, func(t *rapid.T) {
		job.RunURL = "file:///" + rapid.StringOf(printable).Draw(t, "url")
		var b bytes.Buffer
		if err := scheduler.Emit(&b, "slurm", job); err != nil {
			t.Skip(err)
		}
		// The line with srun alone, in a shell in which srun prints its last argument.
		for line := range strings.Lines(b.String()) {
			if strings.HasPrefix(line, "srun ") {
				got, err := exec.Command("sh", "-c", `srun() { for last; do :; done; printf %s "$last"; }; code=0; `+line).Output()
				if err != nil || string(got) != job.RunURL {
					t.Fatalf("%q became %q: %v", job.RunURL, got, err)
				}
			}
		}
	})
}
