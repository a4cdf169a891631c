package scheduler_test

import (
	"strings"
	"testing"

	"palimpsest/pipeline/scheduler"
)

func TestTaskIndex(t *testing.T) {
	for _, test := range []struct {
		name        string
		environment map[string]string
		want        int
		wrong       []string // what the error says
	}{
		{"Kubernetes", map[string]string{"JOB_COMPLETION_INDEX": "12"}, 12, nil},
		{"Slurm, an array with gaps", map[string]string{
			"SLURM_ARRAY_TASK_ID": "7", "SLURM_ARRAY_TASK_COUNT": "2", "SLURM_ARRAY_TASK_MIN": "3", "SLURM_ARRAY_TASK_MAX": "7",
		}, 7, nil},
		{"AWS Batch", map[string]string{"AWS_BATCH_JOB_ARRAY_INDEX": "0", "AWS_BATCH_JOB_ATTEMPT": "2"}, 0, nil},
		{"Google Batch", map[string]string{"BATCH_TASK_INDEX": "3", "BATCH_TASK_COUNT": "9"}, 3, nil},
		{"Cloud Run", map[string]string{"CLOUD_RUN_TASK_INDEX": "9999", "CLOUD_RUN_TASK_COUNT": "10000"}, 9999, nil},
		{"an empty variable is not set", map[string]string{"JOB_COMPLETION_INDEX": "", "SLURM_ARRAY_TASK_ID": "1"}, 1, nil},
		{"none", nil, 0, []string{"no task index", "--task", "JOB_COMPLETION_INDEX", "CLOUD_RUN_TASK_INDEX"}},
		{"only a count", map[string]string{"BATCH_TASK_COUNT": "9"}, 0, []string{"no task index"}},
		{
			"two", map[string]string{"JOB_COMPLETION_INDEX": "1", "SLURM_ARRAY_TASK_ID": "1"}, 0,
			[]string{"JOB_COMPLETION_INDEX (Kubernetes)", "SLURM_ARRAY_TASK_ID (Slurm)", "--task"},
		},
		{"no number", map[string]string{"BATCH_TASK_INDEX": "$INDEX"}, 0, []string{`BATCH_TASK_INDEX is "$INDEX"`, "not a number", "--task"}},
		{"negative", map[string]string{"BATCH_TASK_INDEX": "-1"}, 0, []string{`"-1"`}},
		{"signed", map[string]string{"BATCH_TASK_INDEX": "+1"}, 0, []string{`"+1"`}},
		{"too large", map[string]string{"BATCH_TASK_INDEX": "4294967296"}, 0, []string{"4294967296", "no index"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := scheduler.TaskIndex(func(name string) string { return test.environment[name] })
			if (err != nil) != (test.wrong != nil) || got != test.want {
				t.Fatalf("got %d, %v", got, err)
			}
			for _, words := range test.wrong {
				if !strings.Contains(err.Error(), words) {
					t.Errorf("%q does not say %q", err, words)
				}
			}
		})
	}
}

func TestRanges(t *testing.T) {
	for want, indices := range map[string][]int{
		"": nil, "0": {0}, "3,7-9": {3, 7, 8, 9}, "0-1": {0, 1}, "0-2,4,6-7": {0, 1, 2, 4, 6, 7}, "1,3,5": {1, 3, 5},
	} {
		if got := scheduler.Ranges(indices); got != want {
			t.Errorf("%v: %q, not %q", indices, got, want)
		}
	}
}
