#!/usr/bin/env bash
# chaos/run.sh PROGRAM [KILLS] [SEED] has versitygw, an S3 server, started on this machine, and kills the program at random over it (see
# main.go): 200 times, by a seed that is printed, unless told otherwise. It needs Go, and takes some four minutes on two cores.
set -euo pipefail
program=$(realpath "$1")
cd "$(dirname "$0")/../.."
. .ci/cache.sh
. .ci/server.sh

port=27170
scratch chaos

versitygw=$(go_tool github.com/versity/versitygw/cmd/versitygw@v1.8.0)
"${GO:-go}" build -o "$work/chaos" ./.ci/chaos
export AWS_ACCESS_KEY_ID=testkey AWS_SECRET_ACCESS_KEY=testsecret AWS_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true
mkdir -p "$work/s3/palimpsest" "$work/tmp"
start versitygw $port env ROOT_ACCESS_KEY=testkey ROOT_SECRET_KEY=testsecret "$versitygw" --port "127.0.0.1:$port" posix "$work/s3"
TMPDIR=$work/tmp "$work/chaos" -kills "${2:-200}" ${3:+-seed "$3"} "$program" "http://127.0.0.1:$port" palimpsest
