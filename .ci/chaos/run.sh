#!/usr/bin/env bash
# chaos/run.sh PROGRAM [KILLS] [SEED] has versitygw, an S3 server, started on this machine, and kills the program at random over it (see
# main.go): 200 times, by a seed that is printed, unless told otherwise. It needs Go, and takes some four minutes on two cores.
set -euo pipefail
program=$(realpath "$1")
cd "$(dirname "$0")/../.."
. .ci/cache.sh

port=47170
work=$(mktemp -d "${TMPDIR:-/tmp}/palimpsest-chaos.XXXXXX")
server=
finish() {
	local status=$?
	if [ -n "$server" ]; then
		kill "$server" 2>/dev/null || true
		wait "$server" 2>/dev/null || true
	fi
	if [ $status -ne 0 ] && [ -e "$work/versitygw.log" ]; then tail -n 20 "$work/versitygw.log" >&2; fi
	rm -rf "$work"
	exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM

versitygw=$(go_tool github.com/versity/versitygw/cmd/versitygw@v1.8.0)
"${GO:-go}" build -o "$work/chaos" ./.ci/chaos
if (: </dev/tcp/127.0.0.1/$port) 2>/dev/null; then
	echo "port $port is taken; the server cannot start" >&2
	exit 1
fi
export AWS_ACCESS_KEY_ID=testkey AWS_SECRET_ACCESS_KEY=testsecret AWS_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true
mkdir -p "$work/s3/palimpsest" "$work/tmp"
ROOT_ACCESS_KEY=testkey ROOT_SECRET_KEY=testsecret "$versitygw" --port "127.0.0.1:$port" posix "$work/s3" \
	</dev/null >"$work/versitygw.log" 2>&1 &
server=$!
for _ in $(seq 150); do
	if (: </dev/tcp/127.0.0.1/$port) 2>/dev/null; then break; fi
	sleep 0.2
done
TMPDIR=$work/tmp "$work/chaos" -kills "${2:-200}" ${3:+-seed "$3"} "$program" "http://127.0.0.1:$port" palimpsest
