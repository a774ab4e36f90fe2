# Managed by scaffold: updates merge this file.
"""Where sets are: one folder each, under a name that begins with a dot until it is complete."""

from __future__ import annotations

import calendar
import json
import re
import secrets
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ops import files, state
from ops.errors import OpsError
from ops.sets import manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ops.project import Project
    from ops.sets.manifest import Manifest

DEFAULT = "backups"
ID = re.compile(r"\d{4}-\d\d-\d\dT\d{6}Z-[0-9a-f]{4}")
PARTIAL = re.compile(rf"\.{ID.pattern}\.partial")
CHECKS = "checks.json"
STAMP = "%Y-%m-%dT%H:%M:%SZ"
LATEST = "latest"
VERIFIED, DRILLED, PROTECTED = "verified", "drilled", "protected"


@dataclass(frozen=True)
class Found:
    """A set on disk, and what later looks at it found."""

    path: Path
    manifest: Manifest
    checks: dict[str, Any]

    @property
    def doubted(self) -> bool:
        """Tell whether the last verify or drill found something wrong."""
        return any(not (self.checks.get(kind) or {}).get("good", True) for kind in (VERIFIED, DRILLED))

    @property
    def protected(self) -> bool:
        """Tell whether the user said to keep it."""
        return PROTECTED in self.checks


def home(this: Project, to: str | None) -> Path:
    """Return the folder of this project's sets; a folder that was named has to be there."""
    if not to:
        return this.root / DEFAULT / this.name
    base = Path(to).expanduser().absolute()
    if not base.is_dir():
        why = "it is not made here: where a disk should be mounted, that would fill the wrong one"
        raise OpsError(f"there is no folder `{base}`", why, f"mount it, or mkdir {base}", cause="not-found")
    return base / this.name


def new_id(now: float) -> str:
    """Return the name of a new set: its start in UTC, so that names sort by time."""
    return f"{time.strftime('%Y-%m-%dT%H%M%SZ', time.gmtime(now))}-{secrets.token_hex(2)}"


def begin(home: Path, id: str) -> Path:
    """Make the folder of a set that is not complete yet."""
    if home.parent.name == DEFAULT or not home.parent.exists():
        state.private(home.parent)
    home.mkdir(mode=0o700, exist_ok=True)
    path = home / f".{id}.partial"
    path.mkdir(mode=0o700)
    return path


def publish(partial: Path, id: str) -> Path:
    """Give a complete set its name, in one step."""
    for folder in (*(each for each in partial.iterdir() if each.is_dir()), partial):
        files.sync_folder(folder)
    path = partial.with_name(id)
    partial.rename(path)
    files.sync_folder(path.parent)
    return path


def discard(partial: Path) -> None:
    """Remove a set that did not get complete."""
    shutil.rmtree(partial, ignore_errors=True)


def partials(home: Path) -> list[Path]:
    """Return what killed runs left; call it with the project locked."""
    if not home.is_dir():
        return []
    return sorted(each for each in home.iterdir() if PARTIAL.fullmatch(each.name) and each.is_dir())


def sets(home: Path) -> Iterator[Path]:
    """Return the complete sets of a project, oldest first."""
    if home.is_dir():
        yield from sorted(each for each in home.iterdir() if ID.fullmatch(each.name) and each.is_dir())


def find(this: Project, home: Path, said: str | None) -> Path:
    """Return a set by its path, its id, the beginning of its id, or `latest`."""
    if said and ("/" in said or Path(said).is_dir()) and not ID.fullmatch(said):
        return Path(said).expanduser().absolute()
    names = [each for each in sets(home) if (each / manifest.NAME).is_file()]
    latest = said in (None, "", LATEST)
    found = names[-1:] if latest else [each for each in names if each.name.startswith(str(said))]
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(f"`{each.name}`" for each in found)
        raise OpsError(f"`{said}` could be several sets", listed, "write more of its name", cause="not-found")
    what = f"no backup set `{said}` of project `{this.name}`" if said else f"no backup set of project `{this.name}`"
    fix = "python3 ops list shows what there is; --to DIR looks in another folder; a path to a set does as well"
    raise OpsError(what, f"looked in `{home}`", fix, cause="not-found")


def look(path: Path) -> Found:
    """Read a set."""
    return Found(path, manifest.load(path), checks(path))


def newest(home: Path, unreadable: Callable[[OpsError], object]) -> Manifest | None:
    """Return the manifest of the newest set that can be read; `unreadable` hears of newer ones that cannot."""
    for path in reversed(list(sets(home))):
        try:
            return manifest.load(path)
        except OpsError as error:
            unreadable(error)
    return None


def checks(path: Path) -> dict[str, Any]:
    """Return what verify and drill noted in a set; notes that cannot be read count as none."""
    with suppress(OSError, ValueError):
        said = json.loads((path / CHECKS).read_bytes())
        if isinstance(said, dict):
            return said
    return {}


def note(path: Path, what: str, document: dict[str, Any]) -> None:
    """Note the outcome of a verify or a drill, or that a set is to be kept."""
    files.replace(path / CHECKS, json.dumps({**checks(path), what: document}, indent=1).encode())


def mark(path: Path, wanted: bool) -> None:
    """Protect a set from being forgotten, or not any more."""
    look(path)
    said = {key: value for key, value in checks(path).items() if key != PROTECTED}
    files.replace(path / CHECKS, json.dumps({**said, PROTECTED: True} if wanted else said, indent=1).encode())


def seconds(stamp: str) -> float:
    """Return a time of a manifest as seconds since 1970; 0 when it is none."""
    with suppress(ValueError):
        return calendar.timegm(time.strptime(stamp, STAMP))
    return 0


def stamp(now: float) -> str:
    """Return a time as manifests have it."""
    return time.strftime(STAMP, time.gmtime(now))
