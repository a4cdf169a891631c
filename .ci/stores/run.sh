#!/usr/bin/env bash
# stores/run.sh PROGRAM runs configs/{s3,gcs,azure}.yaml against servers of the three protocols on this machine, versitygw,
# fake-gcs-server and Azurite, and compares the tables with those of the same data from local files. It needs Go, Python 3.11 or
# later and Node.js.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
cd "$here/../.."
. .ci/cache.sh

bucket=palimpsest
s3_port=47070 gcs_port=47443 azure_port=47100

work=$(mktemp -d "${TMPDIR:-/tmp}/palimpsest-stores.XXXXXX")
servers=()
finish() {
	local status=$?
	for pid in "${servers[@]}"; do kill "$pid" 2>/dev/null || true; done
	for pid in "${servers[@]}"; do wait "$pid" 2>/dev/null || true; done
	if [ $status -ne 0 ]; then
		for log in "$work"/*.log; do
			echo "--- the end of $(basename "$log")" >&2
			tail -n 20 "$log" >&2
		done
	fi
	rm -rf "$work"
	exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM

# start NAME PORT COMMAND... starts a server and waits until its port answers.
start() {
	local name=$1 port=$2 pid
	shift 2
	if (: </dev/tcp/127.0.0.1/"$port") 2>/dev/null; then
		echo "port $port is taken; $name cannot start" >&2
		return 1
	fi
	"$@" </dev/null >"$work/$name.log" 2>&1 &
	pid=$!
	servers+=("$pid")
	for _ in $(seq 150); do
		if (: </dev/tcp/127.0.0.1/"$port") 2>/dev/null; then return 0; fi
		if ! kill -0 "$pid" 2>/dev/null; then break; fi
		sleep 0.2
	done
	echo "$name did not start" >&2
	return 1
}

echo "installing the servers"
versitygw=$(go_tool github.com/versity/versitygw/cmd/versitygw@v1.8.0)
fake_gcs=$(go_tool github.com/fsouza/fake-gcs-server@v1.56.1)
azurite=$cache/azurite-3.35.0
if [ ! -e "$azurite/ready" ]; then
	mkdir -p "$azurite"
	npm install --prefix "$azurite" --no-audit --no-fund --silent azurite@3.35.0 >&2
	touch "$azurite/ready"
fi
python=$(python_with .ci/interop/requirements.txt)
"${GO:-go}" build -o "$work/objects" ./.ci/stores

# The data, laid out as the configurations expect it: of the texts that the models score every eighth, since four runs score them.
for table in corpus probes generations controls; do
	mkdir -p "$work/data/$table"
	cp "configs/demo/$table.parquet" "$work/data/$table/"
done
mkdir -p "$work/data/models"
cp configs/demo/target.gguf configs/demo/reference.gguf "$work/data/models/"
"$python" - "$work/data" <<-'EOF'
	import sys
	import pyarrow.parquet as pq
	for table in "probes", "controls":
	    path = f"{sys.argv[1]}/{table}/{table}.parquet"
	    rows = pq.read_table(path)
	    pq.write_table(rows.take(list(range(0, rows.num_rows, 8))), path, row_group_size=64)
EOF

# Credentials of the servers on this machine. Azurite's are published in its documentation.
export AWS_ACCESS_KEY_ID=testkey AWS_SECRET_ACCESS_KEY=testsecret AWS_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true
export STORAGE_EMULATOR_HOST=127.0.0.1:$gcs_port
export AZURE_STORAGE_ACCOUNT=devstoreaccount1
export AZURE_STORAGE_KEY=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==

s3_parameters="endpoint=http://127.0.0.1:$s3_port&use_path_style=true&response_checksum_validation=when_required"
s3_parameters+="&request_checksum_calculation=when_required"
azure_parameters="localemu=true&domain=127.0.0.1:$azure_port&protocol=http"

mkdir -p "$work/versions" "$work/s3/$bucket" "$work/gcs/$bucket" "$work/azure"
start versitygw $s3_port env ROOT_ACCESS_KEY=testkey ROOT_SECRET_KEY=testsecret \
	"$versitygw" --port "127.0.0.1:$s3_port" posix --versioning-dir "$work/versions" "$work/s3"
start fake-gcs-server $gcs_port "$fake_gcs" -scheme http -host 127.0.0.1 -port $gcs_port -backend filesystem \
	-filesystem-root "$work/gcs" -public-host "127.0.0.1:$gcs_port" -external-url "http://127.0.0.1:$gcs_port"
start azurite $azure_port node "$azurite/node_modules/azurite/dist/src/blob/main.js" --blobHost 127.0.0.1 \
	--blobPort $azure_port --location "$work/azure" --skipApiVersionCheck --disableTelemetry
"$work/objects" create "azblob://$bucket?$azure_parameters"

# run NAME BASE PARAMETERS runs configs/NAME.yaml with BASE in place of the bucket it names and the parameters on every URL.
run() {
	local name=$1 base=$2 parameters=${3:+?$3}
	sed -E "s#\"[a-z0-9]+://my-bucket(/[^\"?]*)\"#\"$base\1${parameters//&/\\&}\"#" "configs/$name.yaml" >"$work/$name.yaml"
	if grep -v '^ *#' "$work/$name.yaml" | grep -q my-bucket; then
		echo "configs/$name.yaml names the bucket in a way that this script does not see" >&2
		return 1
	fi
	"$program" run -c "$work/$name.yaml" --set run_id=stores </dev/null
}

# from NAME BUCKET BASE PARAMETERS uploads the data, runs, and downloads the tables.
from() {
	local name=$1 url=$2 base=$3 parameters=$4 began=$SECONDS
	"$work/objects" put "$url" "$work/data"
	run "$name" "$base" "$parameters"
	"$work/objects" get "$url" "$work/got-$name"
	echo "$name: $((SECONDS - began)) s"
}

from s3 "s3://$bucket?$s3_parameters" "s3://$bucket" "$s3_parameters"
from gcs "gs://$bucket" "gs://$bucket" ""
from azure "azblob://$bucket?$azure_parameters" "azblob://$bucket" "$azure_parameters"

# The same from local files, by a configuration that differs in nothing but the store.
sed -E "s#\"s3://my-bucket(/[^\"]*)\"#\"file://$work/data\1\"#" configs/s3.yaml >"$work/local.yaml"
"$program" run -c "$work/local.yaml" --set run_id=stores </dev/null

"$python" "$here/compare.py" "$work/data/evidence/stores=file://$work/data/" "$work/got-s3/evidence/stores=s3://$bucket/" \
	"$work/got-gcs/evidence/stores=gs://$bucket/" "$work/got-azure/evidence/stores=azblob://$bucket/"
