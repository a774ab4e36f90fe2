"""Whether a team's folder fits the base that it is laid over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from scaffold.catalog import hazards, index, strict
from scaffold.catalog.finding import Finding
from scaffold.team.folder import FILES, PRESETS, SETTINGS, Folder, target

PROJECT = PurePosixPath(hazards.SUBDIRECTORY)


def find(tree: Path, folder: Folder) -> Iterator[Finding]:
    """Entries, files and presets that the base at `tree` has already, or that a policy speaks against."""
    ids = {path.name for path in (tree / index.SERVICES).iterdir()}
    for id in sorted(folder.entries & ids):
        why = "the standard template has an entry of this id"
        yield Finding(f"services/{id}", 0, "", why, "give yours another; to have it instead, forbid the standard one")
    base = _base_files(tree)
    clients = {f"clients/{id.replace('-', '_')}.py" for id in ids | folder.entries}
    for name in folder.files:
        why, fix = _clash(str(target(name)), base, clients, folder)
        if why:
            yield Finding(f"{FILES}/{name}", 0, "", why, fix)
    ours = {str(target(name)).casefold() for name in folder.files}
    for listed in folder.standard.replaces:
        if listed.casefold() not in ours & base:
            why = f"`{listed}` is not both in {FILES}/ and in the standard template"
            yield Finding(SETTINGS, 0, "replaces", why, "take it out of the list, or put the file there")
    yield from _presets(tree, folder)


def _clash(name: str, base: set[str], clients: set[str], folder: Folder) -> tuple[str, str]:
    """Why an extra file cannot have its name, and what to do."""
    folded = name.casefold()
    if folded in clients:
        return "it is where an entry's client.py goes", "rename it"
    if folded in base and name not in folder.standard.replaces:
        fix = f'to replace it, write replaces = ["{name}"] in {SETTINGS}; what the standard improves in it is then lost'
        return "the standard template has this file", fix
    if any(other.startswith(f"{folded}/") for other in base):
        return "the standard template has a folder of this name", "rename it"
    if {str(parent) for parent in PurePosixPath(folded).parents} & base:
        return "the folder it is in is a file in the standard template", "rename it"
    return "", ""


def replaced(folder: Folder) -> list[str]:
    """The files of the base that the team has its own for."""
    return sorted({str(target(name)) for name in folder.files} & set(folder.standard.replaces))


def dropped(tree: Path, folder: Folder) -> list[str]:
    """Those presets of the base that choose what is forbidden."""
    presets = strict.presets(tree / index.PRESETS)
    return [name for name, preset in presets.items() if set(preset["services"]) & set(folder.standard.forbidden)]


def _base_files(tree: Path) -> set[str]:
    """The names that the base's own files have in a project, without its entries'; case is one for some disks."""
    names = [PurePosixPath(path.relative_to(tree / PROJECT).as_posix()) for path in hazards.below(tree / PROJECT)]
    return {str(target(name)).casefold() for name in names if name.parts[0] != "services"}


def _presets(tree: Path, folder: Folder) -> Iterator[Finding]:
    taken = set(strict.presets(tree / index.PRESETS)) - set(dropped(tree, folder))
    for name, preset in folder.presets.items():
        if name in taken:
            yield Finding(PRESETS, 0, name, "the standard template has a preset of this name", "give yours another")
        for id in preset["services"]:
            if id in folder.standard.forbidden:
                yield Finding(PRESETS, 0, name, f"it chooses `{id}`, which {SETTINGS} forbids", "take it out")
