# Managed by scaffold: updates merge this file.
"""What a verb found: lines for people, one document for programs."""

from __future__ import annotations

from dataclasses import dataclass, field

from ops.errors import DONE, Problem


@dataclass
class Report:
    """Collects what a verb says; only `cli` prints it."""

    document: dict[str, object]
    lines: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    code: int = DONE
    last: str = ""  # what the last line says of a good run
    cause: str = ""  # the word for scripts, when it is not that of the gravest problem

    def add(self, problem: Problem, code: int) -> None:
        """Keep a problem; the gravest one decides the exit code."""
        self.problems.append(problem)
        if code > self.code:
            self.code, self.cause = code, problem.cause

    def note(self, text: str) -> None:
        """Say something that needs nobody."""
        self.notes.append(text)
        self.lines.append(f"note: {text}")

    def as_document(self) -> dict[str, object]:
        """Return the one document that `--json` prints."""
        problems = [problem.document() for problem in self.problems]
        cause = {"cause": self.cause} if self.cause else {}
        return {"version": 1, **self.document, "notes": self.notes, "problems": problems, **cause}


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """Align rows under a head; a cell never breaks its line."""
    cells = [[" ".join(cell.split()) or "-" for cell in row] for row in [head, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
