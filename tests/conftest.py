"""What every test gets: a home of its own, no colour, no CI, a git that knows nobody's settings but these."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scaffold.project.source import Template
from tests.support import cli, compose, engine, versions
from tools import examples

# Where copier's and our own scratch folders are, if there is room: a render makes and removes thousands of files, and
# on a disk that is a third of a test's time (measured). What a test makes of them stays on the disk.
MEMORY = Path("/dev/shm")
ROOM = 2 << 30  # bytes

# Files whose tests share one project: a worker takes such a file whole.
SHARED = ("tests/engine/backup/faults/", "tests/engine/backup/test_store_", "tests/engine/moving/")
# Its tests share one rendered project for each choice of services: a worker takes all of a choice.
CHOICES = "tests/render/test_choices.py::"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out tests one by one, but a shared project whole: `xdist_group` has no effect with pytest 9.2 (tried)."""
    from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

    class ByProject(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            return project_of(nodeid)

    return ByProject(config, log)


def project_of(nodeid: str) -> str:
    """Equal for tests that share a project."""
    if nodeid.startswith(SHARED):
        return nodeid.partition("::")[0]
    if nodeid.startswith(CHOICES):
        chosen = nodeid.partition("[")[2].removesuffix("]")
        for version in compose.VERSIONS:
            chosen = chosen.removesuffix(f"-{version}")
        return CHOICES + chosen
    return nodeid


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
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    monkeypatch.setenv("NO_COLOR", "1")
    for name, value in engine.HASTE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("CI", raising=False)
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
        monkeypatch.setattr("tempfile.tempdir", str(MEMORY))


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


@pytest.fixture(scope="session")
def bundle_of_now(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every release, and the working tree as the newest."""
    return versions.now(tmp_path_factory.mktemp("bundle") / "now.bundle")


@pytest.fixture
def install(bundle_of_now: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This install holds the working tree as its newest release. The bundle is the test's own, to add later ones."""
    bundle = Path(shutil.copy(bundle_of_now, tmp_path_factory.mktemp("bundle") / "releases.bundle"))
    monkeypatch.setattr("scaffold.project.source.BUNDLE", bundle)
    return bundle
