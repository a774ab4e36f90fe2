# Managed by scaffold: updates merge this file.
"""Sets in a restic repository: each is a snapshot of its folder, with its files neither compressed nor encrypted by us.

So restic keeps what is the same once. Manifests and what later looks found are mirrored in `.ops/`, as folders of sets
without their content.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from ops import files, state
from ops.errors import UNABLE, OpsError
from ops.sets import folder, manifest, private
from ops.sets.restic import Restic
from ops.text import size
from ops.volumes import lock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ops.project import Project
    from ops.sets.manifest import Manifest

PLACE = "restic"
# On every snapshot that is a set. The host is the project, whichever machine it runs on.
TAG, SET, KEEP = "ops", "set=", "ops-protected"
PATTERN = "*?[\\"  # what means more than itself in an `--include`


@dataclass(frozen=True)
class Snapshot:
    """A set in a repository, and where in the snapshot its files are."""

    set: str
    id: str
    time: str
    path: str
    protected: bool = False


@dataclass(frozen=True)
class Stage:
    """Where a set is put together before restic takes it; the open file is locked as long as anybody works there."""

    home: Path
    handle: int


@dataclass(frozen=True)
class Repository:
    """The sets of one project in a repository."""

    this: Project
    restic: Restic

    def store(self, stage: Stage, path: Path) -> None:
        """Store a complete set; one that does not get whole leaves no snapshot."""
        id = path.name
        fixed = path.rename(stage.home / "set")
        tags = ["--tag", TAG, "--tag", SET + id]
        answer = self.restic.attempt("backup", "--host", self.this.name, *tags, "--json", str(fixed), keep=stage.handle)
        if answer.code:
            # With code 3 restic keeps a snapshot of what it could read.
            made = summary(answer.output)
            if made:
                self.restic.ask("forget", made, doing="take a half set out of")
            raise self.restic.failed(answer, "store a set in")

    def sets(self) -> list[Snapshot]:
        """Return the sets, oldest first; of one that was stored twice, the later snapshot."""
        there = sorted(self.snapshots(), key=lambda each: each.time)
        found = {each.set: each for each in there}
        return [found[id] for id in sorted(found)]

    def snapshots(self) -> list[Snapshot]:
        """Return the snapshots that are sets of this project."""
        output = self.restic.ask(
            "snapshots", "--json", "--host", self.this.name, "--tag", TAG, doing="list the sets in"
        )
        said = json.loads(output or b"[]") or []
        return [found for found in map(snapshot, said) if found is not None]

    def mirror(self) -> Path:
        """Return a folder that has what is known of every set, and of none that is gone."""
        home = state.private(self.mirrored())
        there = {each.set: each for each in self.sets()}
        for path in folder.sets(home):
            if path.name not in there:
                shutil.rmtree(path)
        for each in there.values():
            path = home / each.set
            if not (path / manifest.NAME).is_file():
                content = self.restic.ask("dump", each.id, f"{each.path}/{manifest.NAME}", doing="read a manifest in")
                path.mkdir(mode=0o700, exist_ok=True)
                files.replace(path / manifest.NAME, content)
            if each.protected != (folder.PROTECTED in folder.checks(path)):
                folder.mark(path, each.protected)
        return home

    def mirrored(self) -> Path:
        """Return where the mirror of this repository is."""
        name = hashlib.sha256(self.restic.address.encode()).hexdigest()[:16]
        return state.folder(self.this.root) / PLACE / f"{self.this.name}-{name}"

    @contextmanager
    def fetched(self, made: Manifest, volumes: Sequence[str] = ()) -> Iterator[Path]:
        """Yield the folder of a set, or of some volumes in it, for as long as it is needed."""
        id = made.id
        found = next((each for each in self.sets() if each.set == id), None)
        if found is None:
            raise OpsError(f"set `{id}` is no longer in the repository", code=UNABLE, cause="not-found")
        with staged(self.this) as stage:
            self.room(stage.home, made, volumes)
            only = [f"{found.path}/{name}" for name in (manifest.NAME, private.NAME, *volumes)] if volumes else []
            included = [part for path in only for part in ("--include", literal(path))]
            arguments = ["restore", found.id, "--target", str(stage.home / "to"), *included]
            self.restic.ask(*arguments, doing="fetch a set from", keep=stage.handle)
            path = stage.home / id
            (stage.home / "to" / found.path.lstrip("/")).rename(path)
            yield path

    def room(self, home: Path, made: Manifest, volumes: Sequence[str]) -> None:
        """Refuse to fetch what there is no room for."""
        need = sum(each.size for each in made.items if not volumes or each.volume in volumes)
        free = shutil.disk_usage(home).free
        if need > free:
            what = f"set `{made.id}` takes {size(need)} while it is read, there are {size(free)} free"
            raise OpsError(what, f"it is fetched to `{home}`", "make room there", UNABLE, "no-space")

    def protect(self, id: str, *, wanted: bool) -> None:
        """Mark a set as one to keep, for whoever looks from another machine, or take the mark away."""
        found = next((each.id for each in self.sets() if each.set == id), "")
        if found:
            self.restic.ask("tag", "--add" if wanted else "--remove", KEEP, found, doing="mark a set in")

    def check(self, *, deep: bool) -> None:
        """Have restic look at the whole repository; deeply, at every byte of it."""
        self.restic.ask("check", *(["--read-data"] if deep else []), doing="vouch for")

    def forget(self, ids: Sequence[str]) -> None:
        """Remove sets, and what nothing else in the repository needs."""
        gone = [each.id for each in self.snapshots() if each.set in ids]
        if gone:
            self.restic.ask("forget", "--prune", *gone, doing="remove sets from")


@contextmanager
def staged(this: Project) -> Iterator[Stage]:
    """Yield an empty private folder, always the same one: restic compares with the last snapshot of that path."""
    place = state.private(state.folder(this.root) / PLACE)
    handle = os.open(place / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    home = place / this.name
    try:
        # A restic whose run was killed still holds it, and still reads there.
        lock.take_folder(handle)
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(mode=0o700)
        try:
            yield Stage(home, handle)
        finally:
            shutil.rmtree(home, ignore_errors=True)
    finally:
        os.close(handle)


def clear(this: Project) -> bool:
    """Remove what a killed run left there, unless its restic still reads it; tell whether there was any."""
    home = this.root / state.FOLDER / PLACE / this.name
    if not home.is_dir():
        return False
    try:
        with staged(this):
            return True
    except OpsError:
        return False


def snapshot(said: dict[str, Any]) -> Snapshot | None:
    """Read a snapshot of restic's; nothing when it is no set."""
    tags = [str(tag) for tag in said.get("tags") or []]
    ids = [tag[len(SET) :] for tag in tags if tag.startswith(SET)]
    paths = [str(path) for path in said.get("paths") or []]
    if len(ids) != 1 or not folder.ID.fullmatch(ids[0]) or len(paths) != 1:
        return None
    # It says where files are restored to: nothing above.
    if not paths[0].startswith("/") or ".." in PurePosixPath(paths[0]).parts:
        return None
    return Snapshot(ids[0], str(said["id"]), str(said.get("time", "")), paths[0], KEEP in tags)


def summary(output: bytes) -> str:
    """Return the snapshot that a backup says it made; empty when it made none."""
    for line in reversed(output.splitlines()):
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict) and said.get("message_type") == "summary":
            return str(said.get("snapshot_id") or "")
    return ""


def literal(path: str) -> str:
    """Return a path as a pattern that means itself."""
    return "".join(f"\\{letter}" if letter in PATTERN else letter for letter in path)
