"""`scaffold --help` against the smallest click program that has as many commands."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.side_by_side import compare
from scaffold.cli.main import COMMANDS

MINIMAL = """
import click

@click.group()
@click.version_option("1")
def main():
    '''A program.'''
"""
ONE_COMMAND = """
@main.command()
@click.option("--flag", is_flag=True)
def {name}_():
    '''{summary}'''
"""

if __name__ == "__main__":
    commands = "".join(ONE_COMMAND.format(name=name, summary=summary) for name, (_, summary) in COMMANDS.items())
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "minimal.py"
        program.write_text(f"{MINIMAL}{commands}\nmain()\n")
        compare(
            "scaffold --help, against a minimal click program",
            lambda _: [sys.executable, "-m", "scaffold", "--help"],
            lambda _: [sys.executable, str(program), "--help"],
            rounds=40,
            promise=1.3,
        )
