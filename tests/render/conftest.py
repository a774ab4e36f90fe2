"""Every choice of services and answers, rendered once for all tests of a worker."""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scaffold.catalog.index import load
from scaffold.catalog.resolve import combinations
from scaffold.project.render import render
from scaffold.project.source import Template
from tests.support import life, versions
from tools.examples import ROOT

# Larger choices are too many to try them all: these many, the same ones in every run.
LARGER = 100


def choices() -> Iterator[dict[str, Any]]:
    """Every single entry and every pair with every combination of answers, and a sample of all larger choices."""
    catalog = load(ROOT)
    for size in (1, 2):
        for services in itertools.combinations(catalog.offered, size):
            yield from combinations(catalog, list(services))
    chance = random.Random("larger choices")
    larger = [
        list(services)
        for size in range(3, len(catalog.offered) + 1)
        for services in itertools.combinations(catalog.offered, size)
    ]
    for chosen in chance.sample(larger, LARGER):
        yield chance.choice(list(combinations(catalog, chosen)))


def label(answers: dict[str, Any]) -> str:
    rest = [f"{key}={value}" for key, value in answers.items() if key not in {"project_name", "services"}]
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


@pytest.fixture(scope="session")
def bundle_of_next(bundle_of_now: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every release, the working tree, and a release after it."""
    folder = tmp_path_factory.mktemp("next")
    bundle = Path(shutil.copy(bundle_of_now, folder / "next.bundle"))
    versions.release(bundle, versions.changed(folder / "template"), versions.NEXT)
    return bundle


@pytest.fixture
def newer(bundle_of_next: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This install holds one release more than the one that `begun` is from."""
    monkeypatch.setattr("scaffold.project.source.BUNDLE", bundle_of_next)
    return bundle_of_next


@pytest.fixture(scope="session")
def begun(bundle_of_now: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that is to be copied, not changed."""
    return life.start(bundle_of_now, tmp_path_factory.mktemp("begun"))


@pytest.fixture
def living(begun: Path, workplace: Path) -> Path:
    """A project of the test's own, with a commit, and a version behind where `newer` is used."""
    return life.copy(begun, workplace)
