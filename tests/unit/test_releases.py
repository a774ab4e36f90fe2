"""Versions of a template: the same everywhere, in order, and never replaced."""

from __future__ import annotations

import datetime
import subprocess
from pathlib import Path

import pytest

from scaffold.errors import CouldNotError, ScaffoldError
from scaffold.project import git, releases, source
from tools.release import dated


@pytest.fixture
def template(tmp_path: Path) -> Path:
    folder = tmp_path / "template"
    (folder / "templates").mkdir(parents=True)
    (folder / "copier.yml").write_text("a: b\n")
    (folder / "templates" / "x").write_text("one")
    (folder / "templates" / "run").write_text("one")
    (folder / "templates" / "run").chmod(0o755)
    (folder / ".gitignore").write_text("*.pyc\n")
    (folder / "templates" / "x.pyc").write_text("cache")
    (folder / "unrelated").write_text("not part of it")
    return folder


def release(bundle: Path, template: Path, version: str) -> str:
    with releases.opened(bundle) as repository:
        releases.add_version(repository, template, version)
        releases.write(repository, bundle)
        return git.run("rev-parse", f"v{version}", folder=repository)


def test_versions_in_their_order() -> None:
    tags = ["v0.10.0", "v0.9.1", "v0.9.1.post2", "latest", "v1", "v0.9.1.post10", "v2.0.0rc1"]
    assert source.versions(tags) == ["v0.9.1", "v0.9.1.post2", "v0.9.1.post10", "v0.10.0"]


def test_a_bundle_holds_every_version_and_only_the_template(tmp_path: Path, template: Path) -> None:
    bundle = tmp_path / "b.bundle"
    release(bundle, template, "0.1.0")
    (template / "templates" / "x").write_text("two")
    release(bundle, template, "0.2.0")
    assert source.newest(bundle) == "v0.2.0"
    with releases.opened(bundle) as repository:
        assert git.run("show", "v0.1.0:templates/x", folder=repository) == "one"
        assert git.run("show", "v0.2.0:templates/x", folder=repository) == "two"
        assert git.run("rev-parse", "v0.2.0^", folder=repository) == git.run("rev-parse", "v0.1.0", folder=repository)
        listing = git.run("ls-tree", "-r", "v0.1.0", folder=repository)
        assert [line.split("\t")[1] for line in listing.splitlines()] == ["copier.yml", "templates/run", "templates/x"]
        assert listing.splitlines()[1].startswith("100755")


def test_the_same_tree_gives_the_same_commit(tmp_path: Path, template: Path) -> None:
    commits = {release(tmp_path / f"{number}.bundle", template, "0.1.0") for number in range(2)}
    assert len(commits) == 1


@pytest.mark.parametrize("version", ["0.1.0", "0.0.9", "1", "v1.0.0", "1.0", ""])
def test_a_version_is_never_replaced_and_never_goes_back(tmp_path: Path, template: Path, version: str) -> None:
    bundle = tmp_path / "b.bundle"
    release(bundle, template, "0.1.0")
    before = bundle.read_bytes()
    with pytest.raises(ScaffoldError):
        release(bundle, template, version)
    assert bundle.read_bytes() == before


def test_the_template_s_repository_stays_as_it_is(tmp_path: Path, template: Path) -> None:
    subprocess.run(["git", "init", "-q", template], check=True)
    release(tmp_path / "b.bundle", template, "0.1.0")
    assert git.run("status", "--porcelain", folder=template).startswith("??"), "nothing was added to its index"


def test_a_broken_bundle_says_so(tmp_path: Path) -> None:
    (tmp_path / "b.bundle").write_bytes(b"half of a file")
    with pytest.raises(CouldNotError):
        source.newest(tmp_path / "b.bundle")


def test_no_versions_says_so(tmp_path: Path) -> None:
    releases.start(tmp_path / "r.git")
    with pytest.raises(ScaffoldError, match="no released version"):
        source.newest(tmp_path / "r.git")


def test_the_changelog_is_dated() -> None:
    before = "# Changelog\n\n## Unreleased\n\n- New.\n\n## 0.1.0 – 2026-01-01\n\n- Old.\n"
    after = dated(before, "0.2.0", datetime.date(2026, 2, 3))
    assert after.startswith("# Changelog\n\n## Unreleased\n\n## 0.2.0 – 2026-02-03\n\n- New.\n\n## 0.1.0")
    with pytest.raises(ScaffoldError, match="nothing to release"):
        dated(after, "0.3.0", datetime.date(2026, 2, 4))
