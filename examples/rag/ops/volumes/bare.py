# Managed by scaffold: updates merge this file.
"""A helper without a program: a container of an empty image, never started, that the engine itself copies from and to.

It serves stacks none of whose images has GNU tar. What the engine's own archive lacks is in `LOST`; it can fill a new
volume, and neither look into one without reading all of it nor empty it.
"""

from __future__ import annotations

import copy
import io
import secrets
import tarfile
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from ops import docker
from ops.errors import UNABLE, OpsError
from ops.volumes import helper, lock
from ops.volumes.survey import Survey

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ops.sets.manifest import Item

LOST = "ACLs, extended attributes, holes in files and fractions of seconds"
WHY = "no image of this project has GNU tar, and the engine's own copy loses " + LOST
NEVER_RUN = "x"
PRECIOUS = ("database", "index")
SMALL = 65536
KEPT = "SCHILY.xattr."


class Bare(helper.Helper):
    """A container that was created and does not run."""

    lossless = False

    def run(self, *arguments: str, patience: int = docker.TIMEOUT) -> docker.Answer:
        """Refuse: there is nothing to run."""
        why, fix = "no image of this project has GNU tar", "add a service whose image has it"
        raise OpsError(f"`{arguments[0]}` cannot be run beside the volumes", why, fix, UNABLE, "missing-tool")

    def reading(self, volume: str, *more: str) -> list[str]:
        """Return the `docker` command whose output is the archive of a volume."""
        return ["cp", f"{self.id}:{self.where(volume)}/.", "-"]

    def members(self, volume: str) -> Iterator[tarfile.TarInfo]:
        """Read a whole volume; yield its entries, the root first."""
        with docker.reading(self.reading(volume)) as pipe, tarfile.open(fileobj=pipe, mode="r|") as entries:
            for each in entries:
                forget(entries)
                yield each
            while pipe.read(SMALL):
                pass

    def survey(self, volume: str) -> Survey:
        """Add up the length of all files, and look for a device."""
        size, device = 0, ""
        for each in self.members(volume):
            size += each.size
            device = device or (each.name if each.ischr() or each.isblk() else "")
        return Survey(size, device)

    def count(self, volume: str) -> int:
        """Return how many entries a volume has, its root counted."""
        return sum(1 for _ in self.members(volume))

    def empty(self, volume: str) -> bool:
        """Tell whether a volume holds nothing."""
        return self.count(volume) <= 1

    def owner(self, volume: str) -> tuple[int, int]:
        """Return whose a volume's root is."""
        return next(iter([(each.uid, each.gid) for each in self.members(volume) if each.name in {".", "./"}]))

    def read(self, volume: str, name: str) -> str:
        """Return the text of a small file of a volume; empty when there is none."""
        try:
            with docker.reading(["cp", f"{self.id}:{self.where(volume)}/{name}", "-"]) as pipe:
                said = pipe.read()
        except docker.CommandError:
            return ""
        with tarfile.open(fileobj=io.BytesIO(said)) as found:
            first = found.next()
            content = found.extractfile(first) if first and first.isreg() else None
            return content.read(SMALL).decode("utf-8", "replace") if content else ""

    def unpack(self, volume: str, stream: IO[bytes], *more: str) -> None:
        """Unpack an archive into a new volume; the root is an entry like others, seen from the folder above it."""
        base = self.where(volume).rpartition("/")
        with docker.feeding(["cp", "-", f"{self.id}:{base[0]}"]) as pipe:
            put(stream, pipe, base[2])


def accept(items: Sequence[Item]) -> None:
    """Note what such a copy loses; refuse to make one of a database."""
    for item in items:
        if item.kind in PRECIOUS:
            raise refused(item)
        item.warnings.append(f"volume `{item.volume}` is copied without GNU tar: {LOST} are not in the set")


def accept_new(items: Sequence[Item], there: Sequence[str]) -> None:
    """Refuse to restore where something is, or a database's files."""
    if there:
        what, fix = f"volume `{there[0]}` is there already, and cannot be emptied", "--to-project NAME"
        raise OpsError(
            what, WHY, f"{fix}; or, if it may go for ever: docker volume rm {there[0]}", cause="missing-tool"
        )
    for item in items:
        if item.kind in PRECIOUS:
            raise refused(item)


def refused(item: Item) -> OpsError:
    """Say why a database's files are not copied in this way."""
    what, fix = f"the files of volume `{item.volume}` cannot be copied whole", "add a service whose image has GNU tar"
    return OpsError(what, WHY, fix, UNABLE, "missing-tool")


def put(stream: IO[bytes], pipe: IO[bytes], base: str) -> None:
    """Write an archive again as the engine reads it: below a folder, with no holes."""
    with (
        tarfile.open(fileobj=stream, mode="r|") as entries,
        tarfile.open(fileobj=pipe, mode="w|", format=tarfile.PAX_FORMAT) as moved,
    ):
        for each in entries:
            forget(entries)
            one = copy.copy(each)
            one.name = f"{base}/{each.name}"
            one.linkname = f"{base}/{each.linkname}" if each.islnk() else each.linkname
            one.mode = each.mode & 0o7777
            one.pax_headers = {key: value for key, value in each.pax_headers.items() if key.startswith(KEPT)}
            moved.addfile(one, entries.extractfile(each) if each.isreg() else None)
            forget(moved)
    while stream.read(SMALL):
        pass


def forget(entries: tarfile.TarFile) -> None:
    """Let go of the entries so far: it would remember every one of them."""
    vars(entries)["members"] = []


@contextmanager
def mounted(project: str, volumes: Sequence[str], mounts: Sequence[str]) -> Iterator[Bare]:
    """Create such a container; it is gone afterwards."""
    lock.ensure_empty()
    name = f"{project}-ops-{secrets.token_hex(4)}"
    try:
        answer = docker.run([
            "create", "--pull", "never", "--network", "none", "--label", f"{docker.HELPER}={project}", "--name", name,
            *(part for each in mounts for part in ("--mount", each)), lock.EMPTY, NEVER_RUN,
        ])  # fmt: skip
        if answer.code:
            raise OpsError("cannot create a container to copy volumes with", answer.last_error(), code=UNABLE)
        yield Bare(answer.output.strip(), lock.EMPTY, tuple(volumes))
    finally:
        helper.remove(name)
