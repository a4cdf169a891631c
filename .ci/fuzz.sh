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

failed=()
while IFS=: read -r file declaration; do
	name=${declaration#func } name=${name%(}
	package=./$(dirname "$file")
	echo "--- $package $name"
	"${GO:-go}" test -run '^$' -fuzz "^$name\$" -fuzztime "$time" -fuzzminimizetime 5s "$package" </dev/null ||
		failed+=("$package $name")
done <<<"$targets"

if [ ${#failed[@]} -gt 0 ]; then
	printf 'FAILED: %s\n' "${failed[@]}" >&2
	exit 1
fi
