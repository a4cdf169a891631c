#!/usr/bin/env bash
# configs.sh runs the configurations whose models run in the process, beside the demo's, and checks how many rows some of their tables
# have: each canary's rank under the nonsense experiment, each probe's change by tuning.
set -euo pipefail
cd "$(dirname "$0")/.."
output=$(mktemp -d "${TMPDIR:-/tmp}/palimpsest-configs.XXXXXX")
trap 'rm -rf "$output"' EXIT
make --silent build

# check RUN TABLE ROWS compares the number of rows of a finished run's table.
check() {
	local rows
	rows=$(bin/palimpsest status "$output/$1" | awk -v table="$2" '$1 == table && $2 == "parquet" { print $3 }')
	if [ "$rows" != "$3" ]; then
		echo "$1: table $2 has ${rows:-no} rows instead of $3" >&2
		return 1
	fi
	echo "$1: $2 $rows rows"
}

bin/palimpsest run -c configs/nonsense/nonsense.yaml --set output="$output"
check nonsense canaries 385
check nonsense evidence 385

bin/palimpsest run -c configs/tuning.yaml --set output="$output"
check tuning tuning 385
check tuning evidence 770
