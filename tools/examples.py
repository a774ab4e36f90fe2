"""Render every preset of the working tree's template into a folder: `python -m tools.examples [FOLDER]`."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scaffold import __version__
from scaffold.catalog.index import load
from scaffold.project import releases
from scaffold.project.answers import complete
from scaffold.project.render import render
from scaffold.project.source import CANONICAL_URL, Template

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
# A team's folder, which is written by hand but for the release that it is built on.
TEAM = EXAMPLES / "team"


@contextmanager
def snapshot(version: str = __version__) -> Iterator[Template]:
    """The working tree's template as if it were a release, reached by the address that releases have."""
    with tempfile.TemporaryDirectory(prefix="scaffold-snapshot-") as scratch:
        repository = Path(scratch) / "template.git"
        releases.start(repository)
        releases.add_version(repository, ROOT, version)
        yield Template(CANONICAL_URL, f"v{version}", ROOT, git_settings={f"url.{repository}.insteadOf": CANONICAL_URL})


def write_examples(folder: Path) -> None:
    """Render each preset into a folder of its name, with every answer at its default."""
    catalog = load(ROOT)
    with snapshot() as template:
        for name, preset in catalog.presets.items():
            answers = complete(catalog, {"project_name": name, "services": preset["services"]})
            render(template, answers, folder / name)


def pin_team(folder: Path, version: str = __version__) -> None:
    """Let the example of a team's folder build on a version."""
    path = folder / "template.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r'^version = ".*"', f'version = "{version}"', text, flags=re.MULTILINE), encoding="utf-8")


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else EXAMPLES
    for name in load(ROOT).presets:
        shutil.rmtree(target / name, ignore_errors=True)
    write_examples(target)
    if target == EXAMPLES:
        pin_team(TEAM)
