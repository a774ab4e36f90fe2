"""Every choice of services and answers, rendered once for all tests of a worker."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scaffold.catalog.index import load
from scaffold.catalog.resolve import combinations
from scaffold.project.render import render
from scaffold.project.source import Template
from tools.examples import ROOT


def choices() -> Iterator[dict[str, Any]]:
    """Every subset of the entries with every combination of answers."""
    catalog = load(ROOT)
    for size in range(1, len(catalog.offered) + 1):
        for services in itertools.combinations(catalog.offered, size):
            yield from combinations(catalog, list(services))


def label(answers: dict[str, Any]) -> str:
    rest = [f"{key.rpartition('_')[2]}={value}" for key, value in answers.items() if key.startswith("postgres")]
    return "-".join([*answers["services"], *rest])


@pytest.fixture(scope="session", params=list(choices()), ids=label)
def choice(request: pytest.FixtureRequest) -> dict[str, Any]:
    answers: dict[str, Any] = request.param
    return answers


@pytest.fixture(scope="session")
def project(choice: dict[str, Any], template: Template, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The choice, rendered, with a `.env` as `ops init` would make it."""
    folder = tmp_path_factory.mktemp("project") / "project"
    render(template, choice, folder)
    (folder / ".env").write_bytes((folder / ".env.example").read_bytes())
    return folder
