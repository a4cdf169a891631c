#!/usr/bin/env bash
# instructions/count.sh [record] counts the instructions that each phase of a scan takes for a byte of text (phases.go says what they
# are) and compares them with those of expected.txt. It fails when a figure has risen by more than 3 %. With "record" it writes the file.
#
# The counts are valgrind's, of the portable code: it hides AVX-512 from the program. They repeat to a few parts in a thousand on any
# machine, however busy, but another Go compiler makes other code: under another one than the file's nothing is compared. Where valgrind
# cannot be had it leaves with 77.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../../.."
expected=$here/expected.txt
limit=3 # per cent
few=2 many=22

go=${GO:-go}
toolchain="$("$go" env GOVERSION) $("$go" env GOARCH) $("$go" env GOAMD64)"
recorded=$(sed -n 's/^# counted with //p' "$expected" 2>/dev/null || true)
if [ "${1:-}" != record ] && [ "$recorded" != "$toolchain" ]; then
	echo "expected.txt was counted with ${recorded:-nothing}, this is $toolchain: nothing to compare; record it anew" >&2
	exit 77
fi
if ! command -v valgrind >/dev/null; then
	install() { apt-get install --yes --no-install-recommends valgrind; }
	{ install || { apt-get update && install; }; } >/dev/null 2>&1 || { echo "valgrind is not installed, and cannot be" >&2; exit 77; }
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/palimpsest-instructions.XXXXXX")
trap 'rm -rf "$work"' EXIT
CGO_ENABLED=0 GOEXPERIMENT='' "$go" build -o "$work/phases" "$here/phases.go"

# count PHASE ROUNDS prints the instructions of a whole process. One processor and no collector: neither may add turns of its own.
count() {
	GOMAXPROCS=1 GOGC=off valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null "$work/phases" "$1" "$2" 2>&1 >/dev/null |
		sed -n 's/.*I *refs: *//p' | tr -d ,
}

{
	echo "# Instructions for a byte of text, by valgrind; make instructions compares, .ci/bench/instructions/count.sh record writes."
	echo "# counted with $toolchain"
	for phase in decode normalise hash near scan hot header signature; do
		bytes=$("$work/phases" "$phase" 1)
		less=$(count "$phase" $few)
		more=$(count "$phase" $many)
		awk -v p="$phase" -v n="$(((more - less) / (many - few)))" -v b="$bytes" 'BEGIN { printf "%s %.3f\n", p, n / b }'
	done
} >"$work/counted"

if [ "${1:-}" = record ]; then
	cp "$work/counted" "$expected"
	cat "$expected"
	exit
fi
join <(grep -v '^#' "$expected" | sort) <(grep -v '^#' "$work/counted" | sort) | awk -v limit=$limit '
	BEGIN { print "| phase | instructions a byte, recorded | now | change |"; print "|---|---|---|---|" }
	{ change = ($3 / $2 - 1) * 100; printf "| %s | %s | %s | %+.1f %% |\n", $1, $2, $3, change }
	change > limit { worse = worse " " $1 }
	change < -limit { better = better " " $1 }
	END {
		if (better) print "better by more than " limit " %:" better ". Record it: .ci/bench/instructions/count.sh record"
		if (worse) { print "worse by more than " limit " %:" worse > "/dev/stderr"; exit 1 }
	}'
