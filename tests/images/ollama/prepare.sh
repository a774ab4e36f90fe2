#!/bin/bash
# Builds Ollama into $OUT, on the building machine, with its Go and g++: five to ten minutes on two cores. Runs with the
# build arguments in its environment.
set -euo pipefail
export GOTOOLCHAIN=local GOFLAGS="${GOFLAGS:-} -buildvcs=false" CGO_ENABLED=1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

module() {  # NAME@VERSION: fetch a Go module and say where it lies
    go mod download "$1"
    echo "$(go env GOMODCACHE)/$1"
}

cp -r --no-preserve=mode "$(module "github.com/ollama/ollama@v$VERSION")" source

# A module zip lacks folders named `vendor`. Three headers of other projects were in this one.
apt-get update
apt-get download nlohmann-json3-dev libstb-dev
for package in *.deb; do dpkg-deb -x "$package" headers; done
vendor=source/llama/llama.cpp/vendor
mkdir -p "$vendor/miniaudio"
cp -r headers/usr/include/nlohmann headers/usr/include/stb "$vendor"
cp "$(module "github.com/gen2brain/malgo@v$MALGO")/miniaudio.h" "$vendor/miniaudio"

# Static, so that it runs on the image's libc, whatever this machine's is.
cd source
go build -trimpath -tags netgo,osusergo \
    -ldflags "-s -w -X github.com/ollama/ollama/version.Version=$VERSION -extldflags=-static" -o "$OUT/ollama" .
