#!/usr/bin/env bash
# Lists the packages that link none of the cloud drivers, neither themselves nor their tests. Building the drivers takes minutes
# on every platform and under every flag, and they are other people's code.
set -euo pipefail
cd "$(dirname "$0")/.."

drivers='gocloud\.dev/blob/(s3blob|gcsblob|azureblob)( |$)'
listing=$("${GO:-go}" list -test -f '{{.ImportPath}}|{{join .Deps " "}} ' ./...)

# "p", "p [p.test]", "p_test [p.test]" and "p.test" all stand for p.
linked=$(grep -E "$drivers" <<<"$listing" | sed -E 's/\|.*//; s/ \[.*//; s/(_test|\.test)$//' | sort -u || true)
"${GO:-go}" list ./... | grep -vxF "${linked:-none}"
