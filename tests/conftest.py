"""What every test gets: a home of its own, no colour, no CI, a git that knows nobody's settings but these."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from scaffold.project.source import Template
from tests.support import cli
from tools import examples


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("home")
    config = home / "gitconfig"
    config.write_text('[user]\nname = Tester\nemail = tester@localhost\n[protocol "file"]\nallow = always\n')
    for name in [name for name in os.environ if name.startswith(("GIT_", "COMPOSE_", "SCAFFOLD_TEMPLATE"))]:
        if name != "GIT_SSL_CAINFO":
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("CI", raising=False)


@pytest.fixture(scope="session")
def template() -> Iterator[Template]:
    """The working tree's template as if it were a release."""
    with examples.snapshot("9.0.0") as snapshot:
        yield snapshot


@pytest.fixture
def scaffold(capfd: pytest.CaptureFixture[str]) -> cli.Runner:
    """Run `scaffold` in this process: `scaffold("list", "--json")`."""
    return cli.Runner(capfd)


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the current one, outside every repository."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
