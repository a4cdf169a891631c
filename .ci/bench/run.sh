#!/usr/bin/env bash
# bench/run.sh [OPTION...] [PART...] makes the corpora, runs Palimpsest and its peers over them and prints the tables (bench.py says what
# parts and options there are). It needs Go, Python 3.11, taskset, and Debian's apt-get and dpkg-deb for the texts; 10 GB of disk. What
# it fetches and writes it keeps in the cache, so that a second call only measures. Figures are worth something on a quiet machine.
set -euo pipefail
cd "$(dirname "$0")/../.."
. .ci/cache.sh

python=$(command -v python3.11 || command -v python3)
exec "$python" .ci/bench/bench.py --cache "$cache/bench" "$@"
