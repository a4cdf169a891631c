#!/usr/bin/env bash
# beam/run.sh PROGRAM [TIMES [DOCUMENTS]] does a planned run on Apache Beam's runners and compares every file with what `run` makes of the
# same configuration: on Prism in this process; on a Prism server, with workers that a pool starts as processes; on that with a worker
# killed in the midst, which ends the job, since Prism tries nothing again, and the job submitted once more; translated for Dataflow,
# offline. Exit codes are the program's. It says how long each took, without a model, as the median of TIMES (1) runs over 16 files of
# DOCUMENTS (600). The first call builds Beam, 3 minutes of one core more; without the Go module proxy it exits 77.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath "$1") times=${2:-1} documents=${3:-600}
cd "$here/../.."
. .ci/server.sh

port=28073
scratch beam
pool=
before_end() {
	# With all that the pool has started, and what outlived its parent.
	if [ -n "$pool" ]; then kill -KILL -- "-$pool" 2>/dev/null || true; fi
}

fail() {
	echo "$*" >&2
	exit 1
}

# workers_of PID prints the processes that a pool has started, and those that these have.
workers_of() {
	local boot
	for boot in $(pgrep -P "$1"); do echo "$boot" $(pgrep -P "$boot"); done
}

export CGO_ENABLED=0
if ! "${GO:-go}" -C cmd/palimpsest-beam mod download >&2; then
	echo "skipped: the modules of Apache Beam cannot be fetched" >&2
	exit 77
fi
began=$SECONDS
version=$("$program" --version)
"${GO:-go}" -C cmd/palimpsest-beam vet ./...
"${GO:-go}" -C cmd/palimpsest-beam test ./...
"${GO:-go}" -C cmd/palimpsest-beam build -ldflags "-s -w -X main.version=$version" -o "$work/palimpsest-beam" .
"${GO:-go}" -C cmd/palimpsest-beam build -o "$work/prism" github.com/apache/beam/sdks/v2/go/cmd/prism
"${GO:-go}" -C cmd/palimpsest-beam build -o "$work/boot" github.com/apache/beam/sdks/v2/go/container
echo "beam: vetted, tested and built in $((SECONDS - began)) s"

# beam NAME FLAGS... does the planned run NAME. A runner that hangs is a failure.
beam() {
	local name=$1
	shift
	timeout --kill-after=5 300 "$work/palimpsest-beam" "$work/out/$name" "$@" >>"$work/beam.log" 2>&1
}

# digests NAME prints the digest of every file of a finished run, and removes the run.
digests() {
	(cd "$work/out/$1" && find arrow parquet manifest.json _SUCCESS -type f -print0 | sort -z | xargs -0 sha256sum)
	rm -r "$work/out/$1"
}

# same NAME WHAT compares the run with what run made of it.
same() {
	digests "$1" >"$work/got"
	diff "$work/want-$1" "$work/got" >&2 || fail "the files of $2 are not those of run"
	echo "beam: $2: the $(wc -l <"$work/got") files are those of run"
}

# expect CODE COMMAND... fails unless the command ends with that exit code.
expect() {
	local want=$1 got=0
	shift
	"$@" || got=$?
	[ "$got" -eq "$want" ] || fail "exit code $got, not $want: $*"
}

awk -v dir="$work" -v probes=16 -v files=16 -v documents="$documents" -f "$here/corpus.awk"
for file in "$work"/*.jsonl; do
	"$program" ingest "$file" "${file%.jsonl}.parquet" >/dev/null
	rm "$file"
done
cat >"$work/folded.yaml" <<-END
	output: $work/out
	run_id: folded
	corpus: {urls: ["$work/corpus-*.parquet"], columns: {id: id, text: text}}
	probes: [{urls: ["$work/probes.parquet"], columns: {id: id, text: text}}]
	hash: {near_duplicate: 0.8}
	ngram: {unit: words, min_words: 13, min_bytes: 60}
END
sed 's/^run_id: .*/run_id: scored/' "$work/folded.yaml" >"$work/scored.yaml"
echo "likelihood: {target: {name: target, model: $PWD/configs/demo/target.gguf}}" >>"$work/scored.yaml"

for name in folded scored; do
	"$program" run -c "$work/$name.yaml" >/dev/null 2>"$work/run.log"
	digests $name >"$work/want-$name"
done
plan() { "$program" plan -c "$work/$1.yaml" --tasks "${2:-4}" >/dev/null 2>>"$work/run.log"; }

# Exit codes.
expect 64 beam absent
expect 64 beam folded --no-such-flag
plan folded
expect 1 beam folded --runner=universal --endpoint=127.0.0.1:1
mv "$work/corpus-00.parquet" "$work/kept"
cp "$work/corpus-01.parquet" "$work/corpus-00.parquet"
expect 65 beam folded
mv "$work/kept" "$work/corpus-00.parquet"
rm -r "$work/out/folded"
echo "beam: exit codes: 64 without a plan and for a wrong flag, 1 without a runner, 65 when the corpus has changed"

# Prism in this process.
plan scored
beam scored
expect 0 beam scored
same scored "embedded Prism"

# A Prism server, and a pool that starts workers, whose port is fixed; they leave a file where the pool was started.
start pool 50000 setsid env -C "$work" TMPDIR="$work" "$work/boot" --worker_pool
pool=$pid
start prism $port "$work/prism" -job_port $port -serve_http=false
external=(--runner=universal --endpoint=localhost:$port --environment_type=EXTERNAL --environment_config=localhost:50000
	--worker_binary="$work/palimpsest-beam")
plan scored
beam scored "${external[@]}"
same scored "a Prism server with workers of a pool"

# A worker is killed when some units are done. The job fails, and what is done stays: the next job does the rest.
plan scored 16
beam scored "${external[@]}" &
job=$!
done_units() { find "$work/out/scored/work" -name 'unit-*' 2>/dev/null | wc -l; }
until [ "$(done_units)" -ge 3 ]; do
	kill -0 $job 2>/dev/null || fail "the job ended before a worker was killed"
	sleep 0.05
done
kill -KILL $(workers_of "$pool" | tr ' ' '\n' | tail -n 1)
began=$SECONDS
if wait $job; then fail "a job whose worker was killed succeeded"; fi
failed=$((SECONDS - began)) left=$(done_units)
[ ! -e "$work/out/scored/_SUCCESS" ] || fail "a job whose worker was killed was committed"
beam scored "${external[@]}"
same scored "a worker killed, the job failed $failed s later with $left results, and submitted again"

# Dataflow, as far as it goes without the service.
plan scored
beam scored --runner=dataflow --dry_run --project=project --region=us-central1 --staging_location=gs://bucket/staging \
	--temp_location=gs://bucket/temp --worker_binary="$work/palimpsest-beam"
grep -q 'CombinePerKey' "$work/beam.log" || fail "the job was not translated"
[ ! -e "$work/out/scored/_SUCCESS" ] || fail "a dry run was committed"
rm -r "$work/out/scored"
echo "beam: the job is translated for Dataflow"

# median COMMAND... prints the median of the seconds that it takes.
median() {
	local start
	for _ in $(seq "$times"); do
		rm -rf "$work/out/folded"
		start=$EPOCHREALTIME
		"$@"
		echo "$start $EPOCHREALTIME" | awk '{printf "%.2f\n", $2 - $1}'
	done | sort -n | awk '{t[NR] = $1} END {print t[int((NR + 1) / 2)]}'
}
run() { "$program" run -c "$work/folded.yaml" >/dev/null 2>&1; }
array() {
	plan folded
	for task in 0 1 2 3; do "$program" shard "$work/out/folded" --task $task >/dev/null 2>&1; done
	"$program" commit "$work/out/folded" >/dev/null 2>&1
}
embedded() { plan folded && beam folded; }
pooled() { plan folded && beam folded "${external[@]}"; }
a=$(median run) b=$(median array) c=$(median embedded) d=$(median pooled)
same folded "without a model"
size=$(du -cm "$work"/corpus-*.parquet | tail -n 1 | cut -f1)
echo "$a $b $c $d $size" | awk '{printf "beam: %d MB of corpus: run %.2f s; plan, 4 tasks one by one, commit %.2f s (x%.2f); " \
	"plan and embedded Prism %.2f s (x%.2f); plan, a Prism server and a pool %.2f s (x%.2f)\n", $5, $1, $2, $2/$1, $3, $3/$1, $4, $4/$1}'
