"""Later versions of the template, as releases in a bundle: what an install of next month will hold."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from scaffold.catalog.index import generate
from scaffold.project import releases
from scaffold.project.source import BUNDLE
from tools.examples import ROOT

# The working tree as a release, and one after it.
NOW, NEXT = "v9.0.0", "v9.1.0"

# Texts and what they become, the text of a new file, or None for one that is dropped.
Changes = Mapping[str, Mapping[str, str] | str | None]

# What the next release changes, by files of the template. Every kind of change that updates meet.
CHANGES: Changes = {
    # An image's newer build of the same version, another probe, one more variable: in a file that users edit.
    "services/mongo/compose.yaml.jinja": {
        "image: mongo:8.0-noble": "image: mongo:8.0.99-noble",
        "interval: 15s": "interval: 20s",
        "      # your own variables below this line": "      MONGO_EXTRA: here\n"
        "      # your own variables below this line",
        "'mongo_config:/data/configdb'": "'mongo_config:/data/configdb', 'mongo_dumps:/dumps'",
    },
    # One more volume of an entry.
    "services/mongo/service.toml": {
        "[secrets.mongo_password]": "[volumes.mongo_dumps]\n"
        'responsibility = "Dumps of MongoDB"\nclass = "files"\nbackup = "files"\n\n[secrets.mongo_password]'
    },
    "services/flask/compose.yaml.jinja": {
        "      UPLOADS_DIR: /data/uploads": "      UPLOADS_DIR: /data/uploads\n      UPLOADS_MODE: private",
        "retries: 5": "retries: 6",
    },
    # Comments, other text, a file more and one less.
    "compose.yaml.jinja": {"# What each volume is for.": "# What every volume is for."},
    "Makefile.jinja": {"## Follow the logs": "## Follow all logs"},
    ".env.example.jinja": {"# Ports on this machine": "# The ports on this machine"},
    "docs/operating.md": "<!-- Managed by scaffold: updates merge this file. -->\n# Operating\n",
    "clients/pyproject.toml": {'version = "0"': 'version = "1"'},
    "VOLUMES.md.jinja": None,
}


def add(repository: Path, template: Path, version: str) -> None:
    """Add a template to a bare repository as the commit and tag of a version."""
    releases.add_version(repository, template, version.removeprefix("v"))


def release(bundle: Path, template: Path, version: str) -> None:
    """Add a template to a bundle as a release."""
    with releases.opened(bundle) as repository:
        add(repository, template, version)
        releases.write(repository, bundle)


def now(bundle: Path) -> Path:
    """Make a bundle of every release and, as the newest, the working tree."""
    shutil.copy(BUNDLE, bundle)
    release(bundle, ROOT, NOW)
    return bundle


def changed(folder: Path, changes: Changes = CHANGES) -> Path:
    """A copy of the working tree's template with changes; fails when one of the texts is not there."""
    shutil.copytree(ROOT / "templates", folder / "templates", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "copier.yml", folder)
    for name, change in changes.items():
        _change(folder / "templates" / "project" / name, change)
    for path, text in generate(folder).items():
        path.write_text(text)
    return folder


def _change(path: Path, change: Mapping[str, str] | str | None) -> None:
    if change is None:
        path.unlink()
    elif isinstance(change, str):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(change)
    else:
        for old, new in change.items():
            assert old in path.read_text(), (path, old)
            path.write_text(path.read_text().replace(old, new))
