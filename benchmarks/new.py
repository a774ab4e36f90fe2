"""`scaffold new` without questions against plain `copier copy` of the same answers, from the same repository.

Ours also makes the secrets, a repository and its first commit.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.side_by_side import compare
from scaffold.catalog.index import load
from tools.examples import ROOT


def main() -> None:
    """Compare, on the preset with the most services of the first two."""
    services = load(ROOT).presets["crud"]["services"]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        # A clean clone: a work tree with changes costs both sides a commit more.
        subprocess.run(["git", "clone", "--quiet", ROOT, folder / "template"], check=True)
        template = str(folder / "template")
        flags = [word for id in services for word in ("-s", id)]
        copier = [sys.executable, "-m", "copier", "copy", "--quiet", "--defaults", "--vcs-ref", "HEAD"]
        data = ["-d", "project_name=p", "-d", f"services=[{', '.join(services)}]"]
        compare(
            "scaffold new, against copier copy",
            lambda number: [sys.executable, "-m", "scaffold", "new", str(folder / f"ours{number}"),
                            "--template", template, *flags, "--set", "project_name=p", "--yes"],
            lambda number: [*copier, *data, template, str(folder / f"theirs{number}")],
            rounds=11,
            promise=1.3,
        )  # fmt: skip


if __name__ == "__main__":
    main()
