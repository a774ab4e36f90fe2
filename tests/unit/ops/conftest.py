"""The package that ships in the template, a project to run it on, and the ways to run it."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.ops import register
from tests.support.programs import needed
from tests.unit.ops import fake_docker
from tests.unit.ops.helpers import COMPOSE, EXAMPLE, HERE, OPS, PYTHONS, Done, Engine, Run, python_id

if TYPE_CHECKING:
    from tests.unit.ops.restic_place import Place

register()


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Put the fake `docker`, and nothing else, on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = (HERE / "fake_docker.py").read_text()
    (folder / "docker").write_text(f"#!{os.path.realpath(sys.executable)} -ISE\n{script}")
    (folder / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    for name in [name for name in os.environ if name.startswith(("COMPOSE_", "DOCKER_", "OPS_"))]:
        monkeypatch.delenv(name)
    fake = Engine(folder)
    fake.set(
        reachable=True,
        version="28.0.1",
        volumes=[],
        containers=[],
        compose="2.40.3",
        all_resources=True,
        config={
            "name": "my-rag",
            "services": {"mongo": {"environment": {"KEY": "value-of-config"}}},
            "volumes": {"mongo_data": {"name": "my-rag_mongo_data"}},
            "x-scaffold": {
                "volumes": {
                    "mongo_data": {
                        "responsibility": "MongoDB database files",
                        "class": "database",
                        "owner": "mongo",
                        "backup": "mongo-dump",
                    }
                }
            },
        },
        ps="",
    )
    return fake


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a project as `scaffold` generates it."""
    root = tmp_path / "clone"
    root.mkdir()
    shutil.copytree(OPS, root / "ops", ignore=shutil.ignore_patterns("__pycache__", ".*"))
    (root / "compose.yaml").write_text(COMPOSE)
    (root / ".env.example").write_text(EXAMPLE)
    return root


@pytest.fixture
def ops(root: Path, engine: Engine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a verb in this process; the fake `docker` answers there too, which saves its start."""
    from ops import docker
    from ops.cli import main

    def answer(arguments: list[str], folder: Path | None = None, **_: object) -> docker.Answer:
        assert folder in (None, root)
        return docker.Answer(*fake_docker.answer(engine.folder, arguments))

    def run(*arguments: str) -> Done:
        capsys.readouterr()
        code = main(list(arguments), root)
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    monkeypatch.setattr(docker, "run", answer)
    return run


def finished(command: list[str], options: dict[str, Any]) -> Done:
    """Run a command to its end; `options` are those of `subprocess.run`."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, **options)
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture(params=PYTHONS, ids=python_id)
def cli(request: pytest.FixtureRequest, root: Path, engine: Engine) -> Run:
    """Run the program as users do, on each Python."""

    def run(*arguments: str, **options: Any) -> Done:
        options.setdefault("cwd", root)
        return finished([request.param, str(root / "ops"), *arguments], options)

    assert engine.folder.is_dir()
    return run


@pytest.fixture
def driven(root: Path, engine: Engine) -> Run:
    """Run a verb in a process of its own, after some lines that break something."""

    def run(breakage: str, *arguments: str, **options: Any) -> Done:
        start = (
            f"import sys, os, signal, runpy\nsys.argv = ['ops', *{list(arguments)!r}]\n"
            f"sys.path.insert(0, {str(root)!r})\nsys.dont_write_bytecode = True\n{breakage}\n"
            "from ops.cli import main\n"
            "sys.exit(main())\n"
        )
        return finished([sys.executable, "-c", start], options)

    assert engine.folder.is_dir()
    return run


@pytest.fixture
def zstd() -> None:
    """A test in need of it."""
    needed("zstd")


@pytest.fixture
def how(request: pytest.FixtureRequest) -> str:
    """A way to store; the program for it is there."""
    if request.param == "zstd":
        needed("zstd")
    return str(request.param)


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """See that neither threads nor descriptors nor children stay behind."""
    from tests.unit.ops.codecs import children

    # What an earlier test left for the collector may go meanwhile: only more is too many.
    gc.collect()
    descriptors, running = list(Path("/proc/self/fd").iterdir()), children()
    yield
    gc.collect()
    assert len(list(Path("/proc/self/fd").iterdir())) <= len(descriptors)
    assert [each for each in threading.enumerate() if each.name == "ops-sink"] == []
    assert children() == running


@pytest.fixture(scope="session")
def restic() -> Path:
    """The real one."""
    return needed("restic")


@pytest.fixture(scope="session")
def empty(restic: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with nothing in it: making one takes seconds, copying one does not."""
    from tests.unit.ops.restic_place import PASSWORD

    path = tmp_path_factory.mktemp("empty") / "repository"
    said = {**os.environ, "RESTIC_REPOSITORY": str(path), "RESTIC_PASSWORD": PASSWORD}
    subprocess.run([restic, "init"], env=said, check=True, capture_output=True)
    return path


@pytest.fixture
def place(tmp_path: Path, restic: Path, empty: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Make a project whose sets go to a repository of its own."""
    from tests.unit.ops.restic_place import PASSWORD, Place

    for name in [name for name in os.environ if name.startswith("RESTIC_")]:
        monkeypatch.delenv(name)
    (tmp_path / "password").write_text(PASSWORD + "\n")
    monkeypatch.setenv("RESTIC_PASSWORD_FILE", str(tmp_path / "password"))
    monkeypatch.setenv("RESTIC_CACHE_DIR", str(tmp_path / "cache"))
    place = Place(tmp_path, restic, monkeypatch)
    shutil.copytree(empty, place.path)
    return place
