#!/usr/bin/env bash
# slurm/run.sh PROGRAM runs the demo as an array under a real Slurm of one node on this machine, as `plan --emit slurm` submits it, and
# compares every file with what `run` makes of the same configuration. On the way one task is stopped and queued again, one is requeued
# by Slurm, and one is cancelled, so that the commit is refused, the missing task is submitted alone, and the second commit succeeds.
# It needs root, and Slurm 22 or later, which it installs with apt-get where that is there; else it exits 77.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath "$1")
cd "$here/../.."
. .ci/server.sh

if [ "$(id -u)" -ne 0 ]; then
	echo "skipped: Slurm's daemons need root" >&2
	exit 77
fi
if ! command -v slurmctld slurmd sbatch munged >/dev/null; then
	packages=(slurm-wlm slurm-wlm-basic-plugins munge)
	export DEBIAN_FRONTEND=noninteractive
	if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${packages[@]}"; } >&2; then
		echo "skipped: Slurm cannot be installed: apt-get install ${packages[*]}" >&2
		exit 77
	fi
fi

scratch slurm
chmod 755 "$work"
before_end() {
	if [ "$1" -ne 0 ]; then
		{ sinfo --Node --long; squeue --array; } 2>&1 | head -n 20 >&2 || true
		tail -n 15 "$work"/jobs/*.out >&2 2>/dev/null || true
	fi
	# While the daemons still talk to each other: steps that are left would keep slurmd waiting.
	timeout 20 scancel --user=root 2>/dev/null || true
	for _ in $(seq 50); do
		[ -n "$(timeout 5 squeue --noheader --states=RUNNING,COMPLETING 2>/dev/null)" ] || break
		sleep 0.2
	done
	timeout 10 scontrol shutdown 2>/dev/null || true
}

began=$SECONDS
host=$(hostname -s)
export SLURM_CONF=$work/slurm.conf
mkdir "$work/state" "$work/spool" "$work/jobs"
cat >"$SLURM_CONF" <<-EOF_CONF
	ClusterName=palimpsest
	SlurmctldHost=$host(127.0.0.1)
	SlurmUser=root
	SlurmdUser=root
	AuthType=auth/munge
	AuthInfo=socket=$work/munge.socket
	CredType=cred/munge
	SlurmctldPort=26817
	SlurmdPort=26818
	StateSaveLocation=$work/state
	SlurmdSpoolDir=$work/spool
	SlurmctldPidFile=$work/slurmctld.pid
	SlurmdPidFile=$work/slurmd.pid
	ProctrackType=proctrack/linuxproc
	TaskPlugin=task/none
	JobAcctGatherType=jobacct_gather/none
	MpiDefault=none
	SelectType=select/cons_tres
	SelectTypeParameters=CR_Core
	SchedulerType=sched/backfill
	SchedulerParameters=sched_interval=2,bf_interval=2
	SlurmdParameters=config_overrides
	ReturnToService=2
	JobRequeue=1
	MinJobAge=3600
	KillWait=10
	NodeName=$host NodeAddr=127.0.0.1 CPUs=2 RealMemory=16000 State=UNKNOWN
	PartitionName=batch Nodes=$host Default=YES MaxTime=INFINITE State=UP
EOF_CONF
dd if=/dev/urandom of="$work/munge.key" bs=1024 count=1 status=none
chmod 400 "$work/munge.key"
serve munged munged --foreground --force --socket="$work/munge.socket" --key-file="$work/munge.key" \
	--pid-file="$work/munged.pid" --seed-file="$work/munged.seed" --log-file="$work/munged.log"
soon 30 test -S "$work/munge.socket"
serve slurmctld slurmctld -D -c -f "$SLURM_CONF"
# A node that registers before its controller listens tries again only after a while.
up() { scontrol ping | grep -q 'is UP'; }
soon 60 up
serve slurmd slurmd -D -f "$SLURM_CONF"
idle() { [ "$(sinfo --noheader --format=%t 2>/dev/null)" = idle ]; }
soon 120 idle
echo "slurm: $(sinfo --version), ready after $((SECONDS - began)) s"

# The demo, from absolute paths, by one core a task.
sed -E "s#configs/demo/([a-z]+\.(parquet|gguf))#$PWD/configs/demo/\1#g" configs/demo/demo.yaml >"$work/demo.yaml"
settings=(-c "$work/demo.yaml" --set "output=$work/out" --set run_id=demo --set resources.workers=1)
run=file://$work/out/demo

# digests prints the digest of every published file.
digests() {
	(cd "$work/out/demo" && find arrow parquet manifest.json _SUCCESS -type f -print0 | sort -z | xargs -0 sha256sum)
}

began=$SECONDS
"$program" run "${settings[@]}" --set resources.workers=2 >/dev/null 2>"$work/run.log"
digests >"$work/want"
rm -r "$work/out"
echo "slurm: run took $((SECONDS - began)) s"

# state JOB prints the state of a job or a task.
state() { scontrol show job "$1" --oneliner | grep -o ' JobState=[A-Z]*' | cut -d= -f2; }
is() { [ "$(state "$1")" = "$2" ]; }
# working TASK says whether the task's program runs, and has for a moment: its signal handler is there.
working() { is "$1" RUNNING && squeue --steps --noheader --format=%i | grep -q "^$1\.0$" && sleep 1; }
# again TASK waits until the task runs again, and spares it the two minutes that Slurm would let pass.
again() {
	soon 60 restarted "$1"
	soon 150 hurried "$1"
}
restarted() { [ "$(scontrol show job "$1" --oneliner | grep -o ' Restarts=[0-9]*' | cut -d= -f2)" -ge 1 ]; }
hurried() {
	scontrol update "jobid=$1" starttime=now 2>/dev/null || true
	is "$1" RUNNING || is "$1" COMPLETED
}

began=$SECONDS
cd "$work/jobs"
"$program" plan "${settings[@]}" --tasks 7 --emit slurm >"$work/array.sh" 2>"$work/plan.log"
read -r _ array _ commit < <(PATH=$(dirname "$program"):$PATH sh "$work/array.sh" | tr -d ,)
echo "slurm: plan took $((SECONDS - began)) s; array $array, commit $commit"

# Task 5 is cancelled before it starts, so it stays missing.
scancel "${array}_5"

# Task 0 is told to end: it ends with 75 and is queued again, with what it did kept.
soon 60 working "${array}_0"
scancel --signal=TERM "${array}_0.0" || true # the step, as the warning of a time limit does; it may say that the step has ended

# Task 1 is requeued over its head, as when a node is taken away.
soon 120 working "${array}_1"
scontrol requeue "${array}_1"
again "${array}_0"
again "${array}_1"
echo "slurm: task 0 was stopped, task 1 was requeued; both run again"

# The commit waits for the array, and is cancelled since one task was.
soon 300 is "$commit" CANCELLED
for task in 0 1 2 3 4 6; do
	is "${array}_$task" COMPLETED || { echo "task $task: $(state "${array}_$task")" >&2; exit 1; }
done
missing=$("$program" status "$run" --missing)
if [ "$missing" != 5 ]; then
	echo "the missing tasks are said to be '$missing', and task 5 is" >&2
	exit 1
fi
code=0
"$program" commit "$run" >"$work/commit.log" 2>&1 || code=$?
if [ $code -ne 1 ] || [ -e "$work/out/demo/_SUCCESS" ]; then
	echo "a commit without task 5 ended with $code" >&2
	exit 1
fi
echo "slurm: the commit was cancelled, and one by hand refuses: $(tail -n 1 "$work/commit.log")"

# What is missing, by an array of its own.
"$program" plan "${settings[@]}" --tasks 7 --emit slurm >"$work/missing.sh" 2>>"$work/plan.log"
grep -qx '#SBATCH --array=5' "$work/missing.sh"
read -r _ array _ commit < <(PATH=$(dirname "$program"):$PATH sh "$work/missing.sh" | tr -d ,)
soon 120 is "$commit" COMPLETED

digests >"$work/got"
if ! diff "$work/want" "$work/got" >&2; then
	echo "the array's files are not those of run" >&2
	exit 1
fi
echo "slurm: the $(wc -l <"$work/got") files of the array are those of run; array and commits took $((SECONDS - began)) s"
