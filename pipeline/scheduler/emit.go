package scheduler

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"unicode"
)

// Job is what a manifest is made for.
type Job struct {
	RunURL  string // the run, <output>/<run_id>, as shard and commit are given it
	Name    string // the run's id, or of a nightly run that of the configuration; names of jobs are made of it
	Tasks   int    // of the plan
	Missing []int  // the tasks that are not done and are to be submitted, ascending; nil: all
	Cores   int    // that a task may use
	Memory  int64  // bytes that a task may use, resources.memory; the scheduler is asked for a quarter more
	Image   string // container image, for every kind but Slurm
	Program string // palimpsest on the nodes, for Slurm; empty: found in PATH

	// For kubernetes-cronjob alone.
	Config string   // text of the configuration
	Set    []string // what --set changes of it
}

// Kinds are the manifests that Emit can write.
func Kinds() []string {
	kinds := make([]string, len(systems))
	for i, s := range systems {
		kinds[i] = s.kind
	}
	return kinds
}

// system is a scheduler. Limits are those of its interface, not of one installation.
type system struct {
	kind, name string
	file       string // template
	most       int    // tasks of an array; 0: no bound of the interface
	containers bool
}

var systems = []system{
	// Above 100,000 completions an Indexed Job with retries per index takes other bounds.
	{kind: "kubernetes", name: "Kubernetes", file: "kubernetes.yaml", most: 100_000, containers: true},
	{kind: nightly, name: "Kubernetes", file: "kubernetes-cronjob.yaml", containers: true},
	{kind: "slurm", name: "Slurm", file: "slurm.sh"},
	{kind: "aws-batch", name: "AWS Batch", file: "aws-batch.sh", most: 10_000, containers: true},
	{kind: "google-batch", name: "Google Batch", file: "google-batch.sh", most: 10_000, containers: true},
	{kind: "cloud-run", name: "Cloud Run", file: "cloud-run.sh", most: 10_000, containers: true},
}

const nightly = "kubernetes-cronjob"

// Cloud Run's largest task.
const (
	cloudRunCores  = 8
	cloudRunMemory = 32 << 30
)

// mostSingles is how many missing tasks are submitted as jobs of their own. AWS Batch lets a job, the commit, wait for 20 others.
const mostSingles = 20

//go:embed templates
var files embed.FS

var templates = template.Must(template.New("").Option("missingkey=error").Funcs(template.FuncMap{
	"sh": shellWord, "json": jsonText, "indent": indent,
}).ParseFS(files, "templates/*"))

// Emit writes to w the manifest of the given kind for the tasks of job and the commit after them. A kind that is not one of Kinds, and a
// job that the scheduler cannot take, is an error that names the limit; nothing is written then.
func Emit(w io.Writer, kind string, job Job) error {
	i := slices.IndexFunc(systems, func(s system) bool { return s.kind == kind })
	if i < 0 {
		return fmt.Errorf("there is no kind of manifest called %q: take one of %s", kind, strings.Join(Kinds(), ", "))
	}
	s := systems[i]
	if err := s.check(job); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, s.file, newManifest(s, job)); err != nil {
		return fmt.Errorf("writing a manifest for %s: %w", s.name, err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// check says what of the job the scheduler cannot take.
func (s system) check(job Job) error {
	type named struct{ what, value string }
	values := []named{{"the run's URL", job.RunURL}, {"the image", job.Image}, {"the program", job.Program}}
	for _, set := range job.Set {
		values = append(values, named{"--set", set})
	}
	for _, v := range values {
		if strings.ContainsFunc(v.value, unicode.IsControl) {
			return fmt.Errorf("%s %q has a control character, which a manifest cannot carry", v.what, v.value)
		}
		// Kubernetes, AWS Batch and Cloud Run put variables in their place.
		if strings.Contains(v.value, "$(") || strings.Contains(v.value, "$$") {
			return fmt.Errorf("%s %q has a $( or $$, for which schedulers put something else", v.what, v.value)
		}
	}
	if s.containers && job.Image == "" {
		return fmt.Errorf("%s runs containers: name an image with --image (cmd/palimpsest/Dockerfile builds one)", s.name)
	}
	if job.Cores < 1 || job.Memory < 1 {
		return fmt.Errorf("%s has to be told what a task needs, and %d cores and %d bytes are too few: set resources.workers and "+
			"resources.memory", s.name, job.Cores, job.Memory)
	}
	if s.kind == nightly {
		if len(job.Config) > 1<<20 {
			return fmt.Errorf("a configuration of %d bytes is too long for a ConfigMap, which takes 1 MiB", len(job.Config))
		}
		return nil
	}
	if job.Tasks < 1 {
		return fmt.Errorf("a plan of %d tasks leaves nothing to submit", job.Tasks)
	}
	if s.most > 0 && job.Tasks > s.most {
		return fmt.Errorf("%s takes arrays of up to %d tasks, and the plan has %d: plan with --tasks %d or fewer", s.name, s.most, job.Tasks,
			s.most)
	}
	if job.Missing != nil && len(job.Missing) == 0 {
		return fmt.Errorf("no task is missing: commit the run")
	}
	for i, task := range job.Missing {
		if task < 0 || task >= job.Tasks || i > 0 && task <= job.Missing[i-1] {
			return fmt.Errorf("missing tasks %v are not ascending indices below %d", job.Missing, job.Tasks)
		}
	}
	if s.kind == "cloud-run" && (job.Cores > cloudRunCores || askedMemory(job.Memory) > cloudRunMemory) {
		return fmt.Errorf("%s gives a task up to %d cores and %d GiB, and this one asks for %d cores and %.1f GiB: lower resources.workers "+
			"and resources.memory", s.name, cloudRunCores, cloudRunMemory>>30, job.Cores, float64(askedMemory(job.Memory))/(1<<30))
	}
	return nil
}

// askedMemory is what a scheduler is asked for, in bytes: Go keeps to its budget only softly, and the parts of the process that are not
// Go's heap have to fit beside it. A task beyond what it asked for is killed.
func askedMemory(budget int64) int64 { return budget + budget/4 }

// manifest is what the templates see.
type manifest struct {
	Job
	JobName   string // palimpsest-<name>, fit for every scheduler
	MiB       int64  // of memory
	Array     string // all tasks to submit, as ranges
	Highest   int    // index of them
	Singles   []int  // the tasks that are submitted as jobs of their own; empty: an array
	Parallel  int    // tasks at once, where the scheduler has to be told
	RunIsPath bool   // the run is on a file system, which the tasks have to share
	CloudCPUs int    // Cloud Run: 1, 2, 4, 6 or 8, as the memory wants it
}

func newManifest(s system, job Job) manifest {
	if job.Program == "" {
		job.Program = "palimpsest"
	}
	if s.kind != nightly {
		job.Config = ""
	}
	if len(job.Missing) == job.Tasks {
		job.Missing = nil
	}
	m := manifest{
		Job: job, JobName: jobName(job.Name), MiB: (askedMemory(job.Memory) + 1<<20 - 1) >> 20, Highest: job.Tasks - 1,
		Parallel: min(job.Tasks, 100), RunIsPath: strings.HasPrefix(job.RunURL, "file:") || !strings.Contains(job.RunURL, "://"),
	}
	switch {
	case job.Missing != nil:
		m.Array, m.Highest = Ranges(job.Missing), job.Missing[len(job.Missing)-1]
		if len(job.Missing) <= mostSingles {
			m.Singles = job.Missing
		}
	case job.Tasks > 1:
		m.Array = fmt.Sprintf("0-%d", job.Tasks-1)
	default:
		m.Array = "0"
	}
	for _, step := range []struct {
		cpus int
		mib  int64
	}{{1, 4 << 10}, {2, 8 << 10}, {4, 16 << 10}, {6, 24 << 10}, {8, 32 << 10}} {
		m.CloudCPUs = step.cpus
		if step.cpus >= job.Cores && step.mib >= m.MiB {
			break
		}
	}
	return m
}

// work is one job of a manifest: Count tasks that each run palimpsest with these arguments.
type work struct {
	manifest
	Name  string // of the job; empty where nothing is named
	Count int
	Args  []string
}

// Work returns one job of the manifest.
func (m manifest) Work(name string, count int, args ...string) work {
	return work{m, name, count, args}
}

// Nightly returns the job that makes a run of the configuration. Kubernetes puts the Job's name in the place of the variable.
func (m manifest) Nightly() work {
	args := []string{"run", "-c", "/etc/palimpsest/palimpsest.yaml"}
	for _, set := range m.Set {
		args = append(args, "--set", set)
	}
	return m.Work("", 1, append(args, "--set", "run_id=$(JOB_NAME)")...)
}

// Component is the command that the job runs.
func (w work) Component() string { return w.Args[0] }

// Text returns what the template called name makes of the job, for places that are indented more.
func (w work) Text(name string) (string, error) {
	var b strings.Builder
	err := templates.ExecuteTemplate(&b, name, w)
	return strings.Trim(b.String(), "\n"), err
}

// Override is how a job of AWS Batch says what its container runs.
func (m manifest) Override(args ...string) any {
	return map[string]any{"containerOverrides": map[string]any{"command": args}}
}

// nameLength leaves room in 49 bytes, Cloud Run's bound, for "-commit"; the bounds of the others are wider.
const nameLength = 40

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// jobName turns a run's id into a name that every scheduler takes: lower case, digits and single hyphens, a letter first. An id that does
// not survive it as it is gets a digest, so that two runs do not share a name.
func jobName(id string) string {
	const prefix = "palimpsest-"
	name := strings.Trim(notInNames.ReplaceAllString(strings.ToLower(id), "-"), "-")
	if name == "" || name != id || len(prefix)+len(name) > nameLength {
		digest := sha256.Sum256([]byte(id))
		suffix := hex.EncodeToString(digest[:4])
		name = strings.Trim(name[:min(len(name), nameLength-len(prefix)-1-len(suffix))]+"-"+suffix, "-")
	}
	return prefix + strings.ReplaceAll(name, "--", "-")
}
