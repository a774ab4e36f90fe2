"""The package `ops`, which ships in the template, under the name that it has in a project and from nowhere else."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "templates" / "project" / "ops"


def register() -> None:
    """Let tests import it. Once: a second package would not have the modules that the first one loaded."""
    if "ops" in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(
        "ops", FOLDER / "__init__.py", submodule_search_locations=[str(FOLDER)]
    )
    assert spec is not None
    assert spec.loader is not None
    sys.modules["ops"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["ops"])
