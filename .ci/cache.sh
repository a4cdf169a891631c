# Sourced by the scripts beside it: where they keep what they install, outside the tree, so that a second call is quick.
#
#   $cache                      the directory; PALIMPSEST_CI_CACHE names another one
#   python_with REQUIREMENTS    prints the python of a virtual environment with these packages; options of pip may follow
#   go_tool MODULE/PATH@VERSION prints the path of the built command

cache=${PALIMPSEST_CI_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/palimpsest-ci}
mkdir -p "$cache"

python_with() {
	local requirements=$1 key venv base
	shift
	key=$(sha256sum "$requirements" | cut -c1-16)
	venv=$cache/python-$key
	if [ ! -e "$venv/ready" ]; then
		base=$(command -v python3.11 || command -v python3)
		rm -rf "$venv"
		"$base" -m venv "$venv" >&2
		"$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@" --requirement "$requirements" >&2
		touch "$venv/ready"
	fi
	echo "$venv/bin/python"
}

go_tool() {
	local version=${1##*@} name=${1%@*} dir
	name=${name##*/}
	dir=$cache/$name-$version
	if [ ! -x "$dir/$name" ]; then
		mkdir -p "$dir"
		GOBIN=$dir "${GO:-go}" install "$1" >&2
	fi
	echo "$dir/$name"
}
