"""The house rules that no linter knows."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tools.examples import ROOT, TEAM

PYTHON = sorted(
    path
    for folder in ("scaffold", "tools", "templates", "tests", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
)


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_are_short(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) < 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and path.parts[-2] != "unit":
            lines = (node.end_lineno or 0) - node.lineno + 1
            assert lines <= 40, f"{node.name} has {lines} lines"


def test_ops_never_imports_scaffold_or_what_is_not_in_python() -> None:
    import sys

    for path in (ROOT / "templates/project/ops").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            for name in names:
                assert name.partition(".")[0] in sys.stdlib_module_names | {"ops"}, f"{path.name} imports {name}"


def test_every_managed_file_says_so() -> None:
    """Files that updates merge say it in their first line; those that are the user's own do not."""
    for path in (ROOT / "examples").rglob("*"):
        if path.is_file() and TEAM not in path.parents and path.suffix not in {".pyc"}:
            first = path.read_text().splitlines()[0] if path.read_text() else ""
            assert ("anaged by scaffold" in first) == ("app" not in path.parts), path


def test_the_readme_lists_every_service_and_preset_as_the_catalogue_does() -> None:
    from scaffold.catalog.index import load

    readme = (ROOT / "README.md").read_text()
    catalog = load(ROOT)
    for id, entry in catalog.entries.items():
        assert f"| `{id}` | {entry['summary']} | {entry['state']} |" in readme
    for name, preset in catalog.presets.items():
        assert f"| `{name}` | {', '.join(preset['services'])} |" in readme
