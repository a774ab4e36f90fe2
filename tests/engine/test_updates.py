"""An edited project with data, made by an earlier release: plain copier brings it here, and nothing is lost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scaffold.project import git, releases
from scaffold.project.source import BUNDLE, CANONICAL_URL
from tests.engine.conftest import Run, new_name
from tests.engine.test_presets import READ, WRITE
from tests.support import copier
from tools.examples import ROOT

pytestmark = pytest.mark.engine


# What a team does to its project in its first week: file, a line in it, and what they put there.
EDITS = {
    "compose.yaml": ("  # your own volumes below this line\n", "\\g<0>  notes:\n"),
    "services/flask/compose.yaml": ("      # your own variables below this line\n", "\\g<0>      TEAM: ours\n"),
    "services/mongo/compose.yaml": ("    stop_grace_period: .*\n", "    stop_grace_period: 240s\n"),
    "Makefile": (r"logs: ## Follow the logs\n", "logs: ## Follow our logs\n"),
    "README.md": (r"## Start and stop\n", "## Start and stop\n\nAsk Kim first.\n"),
    "services/flask/app/health.py": (r'status="ok"', 'status="ours"'),
}


# From each release in between it is the same files that come here: tests/render looks at those.
@pytest.mark.parametrize("tag", [copier.released_versions()[0], copier.released_versions()[-1]])
def test_plain_copier_keeps_edits_and_data(run: Run, tag: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = tmp_path / "repository"
    git.run("clone", "--quiet", BUNDLE, repository)
    for key, value in git.settings({f"url.{repository}.insteadOf": CANONICAL_URL}).items():
        monkeypatch.setenv(key, value)
    project = run(new_name())
    (tmp_path / ".git").mkdir()
    answers = copier.data({"project_name": project.name, "services": ["flask", "mongo"]})
    copier.plain("copy", "--defaults", "--vcs-ref", tag, *answers, CANONICAL_URL, project.name, folder=tmp_path)
    (project.folder / "compose.override.yaml").write_text("services:\n  flask:\n    labels:\n      ours: here\n")
    for path, (line, ours) in EDITS.items():
        text, count = re.subn(line, ours, (project.folder / path).read_text())
        assert count == 1, path
        (project.folder / path).write_text(text)
    copier.git(project.folder, "init", "--quiet")
    copier.commit(project.folder)
    project.init()
    project.up()
    project.in_app(WRITE["mongo"])
    assert project.upload("kept.txt", b"still here")[0] == 201
    secrets = {path.name: path.read_bytes() for path in (project.folder / "secrets").iterdir()}

    releases.add_version(repository / ".git", ROOT, "9.0.0")
    copier.plain("update", "--defaults", folder=project.folder)
    assert copier.git(project.folder, "diff", "--name-only", "--diff-filter=U") == ""
    assert not list(project.folder.rglob("*.rej"))
    for path, (_, ours) in EDITS.items():
        assert ours.replace("\\g<0>", "") in (project.folder / path).read_text(), path
    project.init()
    project.up()
    assert {path.name: path.read_bytes() for path in (project.folder / "secrets").iterdir()} == secrets
    assert project.get("/health") == (200, {"status": "ours"})
    assert project.get("/links") == (200, {"mongo": {"ok": True}})
    assert project.in_app(READ["mongo"]) == "still here"
    assert project.get("/uploads/kept.txt") == (200, b"still here")
    assert "ours" in project.run("docker", "inspect", f"{project.name}-flask-1").stdout
