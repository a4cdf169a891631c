#!/usr/bin/env bash
# arraycost/run.sh PROGRAM [BYTES] [TIMES] compares an array of 7 tasks with run, over 1 GB of real text unless told otherwise, 5 times each
# in turn, one core, and prints seconds, requests and what is kept under way. It needs Python 3.11 or later; the texts are the Go sources
# of this machine.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath "$1")
cd "$here/../.."
. .ci/cache.sh

python=$(python_with .ci/interop/requirements.txt)
work=$(mktemp -d "${TMPDIR:-/tmp}/palimpsest-arraycost.XXXXXX")
trap 'rm -rf "$work"' EXIT
roots=("$("${GO:-go}" env GOROOT)/src" "$("${GO:-go}" env GOMODCACHE)")
"$python" .ci/memory/corpus.py "$work/probes.parquet" 1000000 "${roots[@]}"
"$python" .ci/memory/corpus.py "$work/corpus.parquet" "${2:-1000000000}" "${roots[@]}"
cat >"$work/run.yaml" <<-END
	output: $work/out
	run_id: r
	corpus: {urls: [$work/corpus.parquet], columns: {text: text, id: id}}
	probes: {urls: [$work/probes.parquet], columns: {text: text, id: id}}
	hash: {}
	ngram: {}
	resources: {workers: 1}
END
"$python" "$here/measure.py" "$program" "$work" 7 "${3:-5}"
