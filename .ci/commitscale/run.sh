#!/usr/bin/env bash
# commitscale/run.sh PROGRAM [PROBES] [UNITS] makes the results of 1,000 units of a corpus over 1,000,000 probes, unless told otherwise,
# commits them, and prints the memory, the disk and the time that takes. It needs Python 3.11 or later and 6 GB of
# disk, and took 35 minutes on two cores that others used too.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=$(realpath "$1")
probes=${2:-1000000} units=${3:-1000}
cd "$here/../.."
. .ci/cache.sh

python=$(python_with .ci/interop/requirements.txt)
work=$(mktemp -d "${TMPDIR:-/tmp}/palimpsest-commitscale.XXXXXX")
trap 'rm -rf "$work"' EXIT
"$python" "$here/inputs.py" "$work" "$probes" "$units"
cat >"$work/run.yaml" <<-END
	output: $work/out
	run_id: commitscale
	corpus: {urls: [$work/corpus.parquet], columns: {text: text, id: id}}
	probes: {urls: [$work/probes.parquet], columns: {text: text, id: id}}
	hash: {}
	ngram: {}
END
# A task has four units at least.
TMPDIR=$work "$python" "$here/measure.py" "$program" "$work/run.yaml" "$work/out/commitscale" $((units / 4))
