#!/bin/bash
# Fetches llama.cpp's server, as a Python extension, into $OUT. Runs on the building machine, with the build arguments
# in its environment.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$PYTHON" -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.11 --dest "$work" "xllamacpp==$VERSION"
"$PYTHON" -m zipfile -e "$work"/*.whl "$work"
cp -r "$work/xllamacpp" "$OUT/xllamacpp"
# Three quarters of it are debug information. What the shim calls stays visible.
if command -v strip > /dev/null; then strip --strip-all "$OUT"/xllamacpp/*.so; fi
