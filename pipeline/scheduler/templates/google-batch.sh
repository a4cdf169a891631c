#!/bin/sh
# The tasks of run {{.Job.Name}} and its commit, for Google Batch; made by palimpsest plan --emit google-batch.
#
#   LOCATION=europe-west4 sh FILE
#
# The script waits for the tasks and then submits the commit; where it was broken off, submit the commit alone. The jobs act as the
# project's default service account; name another in "allocationPolicy": {"serviceAccount": {"email": "..."}}.
#
# A task that was stopped (75, or its machine was taken away) is tried again, and so is one that failed, 10 times; usage and bad input
# are not.
{{- if .RunIsPath}}
#
# The run is on a file system. Mount it in every task at the same path ("volumes"), inputs included.
{{- end}}
set -eu
: "${LOCATION:?the location}"
now=$(date +%s)

# submit NAME submits the job that it reads.
submit() {
	gcloud batch jobs submit "$1" --location "$LOCATION" --config -
}

# await NAME waits until the job has succeeded.
await() {
	while state=$(gcloud batch jobs describe "$1" --location "$LOCATION" --format 'value(status.state)'); do
		case $state in
		SUCCEEDED) return 0 ;;
		FAILED | DELETION_IN_PROGRESS | CANCELLED) echo "$1: $state" >&2; return 1 ;;
		esac
		sleep 30
	done
	return 1
}
{{- if .Singles}}

# An array has no gaps, so every missing task is a job of its own.
{{- range .Singles}}
submit "{{$.JobName}}-$now-{{.}}" <<'JSON'
{{template "google-batch-job" ($.Work "" 1 "shard" $.RunURL "--task" (print .))}}
JSON
{{- end}}
{{- range .Singles}}
await "{{$.JobName}}-$now-{{.}}"
{{- end}}
{{- else}}

# A task finds its index in BATCH_TASK_INDEX.
submit "{{.JobName}}-$now" <<'JSON'
{{template "google-batch-job" (.Work "" .Tasks "shard" .RunURL)}}
JSON
await "{{.JobName}}-$now"
{{- end}}

submit "{{.JobName}}-$now-commit" <<'JSON'
{{template "google-batch-job" (.Work "" 1 "commit" .RunURL)}}
JSON

{{- define "google-batch-job" -}}
{
  "taskGroups": [{
    "taskCount": {{.Count}},
    "parallelism": {{if eq .Count 1}}1{{else}}{{.Parallel}}{{end}},
    "taskSpec": {
      "runnables": [{"container": {"imageUri": {{json .Image}}, "commands": {{json .Args}}}}],
      "computeResource": {"cpuMilli": {{.Cores}}000, "memoryMib": {{.MiB}}},
      "maxRunDuration": "86400s",
      "maxRetryCount": 10,
      "lifecyclePolicies": [{"action": "FAIL_TASK", "actionCondition": {"exitCodes": [3, 64, 65]}}]
    }
  }],
  "logsPolicy": {"destination": "CLOUD_LOGGING"}
}
{{- end}}
