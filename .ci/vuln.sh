#!/usr/bin/env bash
# Looks up known vulnerabilities in what the program calls. It needs the database at vuln.go.dev, or a copy that GOVULNDB names.
# Where neither can be reached nothing is looked up: that is said, and the exit status is 77, which is no success of the look-up.
set -euo pipefail
cd "$(dirname "$0")/.."
tool=golang.org/x/vuln/cmd/govulncheck@v1.9.0
db=${GOVULNDB:-https://vuln.go.dev}

reachable() {
	case $db in
	file://*) [ -r "${db#file://}/index/db.json" ] ;;
	*) curl --silent --fail --max-time 20 --output /dev/null "$db/index/db.json" ;;
	esac
}
if ! reachable; then
	echo "SKIPPED: the vulnerability database at $db cannot be reached; nothing was looked up." >&2
	echo "         GOVULNDB=file:///DIR names a local copy." >&2
	exit 77
fi
"${GO:-go}" run "$tool" -db "$db" ./...
