"""Whatever people have in their git's settings, an operation comes to the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import copier, life
from tests.support.cli import Runner
from tests.support.life import Files

pytestmark = pytest.mark.usefixtures("newer")

SETTINGS = {
    "line ends of Windows on the way in": ["core.autocrlf=input", "core.safecrlf=true"],
    "no modes": ["core.fileMode=false"],
    "signed commits without a key": ["commit.gpgSign=true", "tag.gpgSign=true", "user.signingKey=nobody"],
    "patches mended": ["apply.whitespace=fix"],
    "patches refused": ["apply.whitespace=error"],
    "patches refused at once": ["apply.whitespace=error-all"],
    "spaces ignored": ["apply.ignoreWhitespace=change"],
    "other diffs": ["diff.noprefix=true", "diff.mnemonicPrefix=true", "diff.algorithm=patience", "diff.context=0"],
    "an external diff": ["diff.external=false", "diff.relative=true"],
    "colours": ["color.ui=always", "color.status=always", "color.diff=always", "core.pager=false"],
    "another status": ["status.short=true", "status.branch=true", "status.showUntrackedFiles=no"],
    "status from the root": ["status.relativePaths=false", "core.quotePath=false"],
    "conflicts with a base": ["merge.conflictStyle=diff3"],
    "conflicts in short": ["merge.conflictStyle=zdiff3"],
    "renames": ["diff.renames=copies", "merge.renames=true"],
    "hooks that refuse": ["core.hooksPath=HOOKS", "init.templateDir=HOOKS"],
    "ignored names": ["core.excludesFile=IGNORED"],
    "names that are no text": ["core.attributesFile=ATTRIBUTES"],
    "a split index": ["core.splitIndex=true", "index.version=4"],
    "many files": ["feature.manyFiles=true"],
    "bare repositories refused": ["safe.bareRepository=explicit"],
    "checked objects": ["transfer.fsckObjects=true", "clone.rejectShallow=true", "fetch.prune=true"],
    "submodules followed": ["submodule.recurse=true", "push.recurseSubmodules=check"],
    "another branch and remote": [
        "init.defaultBranch=trunk",
        "clone.defaultRemoteName=up",
        "checkout.defaultRemote=up",
    ],
    "nobody's name": ["user.useConfigOnly=true", "user.name=", "user.email="],
}

_plain: Files = {}


@pytest.fixture
def edited(living: Path) -> Path:
    """With edits on the same files as the template's changes, and blanks at the end of lines."""
    for edit in life.EDITS[:3]:
        if edit.name != "a comment on a line that changes":
            life.edited(living, edit)
    life.edited(living, life.Edit("blanks", replaced={"Makefile": {"help: ##": "# blanks:  \n# tab:\t\nhelp: ##"}}))
    return living


@pytest.fixture
def plainly(edited: Path, tmp_path: Path, scaffold: Runner) -> Files:
    """What the update comes to without any settings."""
    if not _plain:
        (tmp_path / "plain").mkdir()
        project = life.copy(edited, tmp_path / "plain")
        assert scaffold("update", "--yes", "--project", project).code == 0
        _plain.update(life.tracked(project))
    return _plain


@pytest.mark.parametrize("settings", SETTINGS)
def test_an_update_comes_to_the_same(
    settings: str, edited: Path, plainly: Files, tmp_path: Path, scaffold: Runner
) -> None:
    (tmp_path / "hooks").mkdir()
    for hook in ("pre-commit", "commit-msg", "post-checkout", "reference-transaction", "post-index-change"):
        (tmp_path / "hooks" / hook).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / "hooks" / hook).chmod(0o755)
    (tmp_path / "ignored").write_text(".env*\n*.md\nMakefile\ndocs/\n*.rej\n")
    (tmp_path / "attributes").write_text("* binary\n*.yaml -diff\n")
    for setting in SETTINGS[settings]:
        key, _, value = setting.partition("=")
        value = {
            "HOOKS": str(tmp_path / "hooks"),
            "IGNORED": str(tmp_path / "ignored"),
            "ATTRIBUTES": str(tmp_path / "attributes"),
        }.get(value, value)
        copier.git(edited, "config", "--global", key, value)
    result = scaffold("update", "--yes", "--project", edited)
    assert result.code == 0, result.err
    assert life.tracked(edited) == plainly
