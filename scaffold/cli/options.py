"""Options that several commands share, each declared once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

template = click.option(
    "--template",
    metavar="SOURCE",
    help="A template's folder or git URL.  [default: the newest release in this install]",
)

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")

settings = click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Answer a question. Repeatable.")

places = click.option(
    "--place",
    "places",
    multiple=True,
    metavar="NAME=PLACE",
    help="Where a volume lives, or with class:NAME all of a class. Repeatable.",
)

defaults = click.option("--defaults", is_flag=True, help="Answer every open question by its default.")

dry_run = click.option("--dry-run", is_flag=True, help="Show the plan and change nothing.")

project = click.option(
    "--project",
    "start",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=".",
    metavar="DIR",
    help="The project's folder, or one inside it.  [default: this folder]",
)


def changing(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command that changes a project by its template."""
    for option in reversed(
        [
            project,
            dry_run,
            click.option("--diff", is_flag=True, help="Show every changed line, and change nothing."),
            click.option("--yes", is_flag=True, help="Do not ask before changing anything."),
            click.option("--force", is_flag=True, help="Go on where an edit or data would be lost."),
            click.option(
                "--online", is_flag=True, help="Ask the template's address, not the releases in this install."
            ),
            as_json,
        ]
    ):
        command = option(command)
    return command
