#!/usr/bin/env bash
# report/run.sh PROGRAM RUN checks the report of a finished run, that of the demo:
#   - every query on the page, run by DuckDB on the run's tables, gives the figures beside it;
#   - in a real browser the page renders, filters, goes with the keys, asks for nothing and complains of nothing; axe finds no serious
#     barrier; it fits a phone; pictures and a PDF go to out/report;
#   - of a made-up run of 100,000 probes and 1,000,000 spans, with hostile texts in it, it stays under 30 MB and takes bounded memory.
# It needs Go, Python 3.11 or later and Node.js 20. The browser, Chromium, comes out of an npm package, for Linux on amd64; where it cannot
# be had or does not start, its part is skipped, and said: then the suite ends with 77.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
cd "$here/../.."
run=$2
. .ci/cache.sh

work=$(mktemp -d "${TMPDIR:-/tmp}/palimpsest-report.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
out=out/report
mkdir -p "$out"

if ! python=$(python_with "$here/requirements.txt"); then
	echo "skipped: DuckDB cannot be installed"
	exit 77
fi

"$program" report "$run" -o "$out/report.html" >/dev/null
"$python" "$here/figures.py" "$out/report.html"

"${GO:-go}" run ./.ci/report/synthetic.go "$work/large"
"$python" "$here/large.py" "$program" "$work/large" "$work/large.html"
"$python" "$here/figures.py" "$work/large.html"

browser=$cache/report-browser-1
if [ ! -e "$browser/ready" ]; then
	rm -rf "$browser"
	mkdir -p "$browser"
	if ! npm install --prefix "$browser" --ignore-scripts --no-audit --no-fund --loglevel=error \
		playwright-core@1.65.1 @sparticuz/chromium@147.0.0 axe-core@4.14.1 >&2; then
		echo "skipped: the browser cannot be installed"
		exit 77
	fi
	touch "$browser/ready"
fi
cp "$here/browser.mjs" "$browser/browser.mjs"
node "$browser/browser.mjs" "$out/report.html" "$work/large.html" "$out"
