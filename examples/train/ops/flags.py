# Managed by scaffold: updates merge this file.
"""Flags that several verbs have, declared once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def latest(verb: argparse.ArgumentParser) -> None:
    """Declare a set that is the latest when none is named."""
    said = "a set: its id, the beginning of it, or its folder (the latest)"
    verb.add_argument("set", nargs="?", metavar="SET", help=said)


def only(verb: argparse.ArgumentParser) -> None:
    """Declare which volumes are meant."""
    verb.add_argument("--only", nargs="+", action="extend", default=[], metavar="VOLUME", help="these volumes only")


def ping(verb: argparse.ArgumentParser) -> None:
    """Declare the monitor that hears how a run ended; `cli` calls it."""
    verb.add_argument("--ping", metavar="URL", help="call URL after a good run, URL/fail after any other")
