"""A place for a pipeline; gone, with what was imported from it, when the test ends."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.pipeline.helpers import VOLUMES, Place


def _forget() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] in {"clients", "managed", "app"}]:
        del sys.modules[name]


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Make the volumes and the packages where other users can read them, too."""
    with tempfile.TemporaryDirectory(prefix="pipeline-") as folder:
        Path(folder).chmod(0o755)
        monkeypatch.syspath_prepend(folder)
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        for variable, name in VOLUMES.items():
            monkeypatch.setenv(variable, str(Path(folder, name)))
        _forget()
        yield Place(Path(folder))
        _forget()
