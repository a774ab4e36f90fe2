# Managed by scaffold: updates merge this file.
"""Redis and Valkey: a snapshot in their own format, which a server loads when it starts.

The snapshot is asked for as a replica would ask and goes straight through: nothing is written in the container, whose
`/tmp` may be read-only, small, or memory that counts as the server's own. The server's checker reads along.
Redis 8 and Valkey could not be run where this was tested: 7.0 was.
"""

from __future__ import annotations

import re
import subprocess
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any

from ops import docker
from ops.errors import UNABLE, OpsError
from ops.stores import rdb, versions
from ops.stores.base import Store
from ops.stores.passing import broken, dumping
from ops.stores.streams import Last, chunks, stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from ops.sets.manifest import Item
    from ops.stores.base import Sink, Source
    from ops.stores.server import Server

# A container of the user's own may name its password's file or hold the password; the client takes it by environment.
CLIENT = """
for file in "${REDIS_PASSWORD_FILE:-}" "${VALKEY_PASSWORD_FILE:-}" \
    /run/secrets/redis_password /run/secrets/valkey_password; do
    if [ -z "${REDISCLI_AUTH:-}" ] && [ -n "$file" ] && [ -r "$file" ]; then REDISCLI_AUTH=$(cat "$file"); fi
done
REDISCLI_AUTH=${REDISCLI_AUTH:-${REDIS_PASSWORD:-${VALKEY_PASSWORD:-}}}
if [ -n "$REDISCLI_AUTH" ]; then export REDISCLI_AUTH; else unset REDISCLI_AUTH; fi
client=redis-cli
command -v "$client" > /dev/null || client=valkey-cli
"""
INFO = CLIENT + '"$client" info'
# What was refused is left out: some servers have `config` renamed.
SETTINGS = """
for name in appendonly appenddirname appendfilename dbfilename dir; do
    "$client" config get "$name" |
        { read -r said && read -r value && [ "$said" = "$name" ] && echo "$name=$value"; } || :
done
"""
# Which folder of the volume it is: the volume may be mounted above it.
PLACE = (
    CLIENT
    + SETTINGS
    + """
folder=$("$client" config get dir | tail -n 1)
df -P "$folder" 2> /dev/null | { read -r head && read -r a b c d e where && echo "mount=$where"; } || :
"""
)
# The client ends a stream with a mark of the server's, unlike a file (measured with 7.0). How much of it is data is
# only in what the client says, so that goes last, at a fixed width.
DUMP = (
    CLIENT
    + """
exec 3>&1
said=$("$client" --rdb - 2>&1 >&3) || { code=$?; echo "$said" >&2; exit "$code"; }
case $said in
    *" after "*" bytes"*) said=${said##* after } ;;
    *" writing "*" bytes to "*) said=${said##* writing } ;;
    *) echo "no end was told of the dump" >&2; exit 1 ;;
esac
printf '%20d' "${said%% bytes*}"
"""
)
CHECK = """
for checker in redis-check-rdb valkey-check-rdb none; do
    if command -v "$checker" > /dev/null; then break; fi
done
if [ "$checker" = none ]; then cat > /dev/null; exit 0; fi
cat | "$checker" /dev/stdin
"""
# An append-only file that the server does not keep up: turned on later, it would win over newer data.
TIDY = CLIENT + SETTINGS
REMOVE = 'case $2 in "" | . | .. | */*) exit 1 ;; esac; rm -rf -- "$1/$2"'

WIDTH, MARK = 20, 40
HEADER = re.compile(rb"(?:REDIS|VALKEY)(\d+)")
HEADER_SIZE = 9
END = b"\xff"  # followed by a checksum of eight bytes
SHARED_RDB = 11  # the last format that Redis and Valkey both know: of Redis 7.2
NO_CHECKER = "there is no redis-check-rdb in the container: the snapshot was not checked when it was taken"


class Redis(Store):
    """Redis or Valkey, with or without an append-only file."""

    dumps = True
    placed = True
    live = False

    def dump(self, server: Server, sink: Sink, item: Item) -> None:
        """Take a snapshot; it is counted by the checker, since the server goes on."""
        item.facts.update(facts(info(server), server.ask(PLACE)))
        snapshot = Snapshot()
        with checking(server, item) as watched, dumping(server, DUMP) as raw:
            sink.add("rdb", "dump.rdb", stream(watched(snapshot.of(chunks(raw)))))
        if not snapshot.whole:
            raise broken(server, "what came of it has no end")
        item.facts["rdb"] = snapshot.format

    @contextmanager
    def fill(self, source: Source, owner: tuple[int, int]) -> Iterator[IO[bytes]]:
        """Put the snapshot where each setting looks for it.

        With an append-only file turned on, a server ignores `dump.rdb`, starts empty and then overwrites it.
        """
        file = source.item.file("rdb")
        with source.open(file) as plain:
            yield stream(rdb.folder(plain, file.plain_size, source.item.facts, owner))

    def settle(self, server: Server) -> None:
        """Remove the append-only file again where none is kept."""
        said = settings(server.ask(TIDY))
        if said.get("appendonly") == "no" and said.get("appenddirname") and said.get("dir"):
            server.ask(REMOVE, said["dir"], said["appenddirname"])

    def counts(self, server: Server) -> dict[str, int] | None:
        """Count the keys that stay: others may have run out between a backup and a look at it."""
        found = re.findall(r"^db\d+:keys=(\d+),expires=(\d+)", info(server), re.MULTILINE)
        return {"keys": sum(int(keys) - int(expires) for keys, expires in found)}

    def problems(self, item: Item, source: Source, scratch: Path) -> list[str]:
        """See that a snapshot begins and ends as one."""
        with source.open(item.file("rdb")) as plain:
            last = Last(HEADER_SIZE).seen(plain)
        if not HEADER.fullmatch(last.head):
            return ["`dump.rdb` is no snapshot of Redis or Valkey"]
        return [] if last.tail[:1] == END else ["`dump.rdb` has no end"]

    def fits(self, item: Item, image: str, ask: Callable[[str], str]) -> str:
        """An older server cannot read a newer snapshot, and the two products have gone different ways."""
        wrote = str(item.facts.get("server", "redis"))
        valkey = bool(ask("VALKEY_VERSION")) or "valkey" in image
        if valkey != (wrote == "valkey"):
            rdb = item.facts.get("rdb")
            fine = isinstance(rdb, int) and rdb <= SHARED_RDB
            return "" if fine else f"a snapshot of {wrote} in format {rdb} is not read by {image}"
        variables = ("VALKEY_VERSION",) if valkey else ("REDIS_VERSION", "REDIS_DOWNLOAD_URL")
        have = versions.of_image(image, ask, *variables)
        wanted = versions.number(str(item.facts.get("version", "")))
        if versions.older(have, wanted):
            return f"{wrote} {versions.text(have)} does not read a snapshot of {wrote} {versions.text(wanted)}"
        return ""


def info(server: Server) -> str:
    """Return what a server says of itself; it exits 0 as well when it refuses."""
    said = server.ask(INFO)
    if "redis_version:" not in said:
        why = (said.strip().splitlines() or ["no answer"])[0]
        raise OpsError(f"service `{server.service}` does not answer", why, code=UNABLE, cause="down")
    if re.search(r"^loading:1", said, re.MULTILINE):
        fix = "wait until it has loaded its data"
        raise OpsError(f"service `{server.service}` is still loading", "", fix, UNABLE, "down")
    return said


def facts(info: str, place: str) -> dict[str, Any]:
    """Return what a restore has to know."""
    said = dict(re.findall(r"^(\w+):(.*?)\r?$", info, re.MULTILINE))
    valkey = said.get("valkey_version", "")
    found = settings(place)
    names = {key: found[key] for key in ("appenddirname", "appendfilename", "dbfilename") if found.get(key)}
    return {
        "server": "valkey" if valkey else "redis",
        "version": valkey or said.get("redis_version", ""),
        "aof": found.get("appendonly") == "yes",
        "folder": below(found.get("mount", ""), found.get("dir", "")),
        **names,
    }


def settings(said: str) -> dict[str, str]:
    """Read `name=value` lines."""
    return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)


def below(mount: str, folder: str) -> str:
    """Return where in its volume a folder is."""
    if mount in {"", "/"} or not folder.startswith(mount.rstrip("/") + "/"):
        return ""
    return folder[len(mount) :].strip("/")


class Snapshot:
    """A snapshot out of what the client sends: behind it are the server's mark, and how much of it is data."""

    def __init__(self) -> None:
        """Begin with the first byte."""
        self.first = Last(HEADER_SIZE)
        self.whole = False

    def of(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Pass on the data; what broke off is passed on as it is, and its program says why."""
        held, passed = b"", 0
        for piece in self.first.of(pieces):
            held += piece
            ready = max(len(held) - WIDTH - MARK, 0)
            if ready:
                passed += ready
                yield held[:ready]
                held = held[ready:]
        said = held[-WIDTH:].strip()
        rest = int(said) - passed if said.isdigit() else -1
        self.whole = rest >= 0 and len(held) - WIDTH - rest in (0, MARK)
        yield held[: max(rest, 0)]

    @property
    def format(self) -> int:
        """Return the number of its format."""
        match = HEADER.fullmatch(self.first.head)
        return int(match.group(1)) if match else 0


@contextmanager
def checking(server: Server, item: Item) -> Iterator[Callable[[Iterable[bytes]], Iterator[bytes]]]:
    """Let the server's own checker read what passes; it says how many keys there are."""
    said = b""
    try:
        with docker.streaming(server.command(CHECK), subprocess.PIPE, subprocess.PIPE) as checker:
            assert checker.stdin is not None
            assert checker.stdout is not None
            pipe = checker.stdin

            def watched(pieces: Iterable[bytes]) -> Iterator[bytes]:
                for piece in pieces:
                    # One that has ended says why by its exit code.
                    with suppress(BrokenPipeError):
                        pipe.write(piece)
                    yield piece

            yield watched
            with suppress(BrokenPipeError):
                pipe.close()
            said = checker.stdout.read()
    except docker.CommandError as error:
        lines = [line for line in said.decode("utf-8", "replace").splitlines() if "]" in line and "AUX" not in line]
        why = lines[-1] if lines else error.said.last_error()
        what = f"service `{server.service}` sent a snapshot that is not whole"
        raise OpsError(what, why, code=UNABLE, cause="damaged") from None
    item.counts = counted(said.decode("utf-8", "replace"))
    if item.counts is None:
        item.warnings.append(NO_CHECKER)


def counted(said: str) -> dict[str, int] | None:
    """Read how many keys a checker saw that do not run out."""
    keys, expires = re.search(r"(\d+) keys read", said), re.search(r"(\d+) expires", said)
    return {"keys": int(keys.group(1)) - int(expires.group(1))} if keys and expires else None
