# Managed by scaffold: updates merge this file.
"""MongoDB: an archive of its own tools, which the official image holds.

Neither MongoDB nor its tools could be run where this was tested: FerretDB was, with programs that keep to the tools'
documentation and archive format. What a replica set adds is unproven.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ops.errors import UNABLE, OpsError
from ops.stores import steady, versions
from ops.stores.base import Store
from ops.stores.passing import dumping, ended, loading
from ops.stores.streams import Last, chunks, stream

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ops.sets.manifest import Item
    from ops.stores.base import Sink, Source
    from ops.stores.server import Server

# HOME: the image's is the data volume, and a log would stay there.
SHELL = """
HOME=/tmp exec mongosh --quiet --norc \
    'mongodb://127.0.0.1:27017/?directConnection=true&serverSelectionTimeoutMS=5000' --eval "$1"
"""
LOGIN = """
const fs = require("fs");
const said = (name) => {
  const file = process.env[name + "_FILE"];
  return file ? fs.readFileSync(file, "utf8").replace(/\\n+$/, "") : process.env[name] || "";
};
const user = said("MONGO_INITDB_ROOT_USERNAME");
const admin = db.getSiblingDB("admin");
if (user) { admin.auth(user, said("MONGO_INITDB_ROOT_PASSWORD")); }
"""
FACTS = (
    LOGIN
    + """
const hello = admin.runCommand({ hello: 1 });
let fcv = "";
try {
  fcv = admin.runCommand({ getParameter: 1, featureCompatibilityVersion: 1 }).featureCompatibilityVersion.version;
} catch (error) {}
admin.runCommand({ listDatabases: 1, nameOnly: true }).databases.length;
print(JSON.stringify({ version: db.version(), fcv, set: hello.setName || "", host: hello.me || "",
  members: (hello.hosts || []).length }));
"""
)
# Estimates first: counting what is large takes minutes.
COUNTS = (
    LOGIN
    + """
const found = [];
for (const { name } of admin.runCommand({ listDatabases: 1, nameOnly: true }).databases) {
  if (["config", "local"].includes(name)) { continue; }
  for (const each of db.getSiblingDB(name).getCollectionInfos()) {
    if (each.type !== "view" && !each.name.startsWith("system.")) { found.push([name, each.name]); }
  }
}
const of = ([base, name]) => db.getSiblingDB(base).getCollection(name);
const total = found.reduce((sum, each) => sum + of(each).estimatedDocumentCount(), 0);
const counts = {};
if (total <= LIMIT) { for (const each of found) { counts[each.join(".")] = of(each).countDocuments({}); } }
print(JSON.stringify(total <= LIMIT ? counts : null));
"""
)
# What a first start has put there (`/docker-entrypoint-initdb.d`) gives way; accounts are kept in `admin`.
EMPTY = (
    LOGIN
    + """
for (const { name } of admin.runCommand({ listDatabases: 1, nameOnly: true }).databases) {
  if (!["admin", "config", "local"].includes(name)) { db.getSiblingDB(name).dropDatabase(); }
}
for (const { name } of admin.getCollectionInfos()) {
  if (!name.startsWith("system.")) { admin.getCollection(name).drop(); }
}
print("{}");
"""
)
# A member of a replica set that has no data yet takes no writes before this.
INITIATE = (
    LOGIN
    + """
const about = ABOUT;
const hello = () => admin.runCommand({ hello: 1 });
if (about.set && !hello().setName) {
  rs.initiate({ _id: about.set, members: [{ _id: 0, host: about.host }] });
  for (let tries = 0; tries < 60 && !hello().isWritablePrimary; tries++) { sleep(500); }
}
print("{}");
"""
)
# The password goes through a pipe of the container: it is in no file and among no arguments.
TOOL = """
said() {
    eval "file=\\${$1_FILE:-} value=\\${$1:-}"
    if [ -n "$file" ]; then value=$(cat "$file"); fi
    printf '%s\\n' "$value"
}
tool=$1
shift
user=$(said MONGO_INITDB_ROOT_USERNAME)
password=$(said MONGO_INITDB_ROOT_PASSWORD | sed "s/'/''/g")
if [ -n "$user" ]; then
    set -- --config /dev/fd/3 --username "$user" --authenticationDatabase admin "$@"
fi
exec "$tool" --host 127.0.0.1 --port 27017 --archive "$@" 3<<END
password: '$password'
END
"""
LIMIT = 20_000_000  # documents
MAGIC, END = bytes.fromhex("6de29981"), b"\xff\xff\xff\xff"
NOT_ONE_INSTANT = "collections are from different instants: a replica set, of one member even, would make it one"


class Mongo(Store):
    """MongoDB, alone or as a replica set of one member."""

    dumps = True
    live = False

    def dump(self, server: Server, sink: Sink, item: Item) -> None:
        """Dump all databases with their accounts; on a replica set, with what is written meanwhile."""
        facts = said(server, FACTS)
        item.facts.update(facts)
        before = self.counts(server)
        options = ["--oplog"] if facts["set"] else []
        last = Last(len(END))
        with dumping(server, TOOL, "mongodump", *options) as raw:
            sink.add("archive", "mongo.archive", stream(last.of(chunks(raw))))
        ended(server, last, END.__eq__)
        if not facts["set"]:
            item.warnings.append(NOT_ONE_INSTANT)
        item.counts = steady.between(before, self.counts(server))

    def load(self, server: Server, source: Source) -> None:
        """Restore everything. Accounts are added, not replaced: the one of this project keeps its present password.

        That is what the tool does without `--drop`, and why what was there is dropped before, not by it: with it, the
        server would take over the passwords of all accounts. Source: `_mergeAuthzCollections` in mongodb/mongo.
        """
        facts = source.item.facts
        started(server, facts)
        said(server, EMPTY)
        options = ["--oplogReplay"] if facts.get("set") else []
        with source.open(source.item.file("archive")) as plain:
            loading(server, plain, TOOL, "mongorestore", "--stopOnError", *options)
        said(server, FACTS)

    def adopt(self, server: Server) -> None:
        """See that the present password opens restored files: the one they were made with is in them."""
        try:
            said(server, FACTS)
        except OpsError as error:
            what = f"the restored files of service `{server.service}` have another password than the present one"
            fix = "put the secret of that time back, then restore again"
            raise OpsError(what, error.problem.why, fix, UNABLE, "missing-secret") from None

    def counts(self, server: Server) -> dict[str, int] | None:
        """Count the documents of each collection; not when there are too many."""
        found = said(server, COUNTS.replace("LIMIT", str(LIMIT)))
        return None if found is None else {str(name): int(count) for name, count in found.items()}

    def problems(self, item: Item, source: Source, scratch: Path) -> list[str]:
        """See that the archive begins and ends as one."""
        with source.open(item.file("archive")) as plain:
            last = Last(len(END)).seen(plain)
        if last.head != MAGIC:
            return ["the dump is no archive of mongodump"]
        return [] if last.tail == END else ["the archive of mongodump has no end"]

    def fits(self, item: Item, image: str, ask: Callable[[str], str]) -> str:
        """A dump goes into its own major and the next: further, and back, is not supported."""
        have = versions.of_image(image, ask, "MONGO_VERSION", "MONGO_MAJOR")
        wanted = versions.number(str(item.facts.get("version", "")))
        if versions.older(have, wanted) or (have and wanted and have[0] > wanted[0] + 1):
            return f"MongoDB {versions.text(have)} does not take a dump of MongoDB {versions.text(wanted)}"
        return ""


def said(server: Server, script: str) -> Any:
    """Run a script in the server's shell and return the JSON that it prints last."""
    lines = server.ask(SHELL, script).strip().splitlines()
    try:
        return json.loads(lines[-1] if lines else "")
    except ValueError:
        what = f"service `{server.service}` does not answer"
        raise OpsError(what, "its shell said nothing that is known", code=UNABLE, cause="down") from None


def started(server: Server, facts: dict[str, Any]) -> None:
    """Set up a replica set of one member, where the dump is of one."""
    if facts.get("set"):
        if int(facts.get("members") or 1) > 1:
            what = "a replica set of several members is not restored by `ops`"
            raise OpsError(what, fix="restore the archive with mongorestore --oplogReplay, on the primary", code=UNABLE)
        about = json.dumps({"set": facts["set"], "host": facts.get("host") or "127.0.0.1:27017"})
        said(server, INITIATE.replace("ABOUT", about))
