#!/bin/sh
# The tasks of run nightly and its commit, for AWS Batch; made by palimpsest plan --emit aws-batch.
#
#   QUEUE=my-queue sh FILE
#
# The containers need to read the inputs and to write below the run: put the role's ARN, as "jobRoleArn", beside "image". On Fargate
# "platformCapabilities": ["FARGATE"] and an "executionRoleArn" have to be there too.
#
# A task that was stopped (75, or its machine was taken away) is tried again, and so is one that failed, 10 times in all; usage and bad
# input are not. The commit waits until every task is done and fails with them.
set -eu
: "${QUEUE:?the job queue}"

definition() {
	cat <<'JSON'
{
  "jobDefinitionName": "palimpsest-nightly",
  "type": "container",
  "containerProperties": {
    "image": "registry.example.com/palimpsest:1.0",
    "command": ["status", "s3://my-bucket/evidence/nightly"],
    "resourceRequirements": [
      {"type": "VCPU", "value": "4"},
      {"type": "MEMORY", "value": "5120"}
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

# A task finds its index in AWS_BATCH_JOB_ARRAY_INDEX.
task=$(submit palimpsest-nightly "$definition" '{"containerOverrides":{"command":["shard","s3://my-bucket/evidence/nightly"]}}' --array-properties size=64)
tasks="jobId=$task"
# shellcheck disable=SC2086
commit=$(submit palimpsest-nightly-commit "$definition" '{"containerOverrides":{"command":["commit","s3://my-bucket/evidence/nightly"]}}' --depends-on $tasks)
echo "tasks: $tasks, commit: $commit"
