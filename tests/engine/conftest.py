"""The engine tier: generated projects, started for real.

Without an engine these tests are skipped, and say so; with SCAFFOLD_REQUIRE_ENGINE=1 (as in .ci/run) one is installed.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scaffold.catalog.index import load
from scaffold.catalog.resolve import images
from scaffold.project import git
from scaffold.project.render import render
from scaffold.project.source import Template
from tests.support import engine, programs
from tests.support.images import ensure, is_provided
from tests.support.running import Project
from tools.examples import ROOT

Make = Callable[..., Project]
Provide = Callable[[str], str]
FindProgram = Callable[[str], Path]
Run = Callable[[str], Project]


@pytest.fixture(scope="session")
def docker() -> dict[str, str]:
    """Environment variables with which `docker` and `docker compose` work, and every image that can be had."""
    required = os.environ.get("SCAFFOLD_REQUIRE_ENGINE") == "1"
    reason = engine.ensure_engine(required)
    if reason and required:
        pytest.fail(f"the engine tier is required: {reason}")
    if reason:
        pytest.skip(f"no Docker engine: {reason}")
    catalog = load(ROOT)
    references = [reference for id in catalog.entries for reference in images(catalog, id)]
    ensure(reference for reference in references if is_provided(reference))
    return engine.compose_environment()


@pytest.fixture(scope="session")
def image(docker: dict[str, str]) -> Provide:  # noqa: ARG001
    """Get an image by its reference, one that no catalogue entry has as well."""

    def provide(reference: str) -> str:
        ensure([reference])
        return reference

    return provide


@pytest.fixture
def program() -> FindProgram:
    """Get a program that backups use, by its name; it is installed when it has to be there."""

    def find(name: str) -> Path:
        try:
            return programs.program(name)
        except engine.SetupError as error:
            if os.environ.get("SCAFFOLD_REQUIRE_ENGINE") == "1":
                raise
            pytest.skip(str(error))

    return find


@pytest.fixture
def run(docker: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Handle a project by the name of its folder, made or not yet. What it leaves in the engine goes at the end."""
    for key, value in docker.items():
        monkeypatch.setenv(key, value)
    projects: list[Project] = []

    def run(name: str) -> Project:
        projects.append(Project(tmp_path / name, name))
        return projects[-1]

    yield run
    for project in projects:
        project.remove()


@pytest.fixture
def make(template: Template, run: Run) -> Make:
    """Make projects with names and ports of their own, whose probes come sooner unless they are to stay as they are."""

    def make(*, hasty: bool = True, **answers: object) -> Project:
        project = run(new_name())
        render(template, {"project_name": project.name, **answers}, project.folder)
        if hasty:
            # An engine waits one interval before the first probe: most of the time that starting takes.
            for path in project.folder.glob("services/*/compose.yaml"):
                path.write_text(re.sub(r"interval: 1\ds", "interval: 3s", path.read_text()))
        return project

    return make


@pytest.fixture
def reachable(template: Template, monkeypatch: pytest.MonkeyPatch) -> None:
    """The template's address leads to the working tree's, for plain copier too."""
    for key, value in git.settings(template.git_settings).items():
        monkeypatch.setenv(key, value)


def new_name() -> str:
    """A project name that no other test has."""
    return f"st-{uuid.uuid4().hex[:10]}"
