#!/bin/sh
# The tasks of run nightly and its commit, for Google Batch; made by palimpsest plan --emit google-batch.
#
#   LOCATION=europe-west4 sh FILE
#
# The script waits for the tasks and then submits the commit; where it was broken off, submit the commit alone. The jobs act as the
# project's default service account; name another in "allocationPolicy": {"serviceAccount": {"email": "..."}}.
#
# A task that was stopped (75, or its machine was taken away) is tried again, and so is one that failed, 10 times; usage and bad input
# are not.
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

# A task finds its index in BATCH_TASK_INDEX.
submit "palimpsest-nightly-$now" <<'JSON'
{
  "taskGroups": [{
    "taskCount": 64,
    "parallelism": 64,
    "taskSpec": {
      "runnables": [{"container": {"imageUri": "registry.example.com/palimpsest:1.0", "commands": ["shard","s3://my-bucket/evidence/nightly"]}}],
      "computeResource": {"cpuMilli": 4000, "memoryMib": 5120},
      "maxRunDuration": "86400s",
      "maxRetryCount": 10,
      "lifecyclePolicies": [{"action": "FAIL_TASK", "actionCondition": {"exitCodes": [3, 64, 65]}}]
    }
  }],
  "logsPolicy": {"destination": "CLOUD_LOGGING"}
}
JSON
await "palimpsest-nightly-$now"

submit "palimpsest-nightly-$now-commit" <<'JSON'
{
  "taskGroups": [{
    "taskCount": 1,
    "parallelism": 1,
    "taskSpec": {
      "runnables": [{"container": {"imageUri": "registry.example.com/palimpsest:1.0", "commands": ["commit","s3://my-bucket/evidence/nightly"]}}],
      "computeResource": {"cpuMilli": 4000, "memoryMib": 5120},
      "maxRunDuration": "86400s",
      "maxRetryCount": 10,
      "lifecyclePolicies": [{"action": "FAIL_TASK", "actionCondition": {"exitCodes": [3, 64, 65]}}]
    }
  }],
  "logsPolicy": {"destination": "CLOUD_LOGGING"}
}
JSON
