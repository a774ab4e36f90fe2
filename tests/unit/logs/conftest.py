"""A place for applications that log and their collector; gone, with what was imported from it, when the test ends."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.logs.helpers import Place


def _forget() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] in {"app", "clients", "managed"}]:
        del sys.modules[name]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    place = Place(tmp_path)
    for name, value in place.environment().items():
        if name.startswith(("LOG_", "HEARTBEAT")):
            monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    _forget()
    place.render()
    yield place
    _forget()
