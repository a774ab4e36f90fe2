"""Files that a project has whatever was chosen: each renders for every service, and for all at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from scaffold.catalog import hazards
from scaffold.catalog.finding import Finding
from scaffold.catalog.index import SERVICES, Catalog
from scaffold.catalog.resolve import Rendering, combinations
from scaffold.errors import ScaffoldError


def find(catalog: Catalog, rendering: Rendering) -> Iterator[Finding]:
    """What cannot be rendered, or renders to no YAML where its name promises some."""
    names = [path.relative_to(catalog.root).as_posix() for path in hazards.below(catalog.root / hazards.SUBDIRECTORY)]
    # A name that makes several files has variables of its own in them.
    files = [name for name in names if name.endswith(".jinja") and not name.startswith(SERVICES) and "{%" not in name]
    for services in [*([id] for id in catalog.offered), catalog.offered]:
        try:
            variables = _variables(rendering, next(combinations(catalog, services)))
        except ScaffoldError:
            continue  # said of the entry
        for file in files:
            yield from _rendered(rendering, file, variables)


def _variables(rendering: Rendering, answers: dict[str, Any]) -> dict[str, Any]:
    """What copier gives to a file, for a project that is being made."""
    return {
        **answers,
        "stack": rendering.stack(answers),
        "_copier_answers": {**answers, "_commit": "v0.0.0", "_src_path": "."},
        "_copier_conf": {"answers_file": ".copier-answers.yml", "sep": "/"},
        "_copier_operation": "copy",
        "_folder_name": "example",
    }


def _rendered(rendering: Rendering, file: str, variables: dict[str, Any]) -> Iterator[Finding]:
    try:
        text = rendering.text(file, variables)
    except ScaffoldError as error:
        yield Finding(file, 0, "", f"it cannot be rendered: {error.why.removeprefix(f'{file}: ')}")
        return
    if not file.endswith((".yaml.jinja", ".yml.jinja")):
        return
    try:
        list(yaml.safe_load_all(text))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        yield Finding(file, 0, "", f"it renders to no valid YAML: {' '.join(str(error).split())}")
