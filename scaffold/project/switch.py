"""Changing the address of a project's template, and nothing else."""

from __future__ import annotations

import re
import secrets
import stat
from collections.abc import Callable

import yaml

from scaffold.errors import CouldNotError, ScaffoldError
from scaffold.project import source
from scaffold.project.carryover import disk
from scaffold.project.existing import ANSWERS_FILE, Existing

_LINE = re.compile(r"^_src_path:.*(?:\n[ \t]+\S.*)*$", re.MULTILINE)


def check(project: Existing, url: str, *, force: bool, say: Callable[[str], None]) -> list[str]:
    """Make sure that the project's version at `url` is the template it was made from: the next update merges with it.

    Returns the versions that are there. With `force`, two templates that differ or cannot be compared are only named
    to `say`. Raises ScaffoldError.
    """
    known = source.available(url)
    if project.version not in known:
        raise ScaffoldError(
            f"{url} has no {project.version}, which the project is from",
            f"it has {', '.join(known[-3:])}",
            "publish that version there: a copy of the template's commit and tag",
        )
    old, new = source.tree_of(project.url, project.version), source.tree_of(url, project.version)
    if old is not None and old == new:
        return known
    words = "is another template than the one the project is from" if old and new else "cannot be compared"
    if not force:
        raise ScaffoldError(
            f"{project.version} at {url} {words}",
            "an update from it would take the differences for your edits"
            if old and new
            else f"{project.url} cannot be read",
            "use --force if you know that it is the same template",
        )
    say(f"note: {project.version} at {url} {words}")
    return known


def carry_out(project: Existing, url: str) -> None:
    """Write the address into the project's answers file, in one step. Raises CouldNotError, ScaffoldError."""
    path = project.folder / ANSWERS_FILE
    text = path.read_text(encoding="utf-8")
    line = yaml.safe_dump({"_src_path": url}, width=2**20).rstrip("\n")
    changed, count = _LINE.subn(lambda _: line, text)
    if count != 1 or yaml.safe_load(changed) != {**yaml.safe_load(text), "_src_path": url}:
        raise ScaffoldError(
            f"{path} is not as copier writes it", "the line `_src_path:` was not found", "edit it by hand"
        )
    part = project.folder / f".scaffold-{secrets.token_hex(4)}"
    try:
        disk.write(part, changed.encode(), stat.S_IMODE(path.stat().st_mode), exact=True)
        disk.put(part, project.folder, ANSWERS_FILE)
    except OSError as error:
        raise CouldNotError(f"cannot write {path}", error.strerror or str(error)) from error
