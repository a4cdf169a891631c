#!/bin/sh
# The tasks of run {{.Job.Name}} and its commit, for Cloud Run jobs; made by palimpsest plan --emit cloud-run.
#
#   REGION=europe-west4 sh FILE
#
# The script waits for the tasks and then starts the commit; where it was broken off, execute the job that ends in -commit alone. The
# jobs act as the project's default service account; name another in spec.template.spec.template.spec.serviceAccountName.
#
# Cloud Run does not tell exit codes apart: whatever fails is tried again, three times. Files that a task writes to /tmp count as its
# memory.
{{- if .RunIsPath}}
#
# The run is on a file system. Mount it in every task at the same path (volumes), inputs included.
{{- end}}
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
{{template "cloud-run-job" (.Work .JobName .Tasks "shard" .RunURL)}}
YAML
create <<'YAML'
{{template "cloud-run-job" (.Work (print .JobName "-commit") 1 "commit" .RunURL)}}
YAML
{{- if .Singles}}

# An execution has no gaps, so every missing task has one of its own; --task overrules the index.
executions=
{{- range .Singles}}
execute {{$.JobName}} --tasks 1 --args {{sh (printf "^|~|^shard|~|%s|~|--task|~|%d" $.RunURL .)}} &
executions="$executions $!"
{{- end}}
for execution in $executions; do wait "$execution"; done
{{- else}}
execute {{.JobName}}
{{- end}}
execute {{.JobName}}-commit

{{- define "cloud-run-job" -}}
apiVersion: run.googleapis.com/v1
kind: Job
metadata:
  name: {{.Name}}
spec:
  template:
    spec:
      taskCount: {{.Count}}
      parallelism: {{if eq .Count 1}}1{{else}}{{.Parallel}}{{end}}
      template:
        spec:
          maxRetries: 3
          timeoutSeconds: 86400
          containers:
            - image: {{json .Image}}
              args: {{json .Args}}
              resources: {limits: {cpu: "{{.CloudCPUs}}", memory: {{.MiB}}Mi}}
{{- end}}
