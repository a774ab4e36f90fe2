#!/bin/bash
# Fetches Chroma's server, as a Python extension, into $OUT. Runs on the building machine, with the build arguments in
# its environment.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Only the part in Rust, which holds the server and the command line. The Python around it is the client library.
"$PYTHON" -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.11 --dest "$work" "chromadb==$VERSION"
"$PYTHON" -m zipfile -e "$work"/*.whl "$work"
cp -r "$work/chromadb_rust_bindings" "$OUT/chromadb_rust_bindings"
