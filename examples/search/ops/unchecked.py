# Managed by scaffold: updates merge this file.
"""Secrets that were created while no engine could say whether their volume existed already.

`secrets/.unchecked` remembers each with the mtime of its file. The next command with an engine
settles it: a volume older than the secret was made with another one. A file that has changed since
is the user's answer, and nothing is left to check.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from ops import docker, files, secret_files
from ops.errors import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from ops.declared import Secret
    from ops.docker import Volume
    from ops.project import Project
    from ops.report import Report

NANO = 1_000_000_000
# Before this release a volume's CreatedAt moved with its content (moby#44719): only "older" is sure.
FIXED_ENGINE = (23,)
OLDER, NEWER, UNKNOWN = "older", "newer", "unknown"


def path_of(project: Project) -> Path:
    """Return where the record is."""
    return project.secrets_folder / ".unchecked"


def load(project: Project) -> dict[str, int]:
    """Return the secrets to check; one that cannot be read means all of them."""
    try:
        said = json.loads(path_of(project).read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError):
        said = None
    existing = mtimes(project)
    if not isinstance(said, dict) or not all(type(value) is int for value in said.values()):
        return existing
    away = undeclared(project, said)
    return {name: said[name] for name in said if name in away or said[name] == existing.get(name)}


def undeclared(project: Project, entries: dict[str, int]) -> dict[str, int]:
    """Return those of services that were removed, while their file stays: their data may, and they may come back."""
    declared = {secret.name for secret in project.secrets}
    return {
        name: mtime
        for name, mtime in entries.items()
        if name not in declared and written(project.secrets_folder / name) == mtime
    }


def mtimes(project: Project) -> dict[str, int]:
    """Return when each secret that opens a volume was written, in ns."""
    found = {}
    for secret in project.secrets:
        if secret.ours and secret.volume and secret_files.state(project, secret) == "kept":
            found[secret.name] = secret_files.path_of(project, secret).stat().st_mtime_ns
    return found


def written(path: Path) -> int | None:
    """Return when a file was written, in ns; None when there is none."""
    with suppress(OSError):
        return path.stat().st_mtime_ns
    return None


def save(project: Project, entries: dict[str, int]) -> None:
    """Write the record, or remove it when nothing is left to check."""
    path = path_of(project)
    if entries:
        files.replace(path, json.dumps(entries).encode("ascii"))
    elif path.exists() or path.is_symlink():
        path.unlink()


def remember(project: Project, name: str, mtime_ns: int) -> None:
    """Record a secret before its file appears: killed between the two, it is still checked."""
    save(project, {**stored(project), name: mtime_ns})


def stored(project: Project) -> dict[str, int]:
    """Return the record as it is, entries of files to come included; `load` has made it sound."""
    try:
        found: dict[str, int] = json.loads(path_of(project).read_bytes())
    except FileNotFoundError:
        return {}
    return found


def settle(project: Project, volumes: list[Volume], report: Report, code: int) -> None:
    """Check what is on record against the engine; call it with the project locked."""
    entries = load(project)
    kept = undeclared(project, entries)
    for secret in project.secrets:
        if secret.name not in entries:
            continue
        held = secret_files.opened_by(project, secret, volumes)
        verdicts = [age(name, entries[secret.name] // NANO) for name in held]
        if OLDER in verdicts:
            kept[secret.name] = entries[secret.name]
            report.add(complaint(secret, held), code)
        elif UNKNOWN in verdicts:
            # Kept as well: what was older yesterday may only look newer today.
            kept[secret.name] = entries[secret.name]
            report.note(doubt(secret, held))
    save(project, kept)


def age(volume: str, secret_second: int) -> str:
    """Compare a volume with a secret by the second, which is how fine the engine tells it."""
    created = docker.volume_created(volume)
    if created is not None and created < secret_second:
        return OLDER
    if created is not None and docker.engine_version() >= FIXED_ENGINE:
        return NEWER
    container = docker.oldest_container(volume)
    return OLDER if container is not None and container < secret_second else UNKNOWN


def complaint(secret: Secret, held: list[str]) -> Problem:
    """Say that a secret came after the data it should open."""
    return Problem(
        f"secret `{secret.name}` is newer than the data it opens",
        f"volume `{held[0]}` was there before `{secret.file}`, which was made while no engine "
        "was in reach: that data was opened with another secret",
        secret_files.ways_out(secret, held, f"or, if it does open that data: touch {secret.file}\n"),
    )


def doubt(secret: Secret, held: list[str]) -> str:
    """Say what this engine cannot tell, until the user says it by a touch."""
    return (
        f"this engine cannot tell whether volume `{held[0]}` is older than `{secret.file}`, made while no "
        f"engine was in reach: put the old secret back if there is one, or `touch {secret.file}`"
    )
