"""What is made of a project's own `ops`: its report, or the reason why there is none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from scaffold.project import ops
from tools.examples import ROOT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with the real `ops`, and nothing in it."""
    shutil.copytree(ROOT / "templates/project/ops", tmp_path / "ops", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "compose.yaml").write_text("name: me\n")
    return tmp_path


def test_a_report(folder: Path) -> None:
    report, why = ops.ask(folder, "list")
    assert report is not None
    assert (report["project"], report["sets"], report["exit_code"], why) == ("me", [], 0, "")


def test_a_report_of_what_went_wrong(folder: Path) -> None:
    report, why = ops.ask(folder, "list", "--to", str(folder / "nowhere"))
    assert report is not None
    assert (report["exit_code"], why.startswith("there is no folder `")) == (2, True)


def test_a_verb_that_is_newer_than_the_project(folder: Path) -> None:
    assert ops.ask(folder, "measure") == (None, "its `ops` has no verb `measure` yet: scaffold update")


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("", "exit code 0"),
        ("import sys; sys.exit('out of luck')", "out of luck"),
        ("print('no document')", "exit code 0"),
        ("print('[]')", "exit code 0"),
        ("raise OSError('gone')", "OSError: gone"),
    ],
)
def test_what_is_no_report(folder: Path, program: str, why: str) -> None:
    (folder / "ops/__main__.py").write_text(program)
    assert ops.ask(folder, "list") == (None, why)
