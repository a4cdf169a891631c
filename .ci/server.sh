# Sourced by the suites that start servers.
#
#   scratch NAME                makes $work, a folder that is removed when the script ends; then what was started is ended, the last first,
#                               and of a script that failed the ends of the logs are printed. A function `before_end STATUS` of the
#                               script is called before that.
#   serve NAME COMMAND...       starts a server, whose output goes to $work/NAME.log; $pid is its process
#   start NAME PORT COMMAND...  does so and waits until it listens there
#   soon SECONDS COMMAND...     waits until the command succeeds
#
# Servers listen on ports from 21000 to 29000. From 32768 on the kernel gives ports to clients, and a server that wants one of those
# finds it taken now and then; so does a client that asks for it until it answers: it can be given the port itself, and hears itself.

servers=()

scratch() {
	work=$(mktemp -d "${TMPDIR:-/tmp}/palimpsest-$1.XXXXXX")
	trap end EXIT
	trap 'exit 130' INT TERM
}

end() {
	local status=$? log i
	if declare -F before_end >/dev/null; then before_end $status; fi
	if [ $status -ne 0 ] && [ $status -ne 77 ]; then
		find "$work" -maxdepth 2 -name '*.log' -size +0 | sort | while read -r log; do
			echo "--- the end of $(basename "$log")" >&2
			tail -n 20 "$log" | cut -c1-400 >&2
		done
	fi
	for ((i = ${#servers[@]} - 1; i >= 0; i--)); do
		kill "${servers[i]}" 2>/dev/null || true
		for _ in $(seq 50); do
			kill -0 "${servers[i]}" 2>/dev/null || break
			sleep 0.2
		done
		kill -KILL "${servers[i]}" 2>/dev/null || true
		{ wait "${servers[i]}"; } 2>/dev/null || true
	done
	rm -rf "$work"
	exit $status
}

serve() {
	local name=$1
	shift
	"$@" </dev/null >>"$work/$name.log" 2>&1 &
	pid=$!
	servers+=("$pid")
}

start() {
	local name=$1 port=$2
	shift 2
	if listens "$port"; then
		echo "port $port is taken; $name cannot start" >&2
		return 1
	fi
	serve "$name" "$@"
	for _ in $(seq 300); do
		if listens "$port"; then return 0; fi
		if ! kill -0 "$pid" 2>/dev/null; then break; fi
		sleep 0.2
	done
	echo "$name did not start" >&2
	return 1
}

listens() { (: </dev/tcp/127.0.0.1/"$1") 2>/dev/null; }

soon() {
	local limit=$1 began=$SECONDS
	shift
	until "$@" 2>/dev/null; do
		if [ $((SECONDS - began)) -ge "$limit" ]; then
			echo "after $limit s this is still not so: $*" >&2
			return 1
		fi
		sleep 0.2
	done
}
