#!/usr/bin/env bash
# demo.sh runs the demo afresh and checks what its page promises: under 2 minutes once the program is built, and a second call that
# finds the run done and changes nothing; it ends with the path of the report. The run is checked, down to its sources.
set -euo pipefail
cd "$(dirname "$0")/.."
limit=120
run=out/demo

# state prints every file of the run with its size, its time of change and its digest.
state() { find "$run" -type f -printf '%p %s %T@ ' -exec sha256sum {} \; | sort; }

make --silent build
rm -rf "$run" "$run.html"
began=$SECONDS
make --silent demo
took=$((SECONDS - began))
echo "the demo took $took s"
if [ $took -ge $limit ]; then
	echo "the demo took longer than $limit s" >&2
	exit 1
fi
test -s "$run/_SUCCESS"

./bin/palimpsest verify --sources "$run"

first=$(state)
if [ ! -s "$run.html" ]; then
	echo "the demo wrote no report" >&2
	exit 1
fi
page=$(sha256sum <"$run.html")
again=$(make --silent demo 2>&1) || { echo "$again" >&2; exit 1; }
if [ "$first" != "$(state)" ]; then
	echo "the second call of the demo changed the run:" >&2
	diff <(echo "$first") <(state) >&2 || true
	exit 1
fi
if [ "$(tail -n 1 <<<"$again")" != "$run.html" ] || [ "$page" != "$(sha256sum <"$run.html")" ]; then
	echo "the second call ended with \"$(tail -n 1 <<<"$again")\", or wrote another report" >&2
	exit 1
fi
echo "the second call changed nothing, and says: $(head -n 1 <<<"$again")"
