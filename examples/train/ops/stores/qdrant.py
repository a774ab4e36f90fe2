# Managed by scaffold: updates merge this file.
"""Qdrant: a snapshot of each collection, taken and loaded through its HTTP interface, and the aliases.

Unproven: written from Qdrant's documentation and sources; where it was tested there was no Qdrant server. Tested is how
requests get into the container and answers out. Sources: qdrant.tech/documentation/snapshots; qdrant/qdrant#721 (files
that are copied live do not open), #6951 (snapshots of a whole server).
"""

from __future__ import annotations

import re
import secrets
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote

from ops.errors import UNABLE, OpsError
from ops.stores.base import Store
from ops.stores.rest import RefusedError, Rest
from ops.volumes.helper import copy_into

if TYPE_CHECKING:
    from collections.abc import Callable

    from ops.sets.manifest import File, Item
    from ops.stores.base import Sink, Source
    from ops.stores.server import Server

ROLE = "collection"
UNPROVEN = "unproven: no Qdrant server was at hand where this was tested; try `python3 ops drill`"
NOT_FOUND = 404
# What is uploaded stays in the server's folder of snapshots under this name until we remove it.
UPLOADED = "ops-restore.snapshot"


class Qdrant(Store):
    """Snapshots through the running server: its files are not whole while it runs."""

    copy = "stop"
    dumps = True
    live = False

    def dump(self, server: Server, sink: Sink, item: Item) -> None:
        """Snapshot each collection; points that come and go meanwhile are in it or not."""
        rest = connect(server)
        item.warnings.append(UNPROVEN)
        item.facts["version"] = version(rest)
        alone(rest, server)
        item.facts["aliases"] = rest.ask("GET", "/aliases")["result"]["aliases"]
        counts: dict[str, int] = {}
        for number, name in enumerate(collections(rest)):
            before = count(rest, name)
            store(rest, name, f"collection-{number}", sink)
            # One that is written to meanwhile cannot be compared: the snapshot is of some moment in between.
            if count(rest, name) == before:
                counts[name] = before
        item.counts = counts

    def load(self, server: Server, source: Source) -> None:
        """Upload each snapshot into an empty server, then make the aliases."""
        rest = connect(server)
        why = mismatch(str(source.item.facts.get("version", "")), version(rest))
        if why:
            raise OpsError("the server here cannot take these snapshots", why, code=UNABLE, cause="wrong-version")
        for file in source.item.files:
            if file.role == ROLE:
                upload(rest, source, file)
        actions = [{"create_alias": pick(each)} for each in source.item.facts.get("aliases") or []]
        if actions:
            rest.ask("POST", "/collections/aliases", {"actions": actions})

    def counts(self, server: Server) -> dict[str, int] | None:
        """Count the points of each collection."""
        rest = connect(server)
        return {name: count(rest, name) for name in collections(rest)}

    def fits(self, item: Item, image: str, ask: Callable[[str], str]) -> str:
        """Snapshots are for the same minor version, of the same or a later patch."""
        return mismatch(str(item.facts.get("version", "")), image.rpartition(":")[2])


def connect(server: Server) -> Rest:
    """Return a way to ask a server; the image reads no key file, so its start script does."""
    return Rest(server, 6333, "api-key", "/run/secrets/qdrant_api_key", "QDRANT__SERVICE__API_KEY")


def version(rest: Rest) -> str:
    """Return the server's version."""
    return str(rest.ask("GET", "/")["version"])


def mismatch(stored: str, present: str) -> str:
    """Say why snapshots do not fit; versions that cannot be read are left to the server."""
    old, new = numbers(stored), numbers(present)
    if not old or not new or (old[:2] == new[:2] and (new[2:] or old[2:]) >= old[2:]):
        return ""
    wanted = ".".join(map(str, old[:2]))
    return f"the snapshots are of Qdrant {stored}, here is {present}: they load into a later patch of {wanted} only"


def numbers(text: str) -> tuple[int, ...]:
    """Read `1.19.0` or `v1.19`; nothing when it says no minor version."""
    found = re.match(r"v?(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part) for part in found.groups() if part is not None) if found else ()


def alone(rest: Rest, server: Server) -> None:
    """Refuse a server that holds a part of a cluster only: so would its snapshots."""
    try:
        peers = rest.ask("GET", "/cluster")["result"].get("peers") or {}
    except RefusedError as error:
        if error.status != NOT_FOUND:
            raise
        return
    if len(peers) > 1:
        what = f"service `{server.service}` is one of {len(peers)} nodes of a cluster"
        raise OpsError(what, "its snapshots hold the shards of this node only", code=UNABLE)


def collections(rest: Rest) -> list[str]:
    """Return the names of all collections."""
    return sorted(str(each["name"]) for each in rest.ask("GET", "/collections")["result"]["collections"])


def count(rest: Rest, name: str) -> int:
    """Count the points of a collection, each of them."""
    return int(rest.ask("POST", f"{path(name)}/points/count", {"exact": True})["result"]["count"])


def path(name: str) -> str:
    """Return the path of a collection."""
    return f"/collections/{quote(name, safe='')}"


def store(rest: Rest, name: str, file: str, sink: Sink) -> None:
    """Take a snapshot of a collection, keep it, and remove it from the server whatever happens."""
    made = rest.ask("POST", f"{path(name)}/snapshots?wait=true")["result"]
    where = f"{path(name)}/snapshots/{quote(str(made['name']), safe='')}"
    checksum = str(made.get("checksum") or "")
    try:
        with rest.sent("GET", where, nothing, 0, "") as body:
            kept = sink.add(ROLE, file, body, {"collection": name, "checksum": checksum})
        if checksum and kept.plain_sha256.lower() != checksum.lower():
            why = f"collection `{name}`: what came is not what the server says it made"
            raise OpsError("a snapshot of Qdrant is damaged", why, code=UNABLE, cause="damaged")
    except BaseException:
        with suppress(OpsError):
            discard(rest, where)
        raise
    discard(rest, where)


def discard(rest: Rest, where: str) -> None:
    """Remove a snapshot; one that is not there is as good."""
    try:
        rest.ask("DELETE", f"{where}?wait=true")
    except RefusedError as error:
        if error.status != NOT_FOUND:
            raise


def upload(rest: Rest, source: Source, file: File) -> None:
    """Load a snapshot. Without `priority=snapshot` the server would keep its own, empty, state."""
    name = str(file.about["collection"])
    mark = f"ops-{secrets.token_hex(16)}"
    head = (
        f'--{mark}\r\nContent-Disposition: form-data; name="snapshot"; filename="{UPLOADED}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
    tail = f"\r\n--{mark}--\r\n".encode()

    def send(pipe: IO[bytes]) -> None:
        pipe.write(head)
        with source.open(file) as stream:
            copy_into(pipe, stream)
        pipe.write(tail)

    target = f"{path(name)}/snapshots/upload?priority=snapshot&wait=true&checksum={file.plain_sha256}"
    length = len(head) + file.plain_size + len(tail)
    with rest.sent("POST", target, send, length, f"multipart/form-data; boundary={mark}") as body:
        body.read()
    discard(rest, f"{path(name)}/snapshots/{UPLOADED}")


def pick(alias: dict[str, Any]) -> dict[str, Any]:
    """Return what makes an alias again."""
    return {key: alias[key] for key in ("collection_name", "alias_name")}


def nothing(pipe: IO[bytes]) -> None:
    """Send no body."""
