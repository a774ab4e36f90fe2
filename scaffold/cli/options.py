"""Options that several commands share, each declared once."""

from __future__ import annotations

import click

template = click.option(
    "--template",
    metavar="SOURCE",
    help="A template's folder or git URL.  [default: the newest release in this install]",
)

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
