#!/usr/bin/env bash
# llama/run.sh fetches llama.cpp's shared libraries from npm and tests the engine that loads them, against the testbed's values. It
# needs npm and libffi, on Linux for amd64. llama/run.sh libraries only fetches, and prints the folder.
set -euo pipefail
cd "$(dirname "$0")/../.."
. .ci/cache.sh

# The release of llama.cpp that stages/llamacpp is made for, and the package that has it built.
package=@node-llama-cpp/linux-x64@3.22.1
release=v0.5.0

libraries=$cache/llamacpp-$release
if [ ! -e "$libraries/ready" ]; then
	rm -rf "$libraries"
	mkdir -p "$libraries"
	npm install --prefix "$libraries" --ignore-scripts --no-audit --no-fund --no-save --loglevel=error "$package" >&2
	ln -s "$libraries"/node_modules/@node-llama-cpp/linux-x64/bins/linux-x64/*.so "$libraries"
	ln -s "libllama.$release.so" "$libraries/libllama.so"
	ln -s "libggml.$release.so" "$libraries/libggml.so"
	touch "$libraries/ready"
fi
if [ "${1:-}" = libraries ]; then
	echo "$libraries"
	exit
fi

if [ ! -e ../shared/testbed/target.gguf ]; then
	echo "llamacpp: skipped, the testbed is not at ../shared/testbed" >&2
	exit 77
fi
output=$(mktemp "${TMPDIR:-/tmp}/palimpsest-llamacpp.XXXXXX")
trap 'rm -f "$output"' EXIT
PALIMPSEST_LLAMACPP=$libraries "${GO:-go}" test -count=1 -v -tags llamacpp ./stages/llamacpp | tee "$output" | grep -v '^=== '
# A test that was skipped, or is gone, shows nothing.
grep -q '^--- PASS: TestTestbed' "$output" || { echo "the engine was not compared with the testbed" >&2; exit 1; }
# Refused libraries, in a process that has loaded none.
"${GO:-go}" test -count=1 -tags llamacpp -run NoLibraries ./stages/llamacpp
