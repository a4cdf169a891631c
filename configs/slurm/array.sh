#!/bin/sh
# The tasks of run nightly and its commit, for Slurm; made by palimpsest plan --emit slurm.
#
#   sh FILE
#
# Partition, account and the like are set by variables of sbatch (SBATCH_PARTITION, SBATCH_ACCOUNT) or by more #SBATCH lines. The jobs
# take the environment with them, credentials included.
#
# A task that is asked to end (time limit, preemption, scancel --signal=TERM) stops within 10 seconds with 75 and is queued again, up to
# 20 times; what it finished is kept. When tasks failed the commit is cancelled: `palimpsest status` says which and why, and
# `palimpsest plan --emit slurm` makes an array of the missing ones.
set -eu

shards() {
	cat <<'SCRIPT'
#!/bin/sh
#SBATCH --job-name=palimpsest-nightly
#SBATCH --array=0-63
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=4
#SBATCH --mem=5120M
#SBATCH --time=1-00:00:00
#SBATCH --signal=TERM@60
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=palimpsest-nightly-%A_%a.out

# The task is in SLURM_ARRAY_TASK_ID. The signal goes to the step, not to this shell, which outlives it.
code=0
srun --ntasks=1 --cpus-per-task=4 palimpsest shard s3://my-bucket/evidence/nightly || code=$?
if [ $code -eq 75 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 20 ]; then
	scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
fi
exit $code
SCRIPT
}

commit() {
	cat <<'SCRIPT'
#!/bin/sh
#SBATCH --job-name=palimpsest-nightly-commit
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=4
#SBATCH --mem=5120M
#SBATCH --time=1-00:00:00
#SBATCH --signal=TERM@60
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=palimpsest-nightly-commit-%j.out

code=0
srun --ntasks=1 --cpus-per-task=4 palimpsest commit s3://my-bucket/evidence/nightly || code=$?
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
