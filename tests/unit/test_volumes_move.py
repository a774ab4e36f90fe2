"""`scaffold volumes move`: what its flags mean together, and what it says of a name that cannot change."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli import Runner

COMPOSE = """\
name: x
volumes:
  # Theirs
  redis_data:

  # your own volumes below this line
  below:
"""
OVERRIDE = """\
services:
  app:
    image: a
    volumes: [features:/f]
volumes:
  features:
"""


@pytest.fixture
def project(workplace: Path) -> Path:
    """A project whose `ops` says what it was told."""
    (workplace / ".copier-answers.yml").write_text("services: []\n")
    (workplace / "compose.yaml").write_text(COMPOSE)
    (workplace / "compose.override.yaml").write_text(OVERRIDE)
    (workplace / "ops").mkdir()
    return workplace


def answering(project: Path, program: str) -> None:
    (project / "ops" / "__main__.py").write_text(f"import json, sys\n{program}\n")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ([], "what is to be moved"),
        (["a", "--rename", "b", "--split", "c"], "what is to be moved"),
        (["--rename", "b"], "which volume"),
        (["a", "b", "--rename", "c"], "which volume"),
        (["a", "b"], "which volume"),
        (["a", "--bind", "d", "--into", "e"], "--bind takes no name"),
        (["--bind", "d"], "--into goes with"),
        (["a", "--rename", "b", "--into", "c"], "--into goes with"),
        (["redis_data", "--rename", "b"], "`redis_data` cannot be renamed: it is a volume of the template"),
        (["below", "--rename", "b"], "`below` is still declared"),
        (["features", "--rename", "b"], "compose.override.yaml, line 6; mounted by app"),
    ],
)
def test_what_cannot_be_meant(scaffold: Runner, project: Path, args: list[str], words: str) -> None:
    answering(project, "sys.exit('was started')")
    result = scaffold("volumes", "move", *args)
    assert (result.code, result.out) == (2, "")
    assert words in result.err
    assert "hint: " in result.err


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--from-project", "old"], ["--from-project", "old"]),
        (["a", "b", "--from-project", "old"], ["--from-project", "old", "--only", "a", "b"]),
        (["gone", "--rename", "new", "--replace"], ["--volume", "gone", "--into", "new", "--replace"]),
        (["a", "--split", "b/c", "--into", "d"], ["--volume", "a", "--path", "b/c", "--into", "d"]),
        (["a"], ["--anew", "a"]),
        (["--bind", "data", "--into", "d"], ["--folder", "HERE/data", "--into", "d"]),
    ],
)
def test_what_ops_is_told(scaffold: Runner, project: Path, args: list[str], told: list[str]) -> None:
    answering(project, "print(json.dumps({'plan': [], 'told': sys.argv[1:]}))")
    result = scaffold("volumes", "move", *args, "--json")
    wanted = [each.replace("HERE", str(project)) for each in told]
    assert result.document["told"] == ["move", *wanted, "--dry-run", "--json"]


def test_a_refusal_of_ops_is_ours(scaffold: Runner, project: Path) -> None:
    said = {"plan": [], "stopped": [], "problems": [{"what": "no room", "why": "because", "fix": "make some"}]}
    answering(project, f"print(json.dumps({said})); sys.exit(3)")
    result = scaffold("volumes", "move", "--from-project", "old")
    assert (result.code, result.err) == (3, "error: no room\n  cause: because\nhint: make some\n")


def test_an_ops_that_is_too_old(scaffold: Runner, project: Path) -> None:
    answering(project, "sys.exit(\"ops: error: argument VERB: invalid choice: 'move'\")")
    result = scaffold("volumes", "move", "--from-project", "old")
    assert result.code == 2
    assert "scaffold update" in result.err


def test_what_a_killed_run_left_comes_first(scaffold: Runner, project: Path) -> None:
    answering(
        project,
        """
import pathlib
left = pathlib.Path("left")
if sys.argv[1] == "recover":
    left.unlink()
    print(json.dumps({"done": ["took the move back"]}))
elif left.exists():
    print(json.dumps({"cause": "unfinished", "problems": []}))
    sys.exit(2)
else:
    print(json.dumps({"plan": [], "notes": []}))
""",
    )
    (project / "left").touch()
    result = scaffold("volumes", "move", "--from-project", "old")
    assert (result.code, result.err) == (0, "note: took the move back\nnothing to do\n")
