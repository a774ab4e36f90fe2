"""Everything that is wrong with a template, at once: what `scaffold catalog check` says."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scaffold.catalog import common, composed, dockerfile, entry, hazards, policy, standard, strict
from scaffold.catalog.finding import Finding, of_error
from scaffold.catalog.fragment import Fragment
from scaffold.catalog.index import PRESETS, SERVICES, Catalog, generate, of_index
from scaffold.catalog.resolve import Rendering, Stack
from scaffold.errors import ScaffoldError

# Names that copier.yml and the answers file have taken.
_TAKEN = ("project_name", "services", "placement", "stack", "refusal", "seeded", "answers")


def check(root: Path, *, enforced: bool = True) -> list[Finding]:
    """All findings in the template at `root`, in the order of their files.

    With `enforced` false a team's policy is not looked for: it is not written into the files yet.
    The entries' files are rendered only when every service.toml can be read: what they come to depends on all of them.
    """
    unreadable = list(_declarations(root))
    found = [*hazards.find(root), *unreadable]
    if not unreadable:
        try:
            generated = generate(root)
        except ScaffoldError as error:
            return sorted({*found, of_error(root, error)})
        found += _stale(root, generated)
        texts = {path.relative_to(root).as_posix(): text for path, text in generated.items()}
        index = of_index(root, json.loads(texts["templates/catalog.json"]))
        catalog = Catalog(root, index.entries, index.presets, index.registry, texts)
        found += _entries(catalog, enforced)
    return sorted(set(found))


def _declarations(root: Path) -> Iterator[Finding]:
    """What cannot be read: each service.toml, the presets, the shared volumes and a team's standard."""
    team = root / standard.FILE
    folders = sorted(path.parent for path in (root / SERVICES).glob("*/service.toml"))
    if not folders:
        yield Finding(SERVICES, 0, "", "there is no entry", "give the root of a template's repository")
    readings: list[tuple[Any, Path]] = [(entry.read, folder) for folder in folders]
    readings += [(strict.presets, root / PRESETS), (entry.shared_volumes, root / "templates/shared.toml")]
    readings += [(standard.read, team)] if team.is_file() else []
    for read, path in readings:
        try:
            read(path)
        except ScaffoldError as error:
            yield of_error(root, error)
    for folder in sorted(path for path in (root / SERVICES).glob("*") if path.is_dir() and path not in folders):
        if any(hazards.below(folder)):
            yield Finding(f"{SERVICES}/{folder.name}", 0, "", "it has no service.toml", "write one, or take it out")


def _stale(root: Path, generated: dict[Path, str]) -> Iterator[Finding]:
    for path, text in generated.items():
        if not path.is_file() or path.read_bytes() != text.encode():
            why = "it is not what the entries say"
            yield Finding(path.relative_to(root).as_posix(), 0, "", why, "run scaffold catalog build")


def _entries(catalog: Catalog, enforced: bool) -> Iterator[Finding]:
    """What is wrong in the files of the entries, over everything that can be answered."""
    path = catalog.root / standard.FILE
    team = standard.read(path) if enforced and path.is_file() else None
    rendering = Rendering(catalog)
    owners: dict[str, str] = {}
    yield from common.find(catalog, rendering)
    for id in catalog.entries:
        yield from _source_files(catalog, id)
        for stack, fragments in composed.rendered(catalog, rendering, id):
            yield from (part for part in fragments if isinstance(part, Finding))
            readable = [part for part in fragments if isinstance(part, Fragment)]
            yield from _rendered(stack, id, readable)
            if team is not None:
                yield from policy.find(team, id, readable)
            for part in readable:
                for name in part.services:
                    if owners.setdefault(name, id) != id:
                        why = f"the entry `{owners[name]}` has a service of this name"
                        yield part.finding(name, "", why, f"give it another, that begins with {id}")
        yield from _dockerfiles(catalog, rendering, id, team)


def _rendered(stack: Stack, id: str, parts: list[Fragment]) -> Iterator[Finding]:
    for part in parts:
        if part.file.endswith(("/compose.yaml", "/compose.yaml.jinja")):
            yield from composed.find(stack, id, part)
        else:
            for name, service in part.services.items():
                yield from composed.images(part, name, service)


def _source_files(catalog: Catalog, id: str) -> Iterator[Finding]:
    """The entry's own declarations and Python that have no place to be checked in reading service.toml."""
    folder = f"{SERVICES}/{id}"
    for question in catalog.entries[id]["questions"]:
        if question["name"] in _TAKEN:
            yield Finding(f"{folder}/service.toml", 0, question["name"], "every project has this already", "rename it")
    for path in sorted((catalog.root / folder).rglob("*.py")):
        try:
            ast.parse(path.read_bytes())
        except (SyntaxError, ValueError, RecursionError) as error:
            file = path.relative_to(catalog.root).as_posix()
            yield Finding(
                file,
                getattr(error, "lineno", None) or 0,
                "",
                f"it is no valid Python: {error.args[0] if error.args else error}",
            )


def _dockerfiles(catalog: Catalog, rendering: Rendering, id: str, team: standard.Standard | None) -> Iterator[Finding]:
    for path in sorted((catalog.root / SERVICES / id).rglob("Dockerfile*")):
        file = path.relative_to(catalog.root).as_posix()
        try:
            for text in _texts(catalog, rendering, id, path):
                yield from _images(file, text)
                yield from policy.in_dockerfile(team, file, text) if team is not None else ()
        except UnicodeDecodeError:
            continue  # a hazard, and said there
        except ScaffoldError as error:
            yield Finding(file, 0, "", f"it cannot be rendered: {error.why}")


def _texts(catalog: Catalog, rendering: Rendering, id: str, path: Path) -> Iterator[str]:
    """What a file of an entry comes to, for each set of answers."""
    if path.suffix != ".jinja":
        yield path.read_text(encoding="utf-8")
        return
    for answers in composed.choices(catalog, id):
        yield rendering.text(path.relative_to(catalog.root).as_posix(), {**answers, "stack": rendering.stack(answers)})


def _images(file: str, text: str) -> Iterator[Finding]:
    for reference in dockerfile.references(text):
        if not composed.pinned(reference.image):
            yield Finding(file, 0, "", f"`{reference.image}` has no version", "name the tag, and not `latest`")
