"""`scaffold catalog`: keeping the index true to the entries."""

from __future__ import annotations

from pathlib import Path

import click

from scaffold.cli import console, findings, options
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


@command.command()
@click.argument("template", default=".")
@options.as_json
def check(template: str, as_json: bool) -> int:
    """Look for everything that is wrong in TEMPLATE, a folder or a git URL  [default: this folder].

    \b
    Reads every entry strictly, renders it for all that can be answered, and looks for what would need trust.
    Exit 1 when there are findings.
    """
    from scaffold.catalog.check import check as check_template
    from scaffold.project.source import open_template

    with open_template(template) as source:
        found = check_template(source.root)
    if as_json:
        console.document({"template": source.url, "findings": findings.data(found)})
        return NEEDS_YOU if found else 0
    for line in findings.lines(found):
        console.say(line)
    console.note(findings.count(found) if found else "nothing is wrong")
    return NEEDS_YOU if found else 0
