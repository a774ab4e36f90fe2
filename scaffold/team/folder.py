"""A team's folder: what is in it, read strictly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from scaffold.catalog import entry, hazards, standard, strict
from scaffold.catalog.finding import Finding, of_error
from scaffold.catalog.standard import Standard
from scaffold.errors import ScaffoldError

SETTINGS = "template.toml"
PRESETS = "presets.toml"
SERVICES = "services"
FILES = "files"
# Keeps an empty folder in git.
KEEP = ".gitkeep"

# Files of a project that belong to its owner, or that only copier writes.
_THEIRS = (".copier-answers.yml", ".env", "compose.override.yaml", "secrets")


@dataclass(frozen=True, slots=True)
class Folder:
    """What a team lays over the standard: its entries' files and its extra files, by their names in a project."""

    root: Path
    standard: Standard
    presets: Mapping[str, dict[str, Any]]
    entries: frozenset[str]
    services: Mapping[PurePosixPath, Path]
    files: Mapping[PurePosixPath, Path]

    def written(self, file: str) -> str:
        """Where the team wrote what the template has in `file`; `file` itself when it is the standard's."""
        name = PurePosixPath(file.removeprefix(f"{hazards.SUBDIRECTORY}/"))
        if name in self.files:
            return f"{FILES}/{name}"
        if name.parts[:1] == (SERVICES,) and name.parts[1:2] and name.parts[1] in self.entries:
            return str(name)
        return SETTINGS if file == standard.FILE else file


def read(root: Path) -> Folder:
    """The folder of a team.

    Raises ScaffoldError when there is none, or for the first file in it that cannot be read.
    """
    if not (root / SETTINGS).is_file():
        fix = "make one: scaffold template init DIR"
        raise ScaffoldError(f"{root} is not a team's template folder", f"it has no {SETTINGS}", fix)
    read = standard.read(root / SETTINGS)
    presets = strict.presets(root / PRESETS) if (root / PRESETS).is_file() else {}
    services, files = _below(root / SERVICES), _below(root / FILES)
    services = {PurePosixPath(SERVICES) / name: path for name, path in services.items()}
    entries = frozenset(name.parts[1] for name in services if len(name.parts) > len((SERVICES, "id")))
    return Folder(root, read, presets, entries, services, files)


def _below(folder: Path) -> dict[PurePosixPath, Path]:
    paths = [path for path in hazards.below(folder) if path.name != KEEP]
    return {PurePosixPath(path.relative_to(folder).as_posix()): path for path in paths}


def find(folder: Folder) -> list[Finding]:
    """What is wrong in the folder by itself, whatever it is laid over."""
    return sorted({*_links(folder.root), *_names(folder), *_unreadable(folder), *_reserved(folder)})


def _links(root: Path) -> Iterator[Finding]:
    for name in (SETTINGS, PRESETS, SERVICES, FILES):
        if (root / name).is_symlink():
            yield Finding(
                name, 0, "", "it is a symbolic link, which could lead out of the folder", "put the files here"
            )
    for name in (*hazards.SETTINGS, "templates"):
        if (root / name).exists():
            why = "the settings and the files of the template are the base's"
            yield Finding(name, 0, "", why, f"put extra files into {FILES}/, own entries into {SERVICES}/ID/")


def _names(folder: Folder) -> Iterator[Finding]:
    for name, path in [*folder.services.items(), *folder.files.items()]:
        file = path.relative_to(folder.root).as_posix()
        yield from hazards.of_file(path, name, file)
        if "{{" in file or "{%" in file:
            yield Finding(file, 0, "", "its name has Jinja in it, so nobody can tell what it replaces", "rename it")


def _unreadable(folder: Folder) -> Iterator[Finding]:
    for name in folder.services:
        if len(name.parts) <= len((SERVICES, "id")):
            yield Finding(str(name), 0, "", "it belongs to no entry", f"an entry is a folder {SERVICES}/ID/")
    for id in sorted(folder.entries):
        try:
            entry.read(folder.root / SERVICES / id)
        except ScaffoldError as error:
            yield of_error(folder.root, error)


def _reserved(folder: Folder) -> Iterator[Finding]:
    for name in folder.files:
        file = f"{FILES}/{name}"
        if target(name).parts[0] in _THEIRS:
            yield Finding(file, 0, "", "in a project this is not the template's to write", "take it out")
        elif target(name).parts[0] == SERVICES:
            yield Finding(file, 0, "", f"`{SERVICES}/` holds entries only", f"put an entry into {SERVICES}/ID/")


def target(name: PurePosixPath) -> PurePosixPath:
    """What a file of the template is called in a project."""
    return name.with_suffix("") if name.suffix == ".jinja" else name
