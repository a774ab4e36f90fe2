"""One thing that is wrong in a template, and where."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from scaffold.errors import ScaffoldError


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """What is wrong at a place, and what to do: `line` is 0 and `key` empty where there is none to name."""

    file: str
    line: int
    key: str
    why: str
    fix: str = ""

    @property
    def place(self) -> str:
        """The place as editors and people read it."""
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.key}" if self.key else where


def line_of(text: str, pattern: str) -> int:
    """The number of the first line that begins with `pattern`; 0 when none does."""
    match = re.search(rf"^{pattern}", text, re.MULTILINE)
    return text.count("\n", 0, match.start()) + 1 if match else 0


def of_error(root: Path, error: ScaffoldError) -> Finding:
    """An error of reading as a finding: its text names the file, and the key when there is one."""
    file, _, key = error.what.removeprefix("cannot read ").removeprefix(f"{root}/").partition(": ")
    return Finding(file, 0, key, error.why or "it cannot be read", error.fix)
