"""Starting a team's folder: everything in its place, nothing changed yet."""

from __future__ import annotations

import shutil
from pathlib import Path

from scaffold.errors import CouldNotError, ScaffoldError
from scaffold.project import place
from scaffold.project.source import BUNDLE, newest

STARTER = Path(__file__).with_name("starter")


def start(folder: Path, bundle: Path = BUNDLE) -> str:
    """Make `folder`, all of it or nothing, on the newest release, whose version is returned.

    Raises ScaffoldError when something is there, CouldNotError when the disk refuses.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ScaffoldError(f"{folder} is not empty", "scaffold never overwrites a file", "give another folder")
    version = newest(bundle).removeprefix("v")
    try:
        with place.scratch(folder) as scratch:
            draft = scratch / "folder"
            shutil.copytree(STARTER, draft)
            for path in (draft / "template.toml", draft / "README.md"):
                text = path.read_text(encoding="utf-8")
                path.write_text(text.replace("NAME", _name(folder)).replace("VERSION", version), encoding="utf-8")
            place.move(draft, folder)
    except OSError as error:
        raise CouldNotError(f"cannot make {folder}", error.strerror or str(error)) from error
    return version


def _name(folder: Path) -> str:
    """The folder's name, without what TOML, Jinja or Markdown would read in it."""
    kept = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in folder.absolute().name)
    return kept.strip("-.") or "team"
