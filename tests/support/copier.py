"""Plain copier, as somebody uses it who never installed `scaffold`: its own command line, no trust, no scaffold."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scaffold.project import releases
from scaffold.project.source import BUNDLE
from tools.examples import ROOT

# Any import of scaffold fails in that process.
_WITHOUT_SCAFFOLD = "import sys, runpy; sys.modules['scaffold'] = None; runpy.run_module('copier', run_name='__main__')"


def plain(*args: object, folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """Run the command `copier` and return what it said. Fails when it fails."""
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_SCAFFOLD, *map(str, args)],
        cwd=folder,
        env={**os.environ, "COPIER_CACHE_DIR": str(folder / ".git" / "copier-cache"), **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def released_versions(*, before: str = "") -> list[str]:
    """The tag of every release in the bundle, or of those before one."""
    with releases.opened(BUNDLE) as repository:
        tags = git(repository, "tag", "--sort=version:refname").split()
    return tags[: tags.index(before)] if before else tags


def data(answers: Mapping[str, Any]) -> list[str]:
    """Answers as copier's flags."""
    return [
        word
        for key, value in answers.items()
        for word in ("-d", f"{key}={json.dumps(value) if not isinstance(value, str) else value}")
    ]


def checkout(folder: Path) -> Path:
    """A clean repository with nothing but the working tree's template in it, as a clone of ours would have it."""
    folder.mkdir()
    shutil.copy(ROOT / "copier.yml", folder)
    shutil.copytree(
        ROOT / "templates", folder / "templates", ignore=shutil.ignore_patterns("__pycache__", ".mypy_cache")
    )
    git(folder, "init", "--quiet")
    commit(folder, "Template")
    return folder


def git(folder: Path, *args: str) -> str:
    """Run git in a project and return what it printed."""
    return subprocess.run(["git", *args], cwd=folder, capture_output=True, text=True, check=True).stdout


def commit(folder: Path, message: str = "Work") -> None:
    """Commit everything: copier updates clean trees only."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
