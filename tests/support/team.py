"""Building team templates on releases made for the purpose: what this working tree generates, it made itself."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from scaffold.project import git, releases
from scaffold.team import build as building
from scaffold.team.start import start
from tests.support import copier
from tools.examples import ROOT

BASE, LATER = "9.0.0", "9.1.0"


def bundle_of(path: Path, *changes: Callable[[Path], None]) -> Path:
    """A bundle of releases: the working tree's template as 9.0.0, and one more for each change of it."""
    with releases.opened(path) as repository:
        releases.add_version(repository, ROOT, BASE)
        tree = copier.checkout(path.parent / f"{path.stem}-tree")
        for number, change in enumerate(changes, 1):
            change(tree)
            releases.add_version(repository, tree, f"9.{number}.0")
        releases.write(repository, path)
        shutil.rmtree(tree)
    return path


def folder_of(path: Path, bundle: Path, toml: str = "", files: Mapping[str, str] | None = None) -> Path:
    """A team's folder as `template init` makes it, with settings of its own and more files."""
    start(path, bundle)
    if toml:
        (path / "template.toml").write_text(f'name = "t"\n{toml}')
    for name, text in (files or {}).items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    return path


def build(folder: Path, out: Path, bundle: Path, base: str = BASE) -> building.Plan:
    """Build, and return the plan that was carried out; with findings nothing was."""
    with building.planned(folder, out, base, bundle) as plan:
        if not plan.findings:
            building.carry_out(plan)
        return plan


def refs(repository: Path) -> dict[str, str]:
    """Everything that a repository shows, by name."""
    listing = git.run("for-each-ref", "--format=%(refname) %(objectname)", folder=repository)
    return dict(line.split() for line in listing.splitlines())


ENTRY = """title = "Thing"
summary = "A thing"
category = "cache"
state = "unproven"
state_note = "Made up."
[volumes.thing_data]
responsibility = "Things"
class = "files"
backup = "files"
[secrets.thing_password]
[ports.THING_PORT]
default = 7777
what = "Thing"
"""
COMPOSE = """services:
  thing:
    image: example/thing:1.2.3

    environment:
      THING: "1"
      # your own variables below this line

    secrets:
      - thing_password

    ports:
      - 127.0.0.1:${THING_PORT:-7777}:7777
      # your own ports below this line

    volumes:
      - thing_data:/data
      # your own mounts below this line

    healthcheck:
      test: ["CMD", "true"]

    restart: unless-stopped
"""
THING = {"services/thing/service.toml": ENTRY, "services/thing/compose.yaml": COMPOSE}
