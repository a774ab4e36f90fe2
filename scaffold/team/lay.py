"""Laying a team's folder over the tree of a base, and what does not fit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from scaffold.catalog import hazards, index, standard, strict
from scaffold.catalog.check import check
from scaffold.catalog.entry import OVERLAYS
from scaffold.catalog.finding import Finding, of_error
from scaffold.catalog.policy import wanted
from scaffold.errors import ScaffoldError
from scaffold.team import fit, policy
from scaffold.team.folder import Folder, find

PROJECT = PurePosixPath(hazards.SUBDIRECTORY)


@dataclass(frozen=True, slots=True)
class Laid:
    """What came of it: findings, or files of the base that were replaced and its presets that were dropped."""

    findings: list[Finding]
    replaced: list[str]
    dropped: list[str]


def lay(tree: Path, folder: Folder) -> Laid:
    """Turn `tree`, which holds the base, into the team's template. With findings it is of no use.

    Each stage needs the one before it to have found nothing.
    """
    dropped = [name for name in fit.dropped(tree, folder) if name not in folder.presets]
    laid = Laid([], fit.replaced(folder), dropped)
    for stage in (_place, _index, _enforce, _look):
        found = [replace(finding, file=folder.written(finding.file)) for finding in stage(tree, folder)]
        if found:
            return replace(laid, findings=sorted(set(found)))
    return laid


def _place(tree: Path, folder: Folder) -> Iterator[Finding]:
    """Put in entries, files, presets and the standard, if all of them fit."""
    found = [*find(folder), *fit.find(tree, folder)]
    yield from found
    if found:
        return
    project = tree / PROJECT
    for old in fit.replaced(folder):
        for path in (project / old, project / f"{old}.jinja"):
            path.unlink(missing_ok=True)
    for name, source in [*folder.services.items(), *folder.files.items()]:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, project / name)
    dropped = fit.dropped(tree, folder)
    if dropped or folder.presets:
        presets = strict.presets(tree / index.PRESETS)
        kept = {name: preset for name, preset in presets.items() if name not in dropped}
        (tree / index.PRESETS).write_text(_presets_text({**kept, **folder.presets}), encoding="utf-8")
    (tree / standard.FILE).write_text(standard.text_of(folder.standard), encoding="utf-8")


def _enforce(tree: Path, folder: Folder) -> Iterator[Finding]:
    """Write the policy into every entry's files, and into the macros they are made from."""
    registry = folder.standard.registry
    for entry in sorted((tree / index.SERVICES).iterdir()):
        keys = wanted(folder.standard, entry.name)
        known: set[str] = set()
        for path in sorted(entry.glob("compose.yaml*")):
            known |= {block.name for block in policy.blocks(path.read_text(encoding="utf-8"), within=True)}
            yield from _write(path, policy.compose(_name(tree, path), _text(path), registry, keys))
        for path in [entry / f"{name}.yaml" for name in OVERLAYS]:
            if path.is_file():
                yield from _write(path, policy.compose(_name(tree, path), _text(path), registry, keys, known))
    macros = [path for path in (tree / "templates/lib").iterdir() if "dockerfile" in path.name]
    for path in [*sorted((tree / index.SERVICES).rglob("Dockerfile*")), *macros]:
        yield from _write(path, policy.dockerfile(_name(tree, path), _text(path), registry))


def _index(tree: Path, folder: Folder) -> Iterator[Finding]:
    """Generate the index, and look at the whole as `scaffold catalog check` does."""
    try:
        for path, text in index.generate(tree, folder.standard).items():
            path.write_text(text, encoding="utf-8")
    except ScaffoldError as error:
        yield of_error(folder.root if str(folder.root) in error.what else tree, error)
    else:
        # Now, while the lines are those that people wrote.
        yield from check(tree, enforced=False)


def _look(tree: Path, _folder: Folder) -> Iterator[Finding]:
    """Look at what came out: the policy is everywhere, and did no harm."""
    yield from check(tree)


def _presets_text(presets: dict[str, strict.Record]) -> str:
    lines = ["# Services that are often chosen together."]
    for name, preset in presets.items():
        lines += [
            f"[{name}]",
            *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in preset.items()),
            "",
        ]
    return "\n".join(lines)


def _write(path: Path, changed: policy.Text) -> list[Finding]:
    path.write_text(changed.text, encoding="utf-8", newline="")
    return changed.findings


def _name(tree: Path, path: Path) -> str:
    return path.relative_to(tree).as_posix()


def _text(path: Path) -> str:
    with path.open(encoding="utf-8", newline="") as file:
        return file.read()
