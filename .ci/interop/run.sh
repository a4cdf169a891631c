#!/usr/bin/env bash
# interop/run.sh RUN_DIR exchanges files with pyarrow, DuckDB, Polars and Spark: the reader's tests read what they wrote, and they
# read the tables of the finished run at RUN_DIR. It needs Python 3.11 or later and, for Spark, Java 17.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
run=$(cd "$1" && pwd)
cd "$here/../.."
. .ci/cache.sh

python=$(python_with "$here/requirements.txt")
written=$(mktemp -d "${TMPDIR:-/tmp}/palimpsest-foreign.XXXXXX")
trap 'rm -rf "$written"' EXIT

export SPARK_LOCAL_IP=127.0.0.1
"$python" "$here/write.py" "$written"
PALIMPSEST_FOREIGN=$written "${GO:-go}" test -count=1 -v -run Foreign ./stages/read | tee "$written/output" | grep -vE '^ +--- PASS|^=== '
# A test that was skipped, or is gone, shows nothing.
grep -q '^--- PASS: .*Foreign' "$written/output"

"$python" "$here/read_tables.py" "$run"
"$python" "$here/ddl.py" "${BIN:-bin/palimpsest}" "$run"

cat >"$written/signatures.yaml" <<-EOF
	output: $written
	corpus: {urls: [configs/demo/corpus.parquet], columns: {id: id, text: text}}
	probes: {urls: [configs/demo/probes.parquet], columns: {id: id, text: text}}
	hash: {}
EOF

# The libraries make the vectors of the tests, and recompute signatures of the demo's corpus.
"$python" "$here/tokens.py" stages/tokenizer/testdata/vectors.json
"$python" "$here/minhash.py" vectors stages/minhash/testdata/vectors.json
for profile in datasketch-128 datasketch-legacy-128 datatrove; do
	"${BIN:-bin/palimpsest}" run -c "$written/signatures.yaml" --set run_id=$profile --set hash.minhash=$profile
	"$python" "$here/minhash.py" table configs/demo/corpus.parquet "$written/$profile/parquet/signatures/part-00000.parquet"
done

# What is nearly the same is what Python's difflib says: of texts alone, where the test is not to be skipped, and of a run's tables.
PATH=$(dirname "$python"):$PATH "${GO:-go}" test -count=1 -v -run '^TestDifflib$' ./stages/verbatim | tee "$written/output"
grep -q '^--- PASS: TestDifflib' "$written/output"
"$python" "$here/verbatim.py" write "$written"
cat >"$written/verbatim.yaml" <<-EOF
	output: $written
	run_id: verbatim
	corpus: {urls: [$written/corpus.parquet], columns: {id: id, text: text}}
	probes: {urls: [$written/probes.parquet], columns: {id: id, text: text, kind: kind, prompt: prompt}}
	hash: {near_duplicate: 0.8}
	ngram: {near_verbatim: true}
EOF
"${BIN:-bin/palimpsest}" run -c "$written/verbatim.yaml"
"$python" "$here/verbatim.py" check "$written" "$written/verbatim"
