#!/bin/sh
# The tasks of run {{.Job.Name}} and its commit, for Slurm; made by palimpsest plan --emit slurm.
#
#   sh FILE
#
# Partition, account and the like are set by variables of sbatch (SBATCH_PARTITION, SBATCH_ACCOUNT) or by more #SBATCH lines. The jobs
# take the environment with them, credentials included.
#
# A task that is asked to end (time limit, preemption, scancel --signal=TERM) stops within 10 seconds with 75 and is queued again, up to
# 20 times; what it finished is kept. When tasks failed the commit is cancelled: `palimpsest status` says which and why, and
# `palimpsest plan --emit slurm` makes an array of the missing ones.
{{- if ge .Highest 1000}}
#
# The highest index is {{.Highest}}. Slurm's MaxArraySize has to be greater; its default, 1001, is not (scontrol show config). Or plan with
# fewer tasks (--tasks).
{{- end}}
set -eu

shards() {
	cat <<'SCRIPT'
#!/bin/sh
#SBATCH --job-name={{.JobName}}
#SBATCH --array={{.Array}}
{{- template "slurm-job" .}}
#SBATCH --output={{.JobName}}-%A_%a.out

# The task is in SLURM_ARRAY_TASK_ID. The signal goes to the step, not to this shell, which outlives it.
code=0
srun --ntasks=1 --cpus-per-task={{.Cores}} {{sh .Program}} shard {{sh .RunURL}} || code=$?
if [ $code -eq 75 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 20 ]; then
	scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
fi
exit $code
SCRIPT
}

commit() {
	cat <<'SCRIPT'
#!/bin/sh
#SBATCH --job-name={{.JobName}}-commit
{{- template "slurm-job" .}}
#SBATCH --output={{.JobName}}-commit-%j.out

code=0
srun --ntasks=1 --cpus-per-task={{.Cores}} {{sh .Program}} commit {{sh .RunURL}} || code=$?
if [ $code -eq 75 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 20 ]; then
	scontrol requeue "$SLURM_JOB_ID"
fi
exit $code
SCRIPT
}

array=$(shards | sbatch --parsable)
array=${array%%;*}
# Without kill-on-invalid-dep the commit would wait forever for a task that failed.
commit=$(commit | sbatch --parsable --dependency="afterok:$array" --kill-on-invalid-dep=yes)
echo "array $array, commit ${commit%%;*}"

{{- define "slurm-job"}}
#SBATCH --ntasks=1
#SBATCH --cpus-per-task={{.Cores}}
#SBATCH --mem={{.MiB}}M
#SBATCH --time=1-00:00:00
#SBATCH --signal=TERM@60
#SBATCH --requeue
#SBATCH --open-mode=append
{{- end}}
