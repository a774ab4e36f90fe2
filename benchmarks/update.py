"""`scaffold update` against plain `copier update` of the same edited project, from the same repository.

Ours also works in a scratch clone, merges conflicts, reports what it means for data, and runs `ops init`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.side_by_side import compare
from scaffold.catalog.index import load
from scaffold.project import git
from tools.examples import ROOT

# A line that every generated project has, and what the next version makes of it.
_LINE, _NEXT = "down: ## Remove the containers", "down: ## Remove all containers"


def main() -> None:
    """Compare, on the preset with the most services of the first two, with an edit in it."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        # The list of confirmed templates is not to be this machine's.
        os.environ["XDG_CONFIG_HOME"] = scratch
        template, project = _template(folder / "template"), folder / "project"
        services = load(ROOT).presets["crud"]["services"]
        data = ["-d", "project_name=p", "-d", f"services=[{', '.join(services)}]"]
        copier = [sys.executable, "-m", "copier"]
        subprocess.run(
            [*copier, "copy", "--quiet", "--defaults", "--vcs-ref", "v1.0.0", *data, template, project], check=True
        )
        with (project / "Makefile").open("a") as file:
            file.write("\nmine:\n\techo mine\n")
        git.first_commit(project, "Start")
        subprocess.run([sys.executable, "ops", "init"], cwd=project, check=True, capture_output=True)
        # Confirms the template's address, once.
        subprocess.run(_ours(project, "--check", "--yes"), check=False, capture_output=True)

        def copy(side: str, number: int) -> Path:
            """A copy to change: made before the clock starts."""
            return Path(shutil.copytree(project, folder / f"{side}{number}", symlinks=True))

        compare(
            "scaffold update, against copier update",
            lambda number: _ours(copy("ours", number), "--yes"),
            lambda number: [*copier, "update", "--quiet", "--defaults", str(copy("theirs", number))],
            rounds=9,
            promise=1.3,
        )


def _ours(project: Path, *flags: str) -> list[str]:
    return [sys.executable, "-m", "scaffold", "update", "--project", str(project), *flags]


def _template(folder: Path) -> Path:
    """Two versions: the working tree's template, and one with a line changed."""
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    for tag in subprocess.run(["git", "tag"], cwd=folder, capture_output=True, text=True, check=True).stdout.split():
        git.run("tag", "--delete", tag, folder=folder)
    git.run("tag", "v1.0.0", folder=folder)
    makefile = folder / "templates/project/Makefile.jinja"
    makefile.write_text(makefile.read_text().replace(_LINE, _NEXT))
    git.run("-c", "user.name=b", "-c", "user.email=b@localhost", "commit", "--quiet", "-am", "Next", folder=folder)
    git.run("tag", "v1.1.0", folder=folder)
    return folder


if __name__ == "__main__":
    main()
