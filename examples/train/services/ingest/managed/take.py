# Managed by scaffold: updates merge this file.
"""How files get into the raw data: each whole or not at all, beside what is there, and over nothing that is there.

They are put together in a hidden folder of the same volume, forced to disk, and then given their names.
"""

from __future__ import annotations

import filecmp
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from clients.generations import sync
from clients.stages import Refused

INCOMING = ".incoming-"


class Taken(NamedTuple):
    """Names of files: those that are new, those that replaced another, those that were there."""

    new: list[str]
    replaced: list[str]
    same: list[str]


def names(folder: Path) -> list[str]:
    """Every file in a folder. Hidden ones are not meant."""
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if any(part.startswith(".") for part in name.parts) or path.is_dir():
            continue
        if path.is_symlink() or not path.is_file():
            raise Refused(f"{path} is no ordinary file", "put a copy of what it leads to in its place")
        found.append(name.as_posix())
    return found


@contextmanager
def incoming(raw: Path) -> Iterator[Path]:
    """Make a hidden folder in the volume; what an interrupted run left of its own goes first."""
    for path in raw.glob(f"{INCOMING}*"):
        shutil.rmtree(path)
    folder = Path(tempfile.mkdtemp(prefix=INCOMING, dir=raw))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fetched(raw: Path, fetch: Callable[[list[str], Path], None], *, replace: bool) -> Taken:
    """Let `fetch` write into a hidden folder, and take over what it wrote."""
    with incoming(raw) as folder:
        fetch(names(raw), folder)
        taken = compared(folder, raw, replace=replace)
        for name in [*taken.new, *taken.replaced]:
            _name(folder / name, raw / name)
    return taken


def copied(source: Path, raw: Path, *, replace: bool) -> Taken:
    """Copy the files of `source`."""
    taken = compared(source, raw, replace=replace)
    with incoming(raw) as folder:
        for number, name in enumerate([*taken.new, *taken.replaced]):
            copy = folder / str(number)
            shutil.copyfile(source / name, copy)
            shutil.copystat(source / name, copy)
            _name(copy, raw / name)
    return taken


def compared(source: Path, raw: Path, *, replace: bool) -> Taken:
    """Compare two folders. Raises Refused when a file would take the place of another, and may not."""
    taken = Taken([], [], [])
    for name in names(source):
        target = raw / name
        if not target.exists():
            taken.new.append(name)
        elif target.is_file() and filecmp.cmp(source / name, target, shallow=False):
            taken.same.append(name)
        else:
            taken.replaced.append(name)
    if taken.replaced and not replace:
        listed = ", ".join(taken.replaced[:5]) + (" …" if len(taken.replaced) > 5 else "")  # noqa: PLR2004
        raise Refused(f"raw data has other files of these names: {listed}", "rename yours, or give --replace")
    return taken


def _name(path: Path, target: Path) -> None:
    path.chmod(0o644)
    sync(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    path.replace(target)
    sync(target.parent)


def remove(raw: Path, unwanted: list[str]) -> None:
    """Remove files. Raises Refused, before any is removed, when one is not there."""
    if missing := sorted(set(unwanted) - set(names(raw))):
        raise Refused(f"raw data has no {', '.join(missing)}", "look with --list")
    for name in unwanted:
        (raw / name).unlink(missing_ok=True)
    sync(raw)
