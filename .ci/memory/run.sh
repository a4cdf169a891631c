#!/usr/bin/env bash
# memory/run.sh PROGRAM runs the same probes against 100 MB and 1 GB of real text and compares the peak memory of the two runs. It
# fails when the larger corpus takes over 64 MB more. It needs Python 3.11 or later; the texts are the Go sources of this machine.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath "$1")
cd "$here/../.."
. .ci/cache.sh

python=$(python_with .ci/interop/requirements.txt)
work=$(mktemp -d "${TMPDIR:-/tmp}/palimpsest-memory.XXXXXX")
trap 'rm -rf "$work"' EXIT

roots=("$("${GO:-go}" env GOROOT)/src" "$("${GO:-go}" env GOMODCACHE)")
"$python" "$here/corpus.py" "$work/probes.parquet" 2000000 "${roots[@]}"
for megabytes in 100 1000; do
	"$python" "$here/corpus.py" "$work/$megabytes.parquet" "${megabytes}000000" "${roots[@]}"
	cat >"$work/$megabytes.yaml" <<-EOF
		output: $work/out
		run_id: m$megabytes
		corpus: {urls: [$work/$megabytes.parquet], columns: {text: text, id: id}}
		probes: {urls: [$work/probes.parquet], columns: {text: text, id: id}}
		hash: {}
		ngram: {}
	EOF
done

# peak CONFIG prints the peak resident memory of a run, in KiB, and its seconds.
peak() {
	"$python" - "$program" "$1" <<-'EOF'
		import resource, subprocess, sys, time
		began = time.monotonic()
		subprocess.run([sys.argv[1], "run", "-c", sys.argv[2]], check=True, stdout=subprocess.DEVNULL)
		print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, f"{time.monotonic() - began:.1f}")
	EOF
}

measured=$(peak "$work/100.yaml")
read -r small seconds_small <<<"$measured"
measured=$(peak "$work/1000.yaml")
read -r large seconds_large <<<"$measured"
echo "| corpus | peak memory | seconds |"
echo "|---|---|---|"
echo "| 100 MB | $((small / 1024)) MiB | $seconds_small |"
echo "| 1 GB | $((large / 1024)) MiB | $seconds_large |"
more=$(((large - small) * 1024 / 1000000))
echo "the larger corpus takes $more MB more"
if [ $more -gt 64 ]; then
	echo "it may take at most 64 MB more" >&2
	exit 1
fi
