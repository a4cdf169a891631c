#!/usr/bin/env bash
# stores/run.sh PROGRAM takes servers of the three protocols on this machine, versitygw, fake-gcs-server and Azurite, and
#
#   runs the conformance suite of package store against each, and some of it with every way to give credentials;
#   runs configs/{s3,gcs,azure}.yaml against them, directly and through a network that fails (storetest.Faults), and compares the
#   tables with those of the same data from local files;
#   reads a corpus of 10,000 objects and one of a single object of 5 GB, and prints requests, bytes and memory (scale/).
#
# MinIO, a second server for S3, is put to the conformance suite only. It takes four to six minutes to build; where it cannot be had it is
# left out, and that is said.
#
# It needs Go, Python 3.11 or later and Node.js, and takes some four minutes on two cores once the servers are installed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
cd "$here/../.."
. .ci/cache.sh
. .ci/server.sh

bucket=palimpsest
s3_port=27070 gcs_port=27443 azure_port=27100 minio_port=27090
# Of the ways that fail.
s3_faults=27071 gcs_faults=27444 azure_faults=27101

scratch stores

echo "installing the servers"
versitygw=$(go_tool github.com/versity/versitygw/cmd/versitygw@v1.8.0)
fake_gcs=$(go_tool github.com/fsouza/fake-gcs-server@v1.56.1)
minio=$(go_tool github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c) || true
azurite=$cache/azurite-3.35.0
if [ ! -e "$azurite/ready" ]; then
	mkdir -p "$azurite"
	npm install --prefix "$azurite" --no-audit --no-fund --silent azurite@3.35.0 >&2
	touch "$azurite/ready"
fi
python=$(python_with .ci/interop/requirements.txt)
"${GO:-go}" build -o "$work/objects" ./.ci/stores
"${GO:-go}" build -o "$work/scale" ./.ci/stores/scale
"${GO:-go}" test -c -o "$work/conformance" ./stages/store/cloud

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

s3_at() { echo "endpoint=http://127.0.0.1:$1&use_path_style=true"; }
azure_at() { echo "localemu=true&domain=127.0.0.1:$1&protocol=http"; }
s3_parameters=$(s3_at $s3_port)
azure_parameters=$(azure_at $azure_port)

mkdir -p "$work/versions" "$work/s3/$bucket" "$work/s3/public" "$work/gcs/$bucket" "$work/azure"
start versitygw $s3_port env ROOT_ACCESS_KEY=testkey ROOT_SECRET_KEY=testsecret \
	"$versitygw" --port "127.0.0.1:$s3_port" posix --versioning-dir "$work/versions" "$work/s3"
start fake-gcs-server $gcs_port "$fake_gcs" -scheme http -host 127.0.0.1 -port $gcs_port -backend filesystem \
	-filesystem-root "$work/gcs" -public-host "127.0.0.1:$gcs_port" -external-url "http://127.0.0.1:$gcs_port"
start azurite $azure_port node "$azurite/node_modules/azurite/dist/src/blob/main.js" --blobHost 127.0.0.1 \
	--blobPort $azure_port --location "$work/azure" --skipApiVersionCheck --disableTelemetry
"$work/objects" create "azblob://$bucket?$azure_parameters"
start faults-s3 $s3_faults "$work/objects" faults 127.0.0.1:$s3_faults http://127.0.0.1:$s3_port
start faults-gcs $gcs_faults "$work/objects" faults 127.0.0.1:$gcs_faults http://127.0.0.1:$gcs_port
start faults-azure $azure_faults "$work/objects" faults 127.0.0.1:$azure_faults http://127.0.0.1:$azure_port

# conforms NAME URL [TESTS] runs the conformance suite below the URL, or those of its tests.
conforms() {
	local name=$1 url=$2 tests=${3:+/($3)} began=$SECONDS
	(cd stages/store/cloud && PALIMPSEST_STORE=$url "$work/conformance" -test.run "^TestGivenStore$tests") >"$work/conformance.log" 2>&1
	tail -n 1 "$work/conformance.log" | grep -qx PASS
	echo "conformance, $name: $((SECONDS - began)) s"
}

conforms versitygw "s3://$bucket/conformance?$s3_parameters"
if [ -x "$minio" ]; then
	mkdir -p "$work/minio/$bucket"
	start minio $minio_port env MINIO_ROOT_USER=testkey MINIO_ROOT_PASSWORD=testsecret MINIO_UPDATE=off MINIO_BROWSER=off \
		"$minio" server --address 127.0.0.1:$minio_port "$work/minio"
	conforms MinIO "s3://$bucket/conformance?$(s3_at $minio_port)"
else
	echo "conformance, MinIO: skipped, it could not be built"
fi
conforms fake-gcs-server "gs://$bucket/conformance"
conforms Azurite "azblob://$bucket/conformance?$azure_parameters"

# The same, of which a few tests are enough, by every other way to name a store and to have credentials.
some='ListNames|RangesEqual|UploadExists|CreateAgain'
export AWS_CONFIG_FILE=$work/none AWS_SHARED_CREDENTIALS_FILE=$work/aws
printf '[corpus]\naws_access_key_id = %s\naws_secret_access_key = %s\n' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" >"$work/aws"
"$work/objects" public "s3://public?$s3_parameters"
signature=$("$work/objects" sas "azblob://$bucket?$azure_parameters")
(
	unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_REGION
	conforms "a profile" "s3://$bucket/profile?profile=corpus&region=us-east-1&$s3_parameters" "$some"
	conforms "nobody in particular, S3" "s3://public/anonymous?anonymous=true&region=us-east-1&$s3_parameters" "$some"
	conforms "nobody in particular, GCS" "gs://$bucket/anonymous?anonymous=true" "$some"
	key=$AZURE_STORAGE_KEY
	unset AZURE_STORAGE_KEY
	AZURE_STORAGE_SAS_TOKEN=$signature conforms "a signature" "azblob://$bucket/sas?$azure_parameters" "$some"
	unset AZURE_STORAGE_ACCOUNT
	AZURE_STORAGE_SAS_TOKEN=$signature conforms "an account in the URL" \
		"azblob://$bucket/account?storage_account=devstoreaccount1&$azure_parameters" "$some"
	export AZURE_STORAGE_CONNECTION_STRING="DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=$key"
	AZURE_STORAGE_CONNECTION_STRING+=";BlobEndpoint=http://127.0.0.1:$azure_port/devstoreaccount1;"
	conforms "a connection string" "azblob://$bucket/connection" "$some"
)

# run NAME OUTPUT BASE PARAMETERS runs configs/NAME.yaml with BASE in place of the bucket it names and the parameters on every URL, into
# the folder OUTPUT there.
run() {
	local name=$1 output=$2 base=$3 parameters=${4:+?$4}
	sed -E "s#\"[a-z0-9]+://my-bucket(/[^\"?]*)\"#\"$base\1${parameters//&/\\&}\"#" "configs/$name.yaml" >"$work/$name.yaml"
	if grep -v '^ *#' "$work/$name.yaml" | grep -q my-bucket; then
		echo "configs/$name.yaml names the bucket in a way that this script does not see" >&2
		return 1
	fi
	"$program" run -c "$work/$name.yaml" --set run_id=stores --set "output=$base/$output$parameters" </dev/null
}

# from NAME BASE PARAMETERS FAULTS uploads the data, runs, runs again with the parameters FAULTS of a way that fails, and downloads the
# tables.
from() {
	local name=$1 base=$2 parameters=$3 faults=$4 began=$SECONDS
	"$work/objects" put "$base${parameters:+?$parameters}" "$work/data"
	run "$name" evidence "$base" "$parameters"
	echo "$name: $((SECONDS - began)) s"
	began=$SECONDS
	if [ "$name" = gcs ]; then
		STORAGE_EMULATOR_HOST=127.0.0.1:$gcs_faults run "$name" disturbed "$base" ""
	else
		run "$name" disturbed "$base" "$faults"
	fi
	echo "$name, through a network that fails: $((SECONDS - began)) s"
	"$work/objects" get "$base${parameters:+?$parameters}" "$work/got-$name"
}

from s3 "s3://$bucket" "$s3_parameters" "$(s3_at $s3_faults)"
from gcs "gs://$bucket" "" ""
from azure "azblob://$bucket" "$azure_parameters" "$(azure_at $azure_faults)"

# The same from local files, by a configuration that differs in nothing but the store.
sed -E "s#\"s3://my-bucket(/[^\"]*)\"#\"file://$work/data\1\"#" configs/s3.yaml >"$work/local.yaml"
"$program" run -c "$work/local.yaml" --set run_id=stores </dev/null

runs=("$work/data/evidence/stores=file://$work/data/")
for from in s3=s3 gcs=gs azure=azblob; do
	for output in evidence disturbed; do runs+=("$work/got-${from%=*}/$output/stores=${from#*=}://$bucket/"); done
done
"$python" "$here/compare.py" "${runs[@]}"

"$work/scale" "$program"
