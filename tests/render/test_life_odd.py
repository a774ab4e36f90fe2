"""Edits that are no text: modes, renames, links, folders in a file's place, and files of no kind."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import copier, life, tree
from tests.support.cli import Runner

pytestmark = [
    pytest.mark.usefixtures("newer"),
    # copier leaves folders open that it was listing when something stopped it.
    pytest.mark.filterwarnings("ignore:unclosed scandir iterator"),
    pytest.mark.filterwarnings("ignore:Exception ignored in. <posix.ScandirIterator"),
]

# The template changes all of these in its next version, or drops them.
CHANGED, DROPPED = "Makefile", "VOLUMES.md"


def executable(project: Path, path: str) -> None:
    (project / path).chmod(0o755)


def executable_and_edited(project: Path, path: str) -> None:
    (project / path).chmod(0o755)
    (project / path).write_text((project / path).read_text() + "# mine\n")


def renamed(project: Path, path: str) -> None:
    (project / path).rename(project / f"{path}.mine")


def a_link(project: Path, path: str) -> None:
    (project / path).rename(project / f"{path}.mine")
    (project / path).symlink_to(f"{path}.mine")


def a_link_out(project: Path, path: str) -> None:
    (project / path).unlink()
    (project / path).symlink_to("/etc/hostname")


def a_folder(project: Path, path: str) -> None:
    (project / path).unlink()
    (project / path).mkdir()
    (project / path / "mine").write_text("mine\n")


def empty(project: Path, path: str) -> None:
    (project / path).write_text("")


def binary(project: Path, path: str) -> None:
    (project / path).write_bytes(b"\x00\xff\x00mine")


def rewritten(project: Path, path: str) -> None:
    (project / path).write_text("mine\nno line left")


def unended(project: Path, path: str) -> None:
    (project / path).write_text((project / path).read_text() + "# mine")


def marked(project: Path, path: str) -> None:
    """Text that looks like a conflict, and is somebody's documentation."""
    (project / path).write_text((project / path).read_text() + "<<<<<<< before updating\n# mine\n=======\n>>>>>>> x\n")


ODD = [
    executable,
    executable_and_edited,
    renamed,
    a_link,
    a_link_out,
    a_folder,
    empty,
    binary,
    rewritten,
    unended,
    marked,
]


def seen(project: Path) -> dict[str, object]:
    """Files with their modes, and links as links."""
    files = tree.files(project, without=life.OURS)
    links = {p: str((project / p).readlink()) for p in [*files, CHANGED, DROPPED] if (project / p).is_symlink()}
    return {**files, **links}


@pytest.mark.parametrize("path", [CHANGED, DROPPED])
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.__name__)
def test_nothing_of_users_is_lost(odd: Callable[[Path, str], None], path: str, living: Path, scaffold: Runner) -> None:
    start = life.tracked(living)
    odd(living, path)
    copier.commit(living)
    before, mode = seen(living), os.lstat(living / path).st_mode if os.path.lexists(living / path) else None
    result = scaffold("update", "--yes", "--project", living)
    assert result.code in {0, 1, 2}, result.err
    after = seen(living)
    if result.code == 2:
        assert after == before
        return
    unmerged = copier.git(living, "ls-files", "--unmerged")
    assert (result.code == 1) == bool(unmerged) == ("conflict: " in result.err), result.err
    if odd is executable and path == DROPPED:
        assert path not in after, "no line of it was anybody's"
        return
    mine = {one: text for one, text in before.items() if start.get(one) != text}
    for one, text in mine.items():
        if one not in unmerged and one != path:
            assert after[one] == text, one
    if path in mine and isinstance(mine[path], bytes):
        assert not life.lines(mine[path]) - life.lines(start[path]) - life.lines(after[path])  # type: ignore[arg-type]
        assert mode == os.lstat(living / path).st_mode
    elif path in mine:
        assert after[path] == mine[path], "a link stays one"
    if unmerged:
        assert scaffold("update", "--abort", "--project", living).code == 0
        assert seen(living) == before


@pytest.mark.parametrize("command", [("add", "redis"), ("update",)], ids=" ".join)
def test_a_file_that_became_binary_stays_with_its_owner(
    command: tuple[str, ...], living: Path, scaffold: Runner
) -> None:
    """As when an editor saves UTF-16: for git it is no text any more."""
    text = (living / CHANGED).read_text().replace("Follow the logs", "Follow our logs").encode("utf-16")
    (living / CHANGED).write_bytes(text)
    life.edited(living, life.EDITS[2])
    start = life.tracked(living)
    result = scaffold(*command, "--yes", "--json", "--project", living)
    assert (living / CHANGED).read_bytes() == text
    assert b"      TEAM: ours" in (living / life.FLASK).read_bytes(), "other edits are merged as ever"
    if command[0] == "add":
        assert result.code == 0, result.err
        assert result.document["conflicts"] == []
        return
    assert result.code == 1, result.err
    reason = "both changed it, and it is no text"
    assert result.document["conflicts"] == [{"path": CHANGED, "lines": [], "reasons": [reason]}]
    assert "Follow all logs" in copier.git(living, "show", f":3:{CHANGED}")
    assert scaffold("update", "--continue", "--project", living).code == 2
    assert scaffold("update", "--abort", "--project", living).code == 0
    assert life.tracked(living) == start
