"""Make a release: `make release VERSION=1.2.3`.

Bumps the version, dates the changelog, renders the examples, appends the template to the bundle of releases, commits
and tags. Nothing is pushed. Until the commit nothing is final: `git restore .` takes everything back.
"""

from __future__ import annotations

import datetime
import re
import subprocess
import sys
from pathlib import Path

from scaffold.catalog.index import generate
from scaffold.errors import ScaffoldError
from scaffold.project import git, releases
from scaffold.project.source import BUNDLE

ROOT = Path(__file__).parents[1]
VERSION_FILE = ROOT / "scaffold" / "__init__.py"
CHANGELOG = ROOT / "CHANGELOG.md"


def main(version: str) -> None:
    """Release `version`. Raises ScaffoldError, before anything is written, when it cannot be released."""
    if git.run("status", "--porcelain", folder=ROOT):
        raise ScaffoldError("the working tree is not clean", fix="commit or stash first")
    if any(path.read_text(encoding="utf-8") != text for path, text in generate(ROOT).items()):
        raise ScaffoldError("the catalogue's index is not true to the entries", fix="scaffold catalog build")
    changelog = dated(CHANGELOG.read_text(encoding="utf-8"), version, datetime.datetime.now(datetime.UTC).date())
    with releases.opened(BUNDLE) as repository:
        releases.add_version(repository, ROOT, version)
        releases.write(repository, BUNDLE)
    CHANGELOG.write_text(changelog, encoding="utf-8")
    text = VERSION_FILE.read_text(encoding="utf-8")
    VERSION_FILE.write_text(re.sub(r'__version__ = ".*"', f'__version__ = "{version}"', text), encoding="utf-8")
    # In a process of its own: this one has imported the old version.
    subprocess.run([sys.executable, "-m", "tools.examples"], cwd=ROOT, check=True)
    git.run("add", "--all", folder=ROOT)
    git.run("commit", "--quiet", "--message", f"Release {version}", folder=ROOT)
    git.run("tag", f"v{version}", folder=ROOT)
    print(f"released {version}; next: git push origin HEAD v{version}")


def dated(changelog: str, version: str, today: datetime.date) -> str:
    """The changelog with what is unreleased under the version's heading. Raises ScaffoldError when there is nothing."""
    match = re.search(r"^## Unreleased\n+(?=\S)(?!## )", changelog, re.MULTILINE)
    if match is None:
        raise ScaffoldError("there is nothing to release", "CHANGELOG.md has nothing under `## Unreleased`")
    return f"{changelog[: match.start()]}## Unreleased\n\n## {version} – {today:%Y-%m-%d}\n\n{changelog[match.end() :]}"


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except ScaffoldError as error:
        sys.exit(f"error: {error.what}\n  cause: {error.why}\nhint: {error.fix}")
