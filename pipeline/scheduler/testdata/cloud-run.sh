#!/bin/sh
# The tasks of run nightly and its commit, for Cloud Run jobs; made by palimpsest plan --emit cloud-run.
#
#   REGION=europe-west4 sh FILE
#
# The script waits for the tasks and then starts the commit; where it was broken off, execute the job that ends in -commit alone. The
# jobs act as the project's default service account; name another in spec.template.spec.template.spec.serviceAccountName.
#
# Cloud Run does not tell exit codes apart: whatever fails is tried again, three times. Files that a task writes to /tmp count as its
# memory.
set -eu
: "${REGION:?the region}"

# create creates the job that it reads, or replaces the one of that name.
create() {
	gcloud run jobs replace /dev/stdin --region "$REGION"
}

# execute NAME [OPTION...] runs a job to its end.
execute() {
	gcloud run jobs execute "$@" --region "$REGION" --wait
}

# A task finds its index in CLOUD_RUN_TASK_INDEX.
create <<'YAML'
apiVersion: run.googleapis.com/v1
kind: Job
metadata:
  name: palimpsest-nightly
spec:
  template:
    spec:
      taskCount: 64
      parallelism: 64
      template:
        spec:
          maxRetries: 3
          timeoutSeconds: 86400
          containers:
            - image: "registry.example.com/palimpsest:1.0"
              args: ["shard","s3://my-bucket/evidence/nightly"]
              resources: {limits: {cpu: "4", memory: 5120Mi}}
YAML
create <<'YAML'
apiVersion: run.googleapis.com/v1
kind: Job
metadata:
  name: palimpsest-nightly-commit
spec:
  template:
    spec:
      taskCount: 1
      parallelism: 1
      template:
        spec:
          maxRetries: 3
          timeoutSeconds: 86400
          containers:
            - image: "registry.example.com/palimpsest:1.0"
              args: ["commit","s3://my-bucket/evidence/nightly"]
              resources: {limits: {cpu: "4", memory: 5120Mi}}
YAML
execute palimpsest-nightly
execute palimpsest-nightly-commit
