package scheduler_test

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
	"pgregory.net/rapid"

	"palimpsest/pipeline/scheduler"
)

var dnsLabel = regexp.MustCompile(`^[a-z]([a-z0-9-]*[a-z0-9])?$`)

// documents parses a YAML stream.
func documents(t require, text string) (all []any) {
	t.Helper()
	decoder := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	for {
		var document any
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if document != nil {
			all = append(all, document)
		}
	}
}

// require is what *testing.T and *rapid.T have in common.
type require interface {
	Helper()
	Fatalf(format string, args ...any)
}

// at follows keys and indices into a parsed document.
func at(t require, document any, path ...any) any {
	t.Helper()
	for _, step := range path {
		switch step := step.(type) {
		case string:
			object, ok := document.(map[string]any)
			if !ok || object[step] == nil {
				t.Fatalf("nothing at %v of %v", path, document)
			}
			document = object[step]
		case int:
			list, ok := document.([]any)
			if !ok || step >= len(list) {
				t.Fatalf("nothing at %v of %v", path, document)
			}
			document = list[step]
		}
	}
	return document
}

// container is the only container of a Job.
func container(t require, job any) any {
	t.Helper()
	return at(t, job, "spec", "template", "spec", "containers", 0)
}

func TestKubernetes(t *testing.T) {
	jobs := documents(t, emit(t, "kubernetes", example(t)))
	if len(jobs) != 2 {
		t.Fatalf("%d documents", len(jobs))
	}
	for _, check := range []struct {
		job  int
		path []any
		want any
	}{
		{0, []any{"spec", "completionMode"}, "Indexed"},
		{0, []any{"spec", "completions"}, 64},
		{0, []any{"spec", "template", "spec", "restartPolicy"}, "Never"},
		{0, []any{"spec", "podFailurePolicy", "rules", 1, "onExitCodes", "values"}, []any{75}},
		{0, []any{"spec", "podFailurePolicy", "rules", 2, "action"}, "FailIndex"},
		{0, []any{"spec", "podFailurePolicy", "rules", 2, "onExitCodes", "values"}, []any{64, 65}},
		{1, []any{"spec", "suspend"}, true},
		{1, []any{"metadata", "name"}, "palimpsest-nightly-commit"},
	} {
		if got := at(t, jobs[check.job], check.path...); !cmp.Equal(got, check.want) {
			t.Errorf("%v is %v, not %v", check.path, got, check.want)
		}
	}
	want := []any{"shard", "s3://my-bucket/evidence/nightly"}
	if got := at(t, container(t, jobs[0]), "args"); !cmp.Equal(got, any(want)) {
		t.Errorf("a task is %v", got)
	}
	if got := at(t, container(t, jobs[0]), "resources", "limits", "memory"); got != "5120Mi" {
		t.Errorf("a task of 4 GiB gets %v", got)
	}
}

// An Indexed Job has no gaps: a few missing tasks are Jobs of their own, many are the whole array again.
func TestKubernetesMissing(t *testing.T) {
	job := example(t)
	job.Missing = []int{3, 7, 8}
	jobs := documents(t, emit(t, "kubernetes", job))
	if len(jobs) != 4 {
		t.Fatalf("%d Jobs for 3 tasks and a commit", len(jobs))
	}
	for i, task := range []string{"3", "7", "8"} {
		if got := at(t, container(t, jobs[i]), "args", 3); got != task {
			t.Errorf("Job %d does task %v, not %s", i, got, task)
		}
		if got := at(t, jobs[i], "metadata", "name"); got != "palimpsest-nightly-"+task {
			t.Errorf("Job %d is %v", i, got)
		}
	}
	job.Tasks = 3
	job.Missing = []int{0, 1, 2}
	if jobs = documents(t, emit(t, "kubernetes", job)); at(t, jobs[0], "spec", "completions") != 3 {
		t.Error("all tasks are missing, and are not an array")
	}
	job.Tasks, job.Missing = 64, nil
	for i := range 21 {
		job.Missing = append(job.Missing, 2*i)
	}
	jobs = documents(t, emit(t, "kubernetes", job))
	if len(jobs) != 2 || at(t, jobs[0], "spec", "completions") != 64 {
		t.Errorf("%d Jobs, and not the whole array", len(jobs))
	}
}

func TestCronJob(t *testing.T) {
	job := example(t)
	job.Set = []string{"hash.near_duplicate=0.8", "run_id=other"}
	parts := documents(t, emit(t, "kubernetes-cronjob", job))
	if got := at(t, parts[0], "data", "palimpsest.yaml"); got != job.Config {
		t.Errorf("the configuration became\n%s", got)
	}
	spec := at(t, parts[1], "spec", "jobTemplate")
	want := []any{"run", "-c", "/etc/palimpsest/palimpsest.yaml", "--set", "hash.near_duplicate=0.8", "--set", "run_id=other",
		"--set", "run_id=$(JOB_NAME)"} // the last one holds
	if got := at(t, container(t, spec), "args"); !cmp.Equal(got, any(want)) {
		t.Errorf("the pod runs %v", got)
	}
	if at(t, container(t, spec), "env", 0, "name") != "JOB_NAME" {
		t.Error("the pod does not know the Job's name")
	}
}

// Whatever can stand in a URL comes back out of the YAML as it was.
func TestKubernetesQuotes(t *testing.T) {
	job := example(t)
	rapid.Check(t, func(t *rapid.T) {
		job.RunURL = "s3://" + rapid.StringOf(printable).Draw(t, "url")
		var b bytes.Buffer
		if err := scheduler.Emit(&b, "kubernetes", job); err != nil {
			t.Skip(err)
		}
		if got := at(t, container(t, documents(t, b.String())[1]), "args", 1); got != job.RunURL {
			t.Fatalf("%q became %q", job.RunURL, got)
		}
	})
}
