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

from jinja2 import ChoiceLoader, DictLoader, FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from jinja2_ansible_filters import AnsibleCoreFiltersExtension  # type: ignore[import-untyped]

from scaffold.catalog import hazards, shape
from scaffold.catalog.index import SERVICES, Catalog
from scaffold.catalog.refusal import refusal
from scaffold.errors import ScaffoldError

RESOLVER = "templates/lib/resolve.jinja"

Stack = dict[str, Any]


def resolve(catalog: Catalog, answers: Mapping[str, Any]) -> Stack:
    """What `answers` come to: services in order, volumes with owner, writers and readers, links.

    Raises ScaffoldError when the template's resolver fails.
    """
    return Rendering(catalog).stack(answers)


def combinations(catalog: Catalog, services: list[str], vary: str | None = None) -> Iterator[dict[str, Any]]:
    """Every set of answers that a choice of services allows; with `vary`, only that entry's own questions vary."""
    questions = catalog.questions(services)
    varied = {question["name"] for question in (catalog.entries[vary]["questions"] if vary else questions)}
    values = [_answers(question) if question["name"] in varied else [question["default"]] for question in questions]
    for combination in itertools.product(*values):
        given = {question["name"]: value for question, value in zip(questions, combination, strict=True)}
        yield {"project_name": "example", "services": services, **given}


def _answers(question: Mapping[str, Any]) -> list[Any]:
    if isinstance(question["default"], bool):
        return [False, True]
    return question["choices"] or [question["default"]]


def images(catalog: Catalog, id: str) -> list[str]:
    """The image references that an entry's own files name, over everything that can be answered."""
    found: set[str] = set()
    rendering = Rendering(catalog)
    folder = catalog.root / SERVICES / id
    paths = sorted([*folder.glob("compose.yaml*"), *folder.glob("Dockerfile*")])
    for answers in combinations(catalog, [id]):
        variables = {**answers, "stack": rendering.stack(answers)}
        for path in paths:
            text = rendering.text(path.relative_to(catalog.root).as_posix(), variables)
            found |= set(re.findall(r"^(?:\s+image:|FROM)\s+(\S+)", text, re.MULTILINE))
    return sorted(found)


class Rendering:
    """Renders files of one template, each read once. Templates may be others': sandboxed."""

    def __init__(self, catalog: Catalog) -> None:
        # The settings that copier.yml has.
        self._environment = SandboxedEnvironment(
            loader=ChoiceLoader([DictLoader(catalog.generated), FileSystemLoader(catalog.root)]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            # The filters that copier has, but for those that read more than answers.
            extensions=[AnsibleCoreFiltersExtension],
        )
        for name in hazards.FILTERS:
            del self._environment.filters[name]

    def stack(self, answers: Mapping[str, Any]) -> Stack:
        """What `answers` come to. Raises ScaffoldError when the template's resolver fails."""
        text = self.text(RESOLVER, answers)
        try:
            stack: Stack = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ScaffoldError("the template cannot be rendered", f"{RESOLVER} gives no JSON: {error}") from error
        if fault := shape.fault_of_stack(stack):
            raise ScaffoldError("the template cannot be rendered", f"{RESOLVER} gives no stack: {fault}")
        return stack

    def text(self, path: str, variables: Mapping[str, Any]) -> str:
        """One file of the template, rendered. Raises ScaffoldError when it cannot be."""
        try:
            return self._environment.get_template(path).render(variables)
        except Exception as error:  # whatever the template's own code comes to
            line = getattr(error, "lineno", None)
            where = f"{getattr(error, 'name', None) or path}:{line}" if line else path
            words = str(error) or type(error).__name__
            if refused := refusal(words):
                raise refused from error
            raise ScaffoldError("the template cannot be rendered", f"{where}: {words}") from error
