"""Findings as lines for people and as data for programs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scaffold.catalog.finding import Finding


def lines(findings: Iterable[Finding]) -> list[str]:
    """Each finding with its place first, as compilers write them, and below it what to do."""
    said = []
    for finding in findings:
        said.append(f"{finding.place}: {finding.why}")
        said += [f"  {finding.fix}"] if finding.fix else []
    return said


def data(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Each finding as `--json` prints it; a line that is not known is null."""
    return [
        {
            "file": each.file,
            "line": each.line or None,
            "key": each.key or None,
            "why": each.why,
            "fix": each.fix or None,
        }
        for each in findings
    ]


def count(findings: list[Finding]) -> str:
    """How many there are, in words."""
    return f"{len(findings)} finding{'s' * (len(findings) != 1)}"
