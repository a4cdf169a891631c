package scheduler

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// indexVariables are the variables in which schedulers tell a task its index, counted from 0. Their counts of tasks are not looked at:
// Slurm's SLURM_ARRAY_TASK_COUNT is 2 for --array=3,7, and Kubernetes has none. The plan has the count.
var indexVariables = []struct{ name, scheduler string }{
	{"JOB_COMPLETION_INDEX", "Kubernetes"},
	{"SLURM_ARRAY_TASK_ID", "Slurm"},
	{"AWS_BATCH_JOB_ARRAY_INDEX", "AWS Batch"},
	{"BATCH_TASK_INDEX", "Google Batch"},
	{"CLOUD_RUN_TASK_INDEX", "Cloud Run"},
}

// TaskIndex returns the task that the scheduler gave this process, by its variable in the environment. It is an error if there is
// none, since taking task 0 instead would make every task of a mistaken job do the same work; if there are two, since one of them is
// a stranger's; and if it is not a number. getenv is os.Getenv; a variable that is empty is not set.
func TaskIndex(getenv func(string) string) (int, error) {
	var set, scheduler, value string
	for _, v := range indexVariables {
		found := getenv(v.name)
		switch {
		case found == "":
		case set != "":
			return 0, fmt.Errorf("both %s (%s) and %s (%s) are set: say which task this is with --task I, or unset one of them",
				set, scheduler, v.name, v.scheduler)
		default:
			set, scheduler, value = v.name, v.scheduler, found
		}
	}
	if set == "" {
		return 0, fmt.Errorf("no task index: say --task I, or run as a task of an array (%s is set then)", variableNames())
	}
	index, err := strconv.ParseUint(value, 10, 31)
	if err != nil {
		if errors.Is(err, strconv.ErrRange) {
			return 0, fmt.Errorf("%s is %s, which is no index of a task: say --task I", set, value)
		}
		return 0, fmt.Errorf("%s is %q, which is not a number: say --task I", set, value)
	}
	return int(index), nil
}

func variableNames() string {
	names := make([]string, len(indexVariables))
	for i, v := range indexVariables {
		names[i] = v.name
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// Ranges writes ascending indices the way Slurm's --array takes them: "3,7-9".
func Ranges(indices []int) string {
	var b strings.Builder
	for i := 0; i < len(indices); {
		end := i + 1
		for end < len(indices) && indices[end] == indices[end-1]+1 {
			end++
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(indices[i]))
		if end > i+1 {
			b.WriteByte('-')
			b.WriteString(strconv.Itoa(indices[end-1]))
		}
		i = end
	}
	return b.String()
}
