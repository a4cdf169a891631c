#!/bin/sh
# The tasks of run {{.Job.Name}} and its commit, for AWS Batch; made by palimpsest plan --emit aws-batch.
#
#   QUEUE=my-queue sh FILE
#
# The containers need to read the inputs and to write below the run: put the role's ARN, as "jobRoleArn", beside "image". On Fargate
# "platformCapabilities": ["FARGATE"] and an "executionRoleArn" have to be there too.
#
# A task that was stopped (75, or its machine was taken away) is tried again, and so is one that failed, 10 times in all; usage and bad
# input are not. The commit waits until every task is done and fails with them.
{{- if .RunIsPath}}
#
# The run is on a file system. Mount it in every container at the same path (volumes, mountPoints), inputs included.
{{- end}}
set -eu
: "${QUEUE:?the job queue}"

definition() {
	cat <<'JSON'
{
  "jobDefinitionName": "{{.JobName}}",
  "type": "container",
  "containerProperties": {
    "image": {{json .Image}},
    "command": ["status", {{json .RunURL}}],
    "resourceRequirements": [
      {"type": "VCPU", "value": "{{.Cores}}"},
      {"type": "MEMORY", "value": "{{.MiB}}"}
    ]
  },
  "retryStrategy": {
    "attempts": 10,
    "evaluateOnExit": [
      {"onExitCode": "3", "action": "EXIT"},
      {"onExitCode": "64", "action": "EXIT"},
      {"onExitCode": "65", "action": "EXIT"},
      {"onReason": "*", "action": "RETRY"}
    ]
  },
  "timeout": {"attemptDurationSeconds": 86400}
}
JSON
}

# submit NAME DEFINITION JSON [OPTION...] prints the job's id.
submit() {
	name=$1 definition=$2 json=$3
	shift 3
	aws batch submit-job --job-name "$name" --job-queue "$QUEUE" --job-definition "$definition" --cli-input-json "$json" "$@" \
		--query jobId --output text
}

definition=$(aws batch register-job-definition --cli-input-json "$(definition)" --query jobDefinitionArn --output text)
{{- if .Singles}}

# An array has no gaps, so every missing task is a job of its own.
tasks=
{{- range .Singles}}
task=$(submit {{$.JobName}}-{{.}} "$definition" {{sh (json ($.Override "shard" $.RunURL "--task" (print .)))}})
tasks="$tasks jobId=$task"
{{- end}}
{{- else if eq .Tasks 1}}

# An array has two tasks or more.
task=$(submit {{.JobName}}-0 "$definition" {{sh (json (.Override "shard" .RunURL "--task" "0"))}})
tasks="jobId=$task"
{{- else}}

# A task finds its index in AWS_BATCH_JOB_ARRAY_INDEX.
task=$(submit {{.JobName}} "$definition" {{sh (json (.Override "shard" .RunURL))}} --array-properties size={{.Tasks}})
tasks="jobId=$task"
{{- end}}
# shellcheck disable=SC2086
commit=$(submit {{.JobName}}-commit "$definition" {{sh (json (.Override "commit" .RunURL))}} --depends-on $tasks)
echo "tasks: $tasks, commit: $commit"
