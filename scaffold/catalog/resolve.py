"""Answers to stack, by the template's own resolver.

There is one resolver, templates/lib/resolve.jinja of the template version in use: what is previewed here is what
copier will render, for an older or a team's template too.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from scaffold.catalog.index import SERVICES, Catalog
from scaffold.errors import ScaffoldError

RESOLVER = "templates/lib/resolve.jinja"

Stack = dict[str, Any]


def resolve(catalog: Catalog, answers: Mapping[str, Any]) -> Stack:
    """What `answers` come to: services in order, volumes with owner, writers and readers, links.

    Raises ScaffoldError when the template's resolver fails.
    """
    stack: Stack = json.loads(_render(catalog, RESOLVER, answers))
    return stack


def combinations(catalog: Catalog, services: list[str]) -> Iterator[dict[str, Any]]:
    """Every set of answers that a choice of services allows."""
    questions = catalog.questions(services)
    values = [question["choices"] or [False, True] for question in questions]
    for combination in itertools.product(*values):
        given = {question["name"]: value for question, value in zip(questions, combination, strict=True)}
        yield {"project_name": "example", "services": services, **given}


def images(catalog: Catalog, id: str) -> list[str]:
    """The image references that an entry's own files name, over everything that can be answered."""
    found: set[str] = set()
    folder = catalog.root / SERVICES / id
    paths = sorted([*folder.glob("compose.yaml*"), *folder.glob("Dockerfile*")])
    for answers in combinations(catalog, [id]):
        variables = {**answers, "stack": resolve(catalog, answers)}
        for path in paths:
            text = _render(catalog, path.relative_to(catalog.root).as_posix(), variables)
            found |= set(re.findall(r"^(?:\s+image:|FROM)\s+(\S+)", text, re.MULTILINE))
    return sorted(found)


def _render(catalog: Catalog, path: str, variables: Mapping[str, Any]) -> str:
    """Render one file of the template, with the settings that copier.yml has. Templates may be others': sandboxed."""
    environment = SandboxedEnvironment(
        loader=FileSystemLoader(catalog.root), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"from_json": json.loads, "to_json": json.dumps}
    try:
        return environment.get_template(path).render(variables)
    except (TemplateError, ValueError) as error:
        raise ScaffoldError("the template cannot be rendered", f"{path}: {error}") from error
