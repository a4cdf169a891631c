#!/usr/bin/env bash
# fuzz.sh [TIME] runs every fuzz target for TIME (20s), one after the other. A failure leaves its input in the package's
# testdata/fuzz, to be committed with the fix.
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-20s}

# file:func FuzzX(
targets=$(grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+\(' cmd pipeline stages schemas | sort || true)
if [ -z "$targets" ]; then
	echo "no fuzz targets were found" >&2
	exit 1
fi

# fuzz runs one target. Where the time is over while an input is being tried, go test now and then calls that a failure, by the words
# "context deadline exceeded" and without an input that fails: that is none.
output=$(mktemp)
trap 'rm -f "$output"' EXIT
fuzz() {
	"${GO:-go}" test -run '^$' -fuzz "^$2\$" -fuzztime "$time" -fuzzminimizetime 5s "$1" </dev/null 2>&1 | tee "$output" && return 0
	grep -q '^ *context deadline exceeded$' "$output" && ! grep -q 'Failing input written to' "$output"
}

failed=()
while IFS=: read -r file declaration; do
	name=${declaration#func } name=${name%(}
	package=./$(dirname "$file")
	echo "--- $package $name"
	fuzz "$package" "$name" || failed+=("$package $name")
done <<<"$targets"

if [ ${#failed[@]} -gt 0 ]; then
	printf 'FAILED: %s\n' "${failed[@]}" >&2
	exit 1
fi
