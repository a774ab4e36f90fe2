# Managed by scaffold: updates merge this file.
"""Look into a volume: what takes how much of it, and when it last changed."""

from __future__ import annotations

import posixpath
from collections import Counter
from typing import TYPE_CHECKING, Any

from ops import docker
from ops.volumes import bare, helper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops.project import Project

DEPTH = 2  # of folders that are listed


def look(this: Project, images: Sequence[str], volume: str, top: int) -> dict[str, Any]:
    """Return a volume's size in bytes, its entries without its root, its last change, and its biggest folders."""
    with helper.mounted(this.name, images, [volume]) as at:
        sizes = walked(at, volume) if isinstance(at, bare.Bare) else measured(at, volume)
        entries, changed = (at.count(volume), None) if isinstance(at, bare.Bare) else counted(at, volume)
    biggest = sorted(((size, path) for path, size in sizes.items() if path), reverse=True)[:top]
    return {
        "size": sizes.get("", 0),
        "entries": entries - 1,
        "changed": changed,
        "folders": [{"path": path, "size": size} for size, path in biggest],
    }


def measured(at: helper.Helper, volume: str) -> dict[str, int]:
    """Return what folders take on the disk; the root is the empty path. A file of two names counts once."""
    where = at.where(volume)
    said = at.ask("du", "--null", "--block-size=1", f"--max-depth={DEPTH}", where, patience=3600)
    rows = (row.split("\t", 1) for row in said.split("\0") if "\t" in row)
    return {path[len(where) :].lstrip("/"): int(size) for size, path in rows}


def counted(at: helper.Helper, volume: str) -> tuple[int, float | None]:
    """Return how many entries there are, and when one last changed: the kernel's own date, which no program sets."""
    entries, changed = 0, 0.0
    command = ["exec", at.id, "find", at.where(volume), "-name", "lost+found", "-prune", "-o", "-printf", "%C@\\n"]
    with docker.reading(command) as pipe:
        for line in pipe:
            entries += 1
            changed = max(changed, float(line))
    return entries, changed or None


def walked(at: bare.Bare, volume: str) -> dict[str, int]:
    """Return what the files in folders come to, from an archive of the volume; it tells nothing of changes."""
    sizes: Counter[str] = Counter()
    for each in at.members(volume):
        folder = posixpath.normpath(each.name if each.isdir() else posixpath.dirname(each.name))
        parts = [part for part in folder.split("/") if part != "."][:DEPTH]
        for depth in range(len(parts) + 1):
            sizes["/".join(parts[:depth])] += each.size
    return dict(sizes)
