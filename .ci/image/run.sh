#!/usr/bin/env bash
# image/run.sh checks cmd/palimpsest/Dockerfile without Docker: a linter reads it, its instructions are carried out in a directory that
# stands for each stage, by the Go of this machine, and the demo's search runs in a root that holds nothing but the last stage, as the
# user that it names. It needs Python 3.11 or later, and root for the last part.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
. .ci/cache.sh
file=cmd/palimpsest/Dockerfile

python=$(python_with "$here/requirements.txt")
"$(dirname "$python")/hadolint" "$file"

work=$(mktemp -d "${TMPDIR:-/tmp}/palimpsest-image.XXXXXX")
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT

# The instructions of the file, one a line; another one than these, or an option that is new, is an error, so that this stays true.
export TARGETOS='' TARGETARCH='' VERSION=image
stage='' directory='' user='' entrypoint=''
while read -r instruction rest <&3; do
	case "$instruction $rest" in
	'#'* | ' ') ;;
	FROM*' AS '*) stage=${rest##* AS } && mkdir "$work/$stage" ;;
	'FROM scratch') stage=image && mkdir "$work/image" ;;
	'WORKDIR '*) directory=$work/$stage$rest && mkdir -p "$directory" ;;
	'COPY --from='*)
		read -r from source target <<<"${rest#--from=}"
		mkdir -p "$(dirname "$work/$stage$target")"
		# What the stage did not make is its base image's, and here this machine's.
		if [ -e "$work/$from$source" ]; then source=$work/$from$source; fi
		cp -rpL "$source" "$work/$stage$target"
		;;
	'COPY --'*) echo "$file: $instruction $rest" >&2 && exit 1 ;;
	'COPY '*)
		read -ra paths <<<"$rest"
		sources=("${paths[@]:0:${#paths[@]}-1}") target=$directory/${paths[-1]}
		# What git knows, as in a fresh clone.
		for source in "${sources[@]}"; do
			if [ -d "$source" ]; then
				mkdir -p "$target"
				git ls-files -z "$source" | (cd "$source" && sed -z "s#^$source/##" | tar --null --files-from - -cf -) | tar -xC "$target"
			else
				cp "$source" "$target"
			fi
		done
		;;
	'ARG '*) ;;
	'RUN '*) (cd "$directory" && sh -euc "$rest") ;;
	'USER '*) user=$rest ;;
	'ENTRYPOINT '*) entrypoint=$(sed -E 's/^\["(.*)"\]$/\1/' <<<"$rest") ;;
	*) echo "$file: $instruction $rest: $0 does not know this instruction" >&2 && exit 1 ;;
	esac
done 3<"$file"

root=$work/image
find "$root" -type f -printf '%P %s bytes\n'
if [ "$(id -u)" -ne 0 ]; then
	"$root$entrypoint" --version
	exit
fi
mkdir "$root/data"
cp configs/demo/*.parquet "$root/data/"
sed -E '/^controls/,/^$/d; /^likelihood/,/^$/d; /from: model/,+1d; s#configs/demo/#/data/#; s#^output: .*#output: /tmp/out#' \
	configs/demo/demo.yaml >"$root/data/demo.yaml"
inside() { env -i "$(command -v chroot)" --userspec="$user" "$root" "$entrypoint" "$@"; }
inside --version
inside run -c /data/demo.yaml
test -s "$root/tmp/out/demo/_SUCCESS"
