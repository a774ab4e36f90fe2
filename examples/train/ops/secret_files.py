# Managed by scaffold: updates merge this file.
"""The files under `secrets/`: looked at, created once, never read and never changed."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from ops import files
from ops.errors import OpsError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ops.declared import Secret
    from ops.docker import Volume
    from ops.project import Project

# The folder keeps others on the host out; every user inside a container may read the file.
FOLDER_MODE = 0o700
FILE_MODE = 0o444


def path_of(project: Project, secret: Secret) -> Path:
    """Return where a secret's file is."""
    return project.root / os.path.expanduser(secret.file)  # noqa: PTH111 (as Compose does)


def state(project: Project, secret: Secret) -> str:
    """Return `kept`, `empty`, `missing` or `unusable` (a folder, or a link to nothing)."""
    path = path_of(project, secret)
    try:
        size = path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return "unusable" if path.is_symlink() else "missing"
    if not path.is_file():
        return "unusable"
    return "kept" if size else "empty"


def unresolved(secret: Secret) -> bool:
    """Tell whether only Compose can say where the file is."""
    return "$" in secret.file


def problem(secret: Secret, found: str) -> Problem | None:
    """Say what is wrong with a file that is there but no good, or that only the user can write."""
    name, file = secret.name, secret.file
    if found == "empty":
        again = "then run `python3 ops init`" if secret.ours else "and write the secret into it"
        return Problem(f"secret `{name}` is empty", fix=f"remove `{file}`, {again}")
    if found == "unusable":
        why = "Docker puts a folder where a file to mount is missing; a link may lead nowhere"
        return Problem(f"`{file}` is no file", why, f"remove it, or put the secret `{name}` there")
    if found == "missing" and not secret.ours:
        why = "it is your own: `ops` creates what `x-scaffold` describes under `secrets/`"
        return Problem(f"secret `{name}` has no file", why, f"write it to `{file}`")
    return None


def opened_by(project: Project, secret: Secret, volumes: list[Volume]) -> list[str]:
    """Return the volumes in the engine whose data this secret opens."""
    if secret.volume is None:
        return []
    held, labels = project.held_as(secret.volume), (project.name, secret.volume)
    return [each.name for each in volumes if each.name == held or (each.project, each.key) == labels]


def refusal(secret: Secret, held: list[str]) -> Problem:
    """Say why a missing secret is not invented, and the ways out."""
    return Problem(
        f"secret `{secret.name}` is missing, and the data it opens exists",
        f"volume `{held[0]}` was made with the old one; a new one would not open it",
        ways_out(secret, held),
    )


def ways_out(secret: Secret, held: list[str], more: str = "") -> str:
    """Return what helps when a volume and its secret do not belong together."""
    file = secret.file
    return (
        f"put `{file}` back from a backup, or from another clone of this project\n"
        f'or, if you know the secret: rm -f {file}; read -rs S && printf %s "$S" > {file}; unset S\n'
        f"or, if that data may go for ever: docker volume rm {' '.join(held)}\n"
        f"{more}then: python3 ops init"
    )


def create(project: Project, secret: Secret, announce: Callable[[int], None] | None) -> bool:
    """Create a random secret unless its file exists; `announce` hears its mtime first."""
    content = secrets.token_urlsafe(32).encode("ascii")
    return files.create_once(path_of(project, secret), content, FILE_MODE, announce)


def prepare_folder(folder: Path) -> bool:
    """Make sure of a private folder; True when an existing one had to be closed."""
    try:
        folder.mkdir(mode=FOLDER_MODE)
    except FileExistsError:
        if not folder.is_dir():
            fix = "move it away, or let the link lead to a folder"
            raise OpsError("`secrets` is no folder", fix=fix) from None
        # A link's target is someone's decision; only a folder of the project is ours to close.
        if folder.is_symlink() or not files.others_may(folder):
            return False
        folder.chmod(FOLDER_MODE)
        return True
    return False
