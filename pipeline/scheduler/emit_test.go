package scheduler_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"palimpsest/pipeline/scheduler"
)

var update = flag.Bool("update", false, "write the examples anew")

// example is the job of the files in configs and testdata.
func example(t *testing.T) scheduler.Job {
	t.Helper()
	config, err := os.ReadFile("testdata/nightly.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return scheduler.Job{
		RunURL: "s3://my-bucket/evidence/nightly", Name: "nightly", Tasks: 64, Cores: 4, Memory: 4 << 30,
		Image: "registry.example.com/palimpsest:1.0", Config: string(config),
	}
}

func emit(t *testing.T, kind string, job scheduler.Job) string {
	t.Helper()
	var b bytes.Buffer
	if err := scheduler.Emit(&b, kind, job); err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	return b.String()
}

// The examples are what Emit writes: go test ./pipeline/scheduler -update writes them anew.
func TestExamples(t *testing.T) {
	for kind, path := range map[string]string{
		"kubernetes":         "../../configs/kubernetes/job.yaml",
		"kubernetes-cronjob": "../../configs/kubernetes/cronjob.yaml",
		"slurm":              "../../configs/slurm/array.sh",
		"aws-batch":          "testdata/aws-batch.sh",
		"google-batch":       "testdata/google-batch.sh",
		"cloud-run":          "testdata/cloud-run.sh",
	} {
		t.Run(kind, func(t *testing.T) {
			got := emit(t, kind, example(t))
			if *update {
				if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s is not what Emit writes; to write it anew: go test ./pipeline/scheduler -run TestExamples -update", path)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	many := make([]int, 0)
	for _, test := range []struct {
		name, kind string
		change     func(*scheduler.Job)
		words      []string
	}{
		{"kind", "kubernets", nil, []string{`"kubernets"`, "kubernetes, kubernetes-cronjob, slurm, aws-batch, google-batch, cloud-run"}},
		{"Kubernetes' bound", "kubernetes", func(j *scheduler.Job) { j.Tasks = 100_001 }, []string{"100000", "--tasks"}},
		{"AWS Batch's bound", "aws-batch", func(j *scheduler.Job) { j.Tasks = 10_001 }, []string{"AWS Batch", "10000", "10001", "--tasks 10000"}},
		{"Google Batch's bound", "google-batch", func(j *scheduler.Job) { j.Tasks = 10_001 }, []string{"Google Batch"}},
		{"Cloud Run's bound", "cloud-run", func(j *scheduler.Job) { j.Tasks = 10_001 }, []string{"Cloud Run"}},
		{"Cloud Run's cores", "cloud-run", func(j *scheduler.Job) { j.Cores = 9 }, []string{"8 cores", "asks for 9"}},
		{"Cloud Run's memory", "cloud-run", func(j *scheduler.Job) { j.Memory = 30 << 30 }, []string{"32 GiB", "37.5 GiB", "resources.memory"}},
		{"image", "aws-batch", func(j *scheduler.Job) { j.Image = "" }, []string{"--image", "Dockerfile"}},
		{"no tasks", "slurm", func(j *scheduler.Job) { j.Tasks = 0 }, []string{"0 tasks"}},
		{"no cores", "slurm", func(j *scheduler.Job) { j.Cores = 0 }, []string{"resources.workers"}},
		{"nothing missing", "slurm", func(j *scheduler.Job) { j.Missing = many }, []string{"no task is missing"}},
		{"missing beyond the plan", "slurm", func(j *scheduler.Job) { j.Missing = []int{64} }, []string{"[64]", "below 64"}},
		{"missing twice", "slurm", func(j *scheduler.Job) { j.Missing = []int{3, 3} }, []string{"ascending"}},
		{"new line", "slurm", func(j *scheduler.Job) { j.RunURL = "file:///a\nSCRIPT\nrm" }, []string{"control character"}},
		{"expansion", "kubernetes", func(j *scheduler.Job) { j.RunURL = "s3://b/$(HOME)" }, []string{"$("}},
		{"configuration", "kubernetes-cronjob", func(j *scheduler.Job) { j.Config = strings.Repeat("#", 1<<20+1) }, []string{"1 MiB"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			job := example(t)
			if test.change != nil {
				test.change(&job)
			}
			var b bytes.Buffer
			err := scheduler.Emit(&b, test.kind, job)
			if err == nil || b.Len() > 0 {
				t.Fatalf("not refused: %v, %d bytes", err, b.Len())
			}
			for _, words := range test.words {
				if !strings.Contains(err.Error(), words) {
					t.Errorf("%q does not say %q", err, words)
				}
			}
		})
	}
}

func TestNames(t *testing.T) {
	var names []string
	for _, id := range []string{
		"nightly-2026-11-23", "Nightly_2026-11-23", "nightly 2026-11-23", "", "--", "日本",
		"7f3a9c01d2e4b5a6978812aa34bb56cc", strings.Repeat("x", 300),
		strings.Repeat("x", 28) + "-" + strings.Repeat("y", 300),
	} {
		job := example(t)
		job.Name = id
		manifest := documents(t, emit(t, "kubernetes", job))[0]
		name := at(t, manifest, "metadata", "name").(string)
		if !dnsLabel.MatchString(name) || len(name) > 40 {
			t.Errorf("%q became %q", id, name)
		}
		if slices.Contains(names, name) {
			t.Errorf("%q became %q, which another run has", id, name)
		}
		names = append(names, name)
	}
	if names[0] != "palimpsest-nightly-2026-11-23" {
		t.Errorf("a plain id became %q", names[0])
	}
}
