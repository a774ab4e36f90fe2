"""The engine tier: generated projects, started for real.

Without an engine these tests are skipped, and say so; with SCAFFOLD_REQUIRE_ENGINE=1 (as in .ci/run) one is installed.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scaffold.catalog.index import load
from scaffold.catalog.resolve import images
from scaffold.project.render import render
from scaffold.project.source import Template
from tests.support import engine
from tests.support.images import ensure
from tests.support.running import Project
from tools.examples import ROOT

Make = Callable[..., Project]


@pytest.fixture(scope="session")
def docker() -> dict[str, str]:
    """Environment variables with which `docker` and `docker compose` work, and every image of the catalogue."""
    required = os.environ.get("SCAFFOLD_REQUIRE_ENGINE") == "1"
    reason = engine.ensure_engine(required)
    if reason and required:
        pytest.fail(f"the engine tier is required: {reason}")
    if reason:
        pytest.skip(f"no Docker engine: {reason}")
    catalog = load(ROOT)
    ensure(reference for id in catalog.entries for reference in images(catalog, id))
    return engine.compose_environment()


@pytest.fixture
def make(template: Template, docker: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Make projects with names and ports of their own; whatever they left in the engine is removed afterwards."""
    for key, value in docker.items():
        monkeypatch.setenv(key, value)
    made: list[Project] = []

    def make(**answers: object) -> Project:
        name = f"st-{uuid.uuid4().hex[:10]}"
        render(template, {"project_name": name, **answers}, tmp_path / name)
        project = Project(tmp_path / name, name)
        made.append(project)
        return project

    yield make
    for project in made:
        project.remove()
