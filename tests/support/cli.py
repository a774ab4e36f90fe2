"""Running `scaffold` as a user would, inside the test's process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from scaffold.cli.main import run


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """What `--json` printed: exactly one document."""
        data: dict[str, Any] = json.loads(self.out)
        return data


class Runner:
    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self.capfd = capfd

    def __call__(self, *args: object) -> Result:
        self.capfd.readouterr()
        code = run([str(arg) for arg in args])
        said = self.capfd.readouterr()
        assert "Traceback" not in said.err
        return Result(code, said.out, said.err)
