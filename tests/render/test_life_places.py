"""Projects that are not a repository of their own: in a folder of a bigger one, several in one, in a worktree."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support import compose, copier, life, tree
from tests.support.cli import Runner

pytestmark = pytest.mark.usefixtures("newer")

IMAGE = life.Edit("image", replaced={life.MONGO: {"image: mongo:8.0-noble": "image: mongo:8.0.4-noble"}})


@pytest.fixture
def bigger(begun: Path, workplace: Path) -> Path:
    """A repository with two projects in folders, other files, and work in progress beside them."""
    root = workplace / "bigger"
    for folder in ("apps/first one", "apps/second"):
        shutil.copytree(begun, root / folder, ignore=shutil.ignore_patterns(".git"))
    (root / "src").mkdir()
    (root / "src" / "main.py").write_text("print(1)\n")
    copier.git(root, "init", "--quiet")
    copier.commit(root)
    (root / "src" / "main.py").write_text("print(2)\n")
    (root / "src" / "staged.py").write_text("print(3)\n")
    copier.git(root, "add", "src/staged.py")
    (root / "untracked.txt").write_text("mine\n")
    return root


def beside(root: Path, project: Path) -> dict[str, Any]:
    """Everything but one project, and what git has of it."""
    within = project.relative_to(root).as_posix() + "/"
    except_it = [".", f":(exclude){within}"]
    return {
        "files": {path: text for path, text in tree.files(root).items() if not path.startswith(within)},
        "index": copier.git(root, "ls-files", "--stage", "--", *except_it),
        "status": copier.git(root, "status", "--porcelain", "--", *except_it),
    }


@pytest.mark.parametrize("command", [("add", "redis"), ("remove", "postgres"), ("update",)], ids=" ".join)
def test_siblings_may_be_dirty_and_stay_as_they_are(
    command: tuple[str, ...], bigger: Path, living: Path, scaffold: Runner
) -> None:
    """What happens in a folder is what happens in a repository of its own."""
    project = bigger / "apps/first one"
    life.edited(living, life.EDITS[0])
    life.EDITS[0](project)
    copier.git(project, "add", ".")
    copier.git(project, "commit", "--quiet", "--message", "Comments", "--", ".")
    others = beside(bigger, project)
    assert scaffold(*command, "--yes", "--project", living).code == 0
    result = scaffold(*command, "--yes", "--project", project)
    assert result.code == 0, result.err
    assert beside(bigger, project) == others
    assert life.tracked(project) == life.tracked(living)
    assert compose.config(project, compose.VERSIONS[-1])["name"] == life.NAME


def test_conflicts_are_of_one_project(bigger: Path, scaffold: Runner) -> None:
    project, other = bigger / "apps/first one", bigger / "apps/second"
    IMAGE(project)
    copier.git(bigger, "commit", "--quiet", "--message", "Image", "--", "apps")
    others, before = beside(bigger, project), tree.files(project)
    index = copier.git(bigger, "ls-files", "--stage")
    result = scaffold("update", "--yes", "--project", project)
    assert result.code == 1, result.err
    assert f"conflict: {life.MONGO}:" in result.err
    unmerged = {line.split("\t")[1] for line in copier.git(bigger, "ls-files", "--unmerged").splitlines()}
    assert unmerged == {f"apps/first one/{life.MONGO}"}
    assert beside(bigger, project) == others
    meanwhile = scaffold("update", "--yes", "--project", other)
    assert meanwhile.code == 0, "the other project is another matter"
    second = tree.files(other)
    back = scaffold("update", "--abort", "--project", project)
    assert back.code == 0, back.err
    assert tree.files(project) == before
    assert tree.files(other) == second
    assert copier.git(bigger, "ls-files", "--stage") == index


def test_two_projects_of_one_repository_both_update(bigger: Path, scaffold: Runner) -> None:
    for name in ("first one", "second"):
        assert scaffold("update", "--yes", "--project", bigger / "apps" / name).code == 0
    assert life.tracked(bigger / "apps/first one") == life.tracked(bigger / "apps/second")


def test_a_dirty_file_of_the_project_itself_is_named(bigger: Path, scaffold: Runner) -> None:
    project = bigger / "apps/second"
    (project / "Makefile").write_text("# mine\n")
    result = scaffold("update", "--yes", "--project", project)
    assert result.code == 2
    assert "Makefile" in result.err
    assert "main.py" not in result.err


@pytest.mark.parametrize("command", [("add", "redis"), ("update",)], ids=" ".join)
def test_a_worktree_is_a_project_of_its_own(
    command: tuple[str, ...], living: Path, workplace: Path, scaffold: Runner
) -> None:
    copier.git(living, "worktree", "add", "--quiet", "-b", "other", str(workplace / "other"))
    main = tree.files(living)
    result = scaffold(*command, "--yes", "--project", workplace / "other")
    assert result.code == 0, result.err
    assert tree.files(living) == main
    assert copier.git(living, "status", "--porcelain") == ""
    assert copier.git(workplace / "other", "status", "--porcelain") != ""


def test_conflicts_in_a_worktree_end_like_others(living: Path, workplace: Path, scaffold: Runner) -> None:
    life.edited(living, IMAGE)
    copier.git(living, "worktree", "add", "--quiet", "-b", "other", str(workplace / "other"))
    other = workplace / "other"
    before = tree.files(other)
    assert scaffold("update", "--yes", "--project", other).code == 1
    assert copier.git(living, "status", "--porcelain") == ""
    assert scaffold("update", "--check", "--project", living).code == 1, "the main one has nothing to finish"
    assert scaffold("update", "--abort", "--project", other).code == 0
    assert tree.files(other) == before
    assert copier.git(other, "status", "--porcelain") == ""


def test_a_project_behind_a_link_is_the_same_project(living: Path, workplace: Path, scaffold: Runner) -> None:
    (workplace / "link").symlink_to(living)
    result = scaffold("update", "--yes", "--project", workplace / "link")
    assert result.code == 0, result.err
    assert (living / "docs/operating.md").is_file()


def test_links_and_folders_of_users_own_stay(living: Path, scaffold: Runner) -> None:
    (living / "latest").symlink_to("services")
    (living / "data").mkdir()
    (living / "data" / "link").symlink_to("/nowhere")
    (living / "services/flask/with space é.txt").write_text("mine\n")
    copier.commit(living)
    result = scaffold("update", "--yes", "--project", living)
    assert result.code == 0, result.err
    assert (living / "latest").readlink() == Path("services")
    assert (living / "data" / "link").is_symlink()
    assert (living / "services/flask/with space é.txt").read_text() == "mine\n"


def test_windows_line_ends_are_kept(living: Path, scaffold: Runner) -> None:
    """Whoever works with them has every line changed: what can be told apart is merged, nothing is lost."""
    text = (living / life.MONGO).read_bytes().replace(b"\n", b"\r\n").replace(b"timeout: 10s", b"timeout: 11s")
    (living / life.MONGO).write_bytes(text)
    copier.commit(living)
    result = scaffold("update", "--yes", "--project", living)
    after = (living / life.MONGO).read_bytes()
    assert b"timeout: 11s" in after
    if result.code == 1:
        assert f"conflict: {life.MONGO}:" in result.err
    else:
        assert result.code == 0, result.err
        assert after.count(b"\r\n") == after.count(b"\n")


def test_a_shallow_clone_is_enough(living: Path, workplace: Path, scaffold: Runner) -> None:
    """As CI checks a repository out."""
    life.edited(living, life.EDITS[0])
    clone = workplace / "shallow"
    copier.git(workplace, "clone", "--quiet", "--depth", "1", f"file://{living}", str(clone))
    assert (clone / ".git/shallow").exists()
    for project in (living, clone):
        result = scaffold("update", "--yes", "--project", project)
        assert result.code == 0, result.err
    assert life.tracked(clone) == life.tracked(living)
