"""`scaffold volumes` where there is no engine, or nothing to ask it for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import sockets
from tests.support.cli import Runner
from tools.examples import ROOT

NOWHERE = "unix:///nowhere/docker.sock"


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", NOWHERE)


@pytest.mark.parametrize(
    ("host", "cause"),
    [
        (NOWHERE, "No such file or directory"),
        ("tcp://127.0.0.1:1", "Connection refused"),
        ("gopher://there", "gopher"),
    ],
)
@pytest.mark.parametrize("args", [("--all",), ("inspect", "a"), ("rm", "a"), ("prune",)])
def test_no_engine(
    scaffold: Runner, workplace: Path, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...], host: str, cause: str
) -> None:
    (workplace / "compose.yaml").write_text("name: me\n")
    monkeypatch.setenv("DOCKER_HOST", host)
    with sockets.left_open():
        result = scaffold("volumes", *args)
    assert result.code == 3
    lines = result.err.splitlines()
    assert lines[0] == f"error: no Docker engine in reach ({host})"
    assert cause in lines[1]
    assert lines[2].startswith("hint: start Docker")


@pytest.mark.parametrize(
    ("args", "error", "hint"),
    [
        (("rm",), "Missing argument", "scaffold volumes rm --help"),
        (("inspect",), "Missing argument", "scaffold volumes inspect --help"),
        (("a", "b"), "unexpected extra argument", "scaffold volumes"),
        (("a", "--project", "b"), "two projects are named: a and b", "name one"),
        (("--all", "a"), "--all is of the whole engine", "leave out"),
        (("a", "rm"), "`rm` does not come first", "scaffold volumes rm …"),
        (("--json", "prune"), "`prune` does not come first", "--project prune"),
        (("prune", "--yes"), "--yes needs the names", "--dry-run"),
        (("--sizze",), "No such option", "scaffold volumes"),
    ],
)
@pytest.mark.usefixtures("workplace")
def test_asked_wrongly(scaffold: Runner, args: tuple[str, ...], error: str, hint: str) -> None:
    result = scaffold("volumes", *args)
    assert (result.code, result.err.startswith("error: ")) == (2, True), result.err
    assert error in result.err
    assert hint in result.err


def test_a_context_that_is_not_there(scaffold: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST")
    monkeypatch.setenv("DOCKER_CONTEXT", "nobody's")
    result = scaffold("volumes", "--all")
    assert (result.code, "there is no Docker context `nobody's`" in result.err) == (2, True)


def test_help_tells_of_the_table_and_of_every_verb(scaffold: Runner) -> None:
    from scaffold.cli.volumes import COMMANDS

    shown = scaffold("volumes", "--help")
    assert shown.code == 0
    for part in ("[PROJECT] [OPTIONS]", "--sizes", "--all", *(f"\n  {name} " for name in COMMANDS)):
        assert part in shown.out
    for name in COMMANDS:
        verb = scaffold("volumes", name, "--help")
        assert (verb.code, f"Usage: scaffold volumes {name}" in verb.out) == (0, True)


@pytest.mark.parametrize("args", [("--help",), ("volumes", "--help"), ("volumes", "rm", "--help"), ("list",)])
def test_the_sdk_loads_where_an_engine_is_asked_and_nowhere_else(args: tuple[str, ...]) -> None:
    code = "import sys; from scaffold.cli.main import run; run(sys.argv[1:]); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not {"docker", "requests"} & set(done.stdout.splitlines()[-1].split())
