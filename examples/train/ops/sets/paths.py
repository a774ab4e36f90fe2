# Managed by scaffold: updates merge this file.
"""Single files and folders of a volume: what `--path` means in its archive."""

from __future__ import annotations

import shlex
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ops.errors import OpsError
from ops.sets import archive, header

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops.sets.header import Header
    from ops.sets.manifest import File
    from ops.sets.writer import ItemSource


def find(source: ItemSource, file: File, paths: Sequence[str]) -> list[str]:
    """Return the paths in plain form; OpsError for one that is not in the archive, or cannot come alone."""
    wanted = [archive.simple(path) for path in paths]
    if "" in wanted:
        raise OpsError("--path `.` is the whole volume", fix="leave --path out")
    chosen = archive.selection(paths)
    found: set[str] = set()

    def look(name: str, member: Header) -> None:
        if not chosen(name):
            return
        found.update(path for path in wanted if archive.simple(name).startswith(path))
        if member.kind == header.HARDLINK and not chosen(member.link):
            first = archive.plain(member.link, member)
            fix = f"name both: --path {shlex.quote(first)} --path {shlex.quote(name)}"
            what = f"{header.shown(name)} is a second name of {header.shown(first)}"
            raise OpsError(what, "alone it would become a name of what that is now", fix)

    with source.open(file) as stream:
        archive.walk(stream, on_member=look)
    for path in paths:
        if archive.simple(path) not in found:
            raise OpsError(f"`{path}` is not in volume `{source.item.volume}` of this set", cause="not-found")
    return [path.rstrip("/") for path in wanted]


def above(paths: Sequence[str]) -> list[str]:
    """Return the folders that paths are in, outermost first."""
    folders = {str(each) for path in paths for each in PurePosixPath(path).parents}
    return sorted(folders - {"."})
