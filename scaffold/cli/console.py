"""The only place that prints. Data goes to standard output, everything else to standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click


def say(text: str = "") -> None:
    """Print data: what the user asked for."""
    click.echo(text)


def note(text: str) -> None:
    """Print progress, warnings and what else is not data."""
    click.echo(text, err=True)


def document(data: Mapping[str, Any]) -> None:
    """Print one JSON document, with the version of its format."""
    import json

    click.echo(json.dumps({"version": 1, **data}, indent=2, ensure_ascii=False))


def failure(what: str, why: str = "", fix: str = "") -> None:
    """Print an error in three lines: what, why, what to do."""
    note(f"{_styled('error:', sys.stderr, fg='red', bold=True)} {what}")
    if why:
        note(f"  cause: {why}")
    if fix:
        note(f"hint: {fix}")


def heading(text: str) -> None:
    """Print a heading over data."""
    say(_styled(text, sys.stdout, bold=True))


def table(rows: Iterable[Sequence[str]], indent: str = "  ") -> None:
    """Print rows in columns on a terminal, and with tabs between for other programs."""
    rows = [tuple(row) for row in rows]
    if not sys.stdout.isatty():
        for row in rows:
            say("\t".join(row))
        return
    for line in columns(rows):
        say(indent + line)


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines with aligned columns; the last column is as long as it is."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)] if rows else []
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]) for row in rows
    ]


def words(value: object) -> str:
    """An answer as one word or a few; of what has a name, the name."""
    if isinstance(value, list):
        named = [item["name"] if isinstance(item, dict) and "name" in item else item for item in value]
        return ", ".join(map(str, named)) or "none"
    return str(value)


def interactive() -> bool:
    """Whether somebody is there to answer: a terminal on both sides, and no CI."""
    return sys.stdin.isatty() and sys.stderr.isatty() and not os.environ.get("CI")


def trace(error: BaseException) -> str:
    """Keep the traceback of a mistake of ours in a file, and return its path."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="scaffold-", suffix=".log", delete=False, encoding="utf-8") as log:
        log.writelines(traceback.format_exception(error))
    return log.name


def close_broken_pipe() -> None:
    """Let a reader that left early (`| head`) be no second error at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _styled(text: str, stream: Any, **style: Any) -> str:
    """Style text where colour is wanted; click itself does not know NO_COLOR."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not stream.isatty()
    return text if plain else click.style(text, **style)
