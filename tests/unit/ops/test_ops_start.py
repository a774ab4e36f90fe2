"""Starting `python3 ops` among modules that look like its own, and what every file of it keeps."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.ops.helpers import OPS, PYTHONS, Engine, Run, python_id

SOURCES = sorted(OPS.glob("*.py"))
BOMB = "raise SystemExit('shadowed')\n"
LONGEST_FILE = 300
LONGEST_FUNCTION = 40


def test_a_module_in_the_root_shadows_nothing(root: Path, cli: Run) -> None:
    for name in ("logging", "json", "ops", "argparse", "dataclasses", "docker", "init", "files"):
        (root / f"{name}.py").write_text(BOMB)
    assert cli("init").code == 0


def test_a_module_in_ops_shadows_nothing(root: Path, cli: Run) -> None:
    # `docker.py` is there anyway, and so named like a package of PyPI.
    for name in ("json", "argparse", "subprocess", "secrets", "logging", "pathlib", "tempfile"):
        (root / "ops" / f"{name}.py").write_text(BOMB)
    assert cli("init").code == 0


@pytest.mark.parametrize("python", PYTHONS, ids=python_id)
@pytest.mark.parametrize("way", [["ops"], ["-m", "ops"], ["ops/__main__.py"], ["-I", "ops"]], ids=" ".join)
def test_each_way_of_starting_it(
    root: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch, python: str, way: list[str]
) -> None:
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    assert engine.folder.is_dir()
    (root / "json.py").write_text(BOMB)
    done = subprocess.run([python, *way, "init"], cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    if "-m" not in way:  # there, Python itself loads the package before a line of ours runs
        assert not list(root.rglob("__pycache__"))


def test_an_installed_package_of_that_name_is_not_taken(
    root: Path, cli: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "site" / "ops").mkdir(parents=True)
    (tmp_path / "site" / "ops" / "__init__.py").write_text(BOMB)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'site'}:{root}")
    (root / "logging.py").write_text(BOMB)
    assert cli("init").code == 0


def test_a_reader_that_goes_away(root: Path, cli: Run) -> None:
    assert cli("init").code == 0
    start = f"{sys.executable} {root / 'ops'} status --json | :"
    done = subprocess.run(["/bin/sh", "-c", start], capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_a_terminal_that_knows_only_ascii(root: Path, cli: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    text = (root / "compose.yaml").read_text()
    (root / "compose.yaml").write_text(text.replace("secrets:\n", "secrets:\n  ü: {}\n", 1), "utf-8")
    done = cli("init")
    assert done.code == 2
    assert "Traceback" not in done.err


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_every_file_keeps_the_house_rules(source: Path) -> None:
    text = source.read_text()
    assert text.startswith("# Managed by scaffold: updates merge this file.\n")
    assert len(text.splitlines()) < LONGEST_FILE
    tree = ast.parse(text, feature_version=(3, 9))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < LONGEST_FUNCTION, node.name
        names = [node.module] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in filter(None, names):
            top = name.partition(".")[0]
            assert top == "ops" or top in sys.stdlib_module_names
        assert "subprocess" not in names or source.name == "docker.py"
