"""`scaffold catalog`: keeping the index true to the entries."""

from __future__ import annotations

from pathlib import Path

import click

from scaffold.cli import console
from scaffold.errors import NEEDS_YOU


@click.group(short_help="Build and check the index of the catalogue.")
def command() -> None:
    """For who writes entries: keep templates/catalog.json and templates/questions.yml true to the folders."""


@command.command()
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when a file is not what it should be.")
@click.argument("template", default=".", type=click.Path(path_type=Path, exists=True, file_okay=False))
def build(check: bool, template: Path) -> int:
    """Generate the index of the template in the folder TEMPLATE  [default: this folder]."""
    from scaffold.catalog.index import generate

    stale = [
        (path, text)
        for path, text in generate(template.resolve()).items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    for path, text in stale:
        if check:
            console.note(f"{path} is not what the entries say: run scaffold catalog build")
        else:
            path.write_text(text, encoding="utf-8")
            console.note(f"wrote {path}")
    return NEEDS_YOU if check and stale else 0
