"""A place for the worker and its readers; gone, with what was imported from it, when the test ends."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.faiss.helpers import Place


def _forget() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] in {"clients", "managed"}]:
        del sys.modules[name]


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Make the volumes and the packages where other users can read them, too."""
    with tempfile.TemporaryDirectory(prefix="faiss-") as folder:
        Path(folder).chmod(0o755)
        place = Place(Path(folder))
        for name, value in place.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.syspath_prepend(folder)
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        _forget()
        place.render()
        yield place
        _forget()
