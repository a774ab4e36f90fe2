"""Where a project goes: nothing of the user's is overwritten, and nothing half done stays."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from scaffold.errors import CouldNotError, ScaffoldError
from scaffold.project import place
from scaffold.project.place import Kind
from tests.support import tree

FILES = {"README.md": "ours", ".gitignore": "# ours\n.env\n/secrets/\n", ".dockerignore": "*\n!clients\n", "a/b/c": "x"}


@pytest.fixture
def rendered(tmp_path: Path) -> Path:
    folder = tmp_path / "rendered"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    subprocess.run(["git", "init", "-q", folder], check=True)
    return folder


def planned(repository: Path) -> place.Placement:
    return place.plan(Kind.REPOSITORY, [Path(name) for name in FILES], repository)


def test_what_a_destination_is(tmp_path: Path, repository: Path) -> None:
    assert place.kind_of(tmp_path / "absent") is Kind.NEW
    assert place.kind_of(tmp_path / "absent" / "deeper") is Kind.NEW
    (tmp_path / "empty").mkdir()
    assert place.kind_of(tmp_path / "empty") is Kind.NEW
    (repository / "README.md").write_text("mine")
    assert place.kind_of(repository) is Kind.REPOSITORY
    assert place.kind_of(repository / "sub" / "project") is Kind.NESTED


def test_what_cannot_become_a_project(tmp_path: Path, repository: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "thesis.doc").write_text("mine")
    with pytest.raises(ScaffoldError, match="not empty") as refused:
        place.kind_of(full)
    assert "git init" in refused.value.fix
    with pytest.raises(ScaffoldError, match="is a file"):
        place.kind_of(full / "thesis.doc")
    (repository / ".copier-answers.yml").write_text("")
    with pytest.raises(ScaffoldError, match="a project already"):
        place.kind_of(repository)
    (repository / "full").mkdir()
    (repository / "full" / "x").write_text("")
    with pytest.raises(ScaffoldError, match="not empty"):
        place.kind_of(repository / "full")


def test_beside_what_is_there(rendered: Path, repository: Path) -> None:
    (repository / "README.md").write_text("mine")
    (repository / ".gitignore").write_text("*.log\n.env")
    (repository / ".dockerignore").write_text("docs\n")
    placement = planned(repository)
    assert (placement.kept, placement.created) == ([Path("README.md")], [Path("a/b/c")])
    place.add(rendered, repository, placement)
    assert tree.files(repository) == {
        "README.md": b"mine",
        ".gitignore": b"*.log\n.env\n\n# ours\n/secrets/\n",
        # A lone `*` would shut out what is theirs.
        ".dockerignore": b"docs\n\n!clients\n",
        "a/b/c": b"x",
    }


@pytest.mark.parametrize("name", ["a/b/c", "compose.yaml", "docker-compose.yml"])
def test_a_file_that_would_be_overwritten_refuses_it_all(repository: Path, name: str) -> None:
    (repository / name).parent.mkdir(parents=True, exist_ok=True)
    (repository / name).write_text("mine")
    with pytest.raises(ScaffoldError, match=name):
        planned(repository)
    assert tree.files(repository) == {name: b"mine"}


def test_a_dangling_link_is_a_file_too(repository: Path) -> None:
    (repository / "a").mkdir()
    (repository / "a" / "b").mkdir()
    (repository / "a" / "b" / "c").symlink_to("/nowhere")
    with pytest.raises(ScaffoldError, match="a/b/c"):
        planned(repository)


def test_a_file_that_appears_meanwhile_is_kept_and_the_rest_taken_back(rendered: Path, repository: Path) -> None:
    (repository / ".gitignore").write_text("*.log\n")
    placement = planned(repository)
    (repository / "a" / "b").mkdir(parents=True)
    (repository / "a" / "b" / "c").write_text("mine")
    with pytest.raises(CouldNotError, match="a/b/c"):
        place.add(rendered, repository, placement)
    assert tree.files(repository) == {".gitignore": b"*.log\n", "a/b/c": b"mine"}


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
@pytest.mark.parametrize("at", range(5))
def test_an_interruption_at_any_file_leaves_nothing(
    rendered: Path, repository: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, at: int
) -> None:
    (repository / ".gitignore").write_text("*.log\n")
    before = tree.files(repository)
    placement = planned(repository)
    steps = 0
    for name in ("_create", "_add_lines"):
        original = getattr(place, name)

        def interrupted(*args: object, original=original) -> None:  # type: ignore[no-untyped-def]
            nonlocal steps
            original(*args)
            steps += 1
            if steps > at:
                raise error

        monkeypatch.setattr(place, name, interrupted)
    if at >= len(FILES):
        place.add(rendered, repository, placement)
        return
    with pytest.raises((KeyboardInterrupt, CouldNotError)):
        place.add(rendered, repository, placement)
    assert tree.files(repository) == before
    assert not (repository / "a").exists()


def test_a_disk_that_fills_in_the_middle_of_a_file(
    rendered: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Path, target: Path) -> None:
        target.write_text("hal")
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr("shutil.copy", full)
    with pytest.raises(CouldNotError, match="cannot write"):
        place.add(rendered, repository, planned(repository))
    assert tree.files(repository) == {}


def test_moving_into_an_absent_and_an_empty_folder(rendered: Path, tmp_path: Path) -> None:
    place.move(rendered, tmp_path / "new")
    assert not rendered.exists()
    (tmp_path / "empty").mkdir()
    inode = (tmp_path / "empty").stat().st_ino
    place.move(tmp_path / "new", tmp_path / "empty")
    assert (tmp_path / "empty" / "README.md").read_text() == "ours"
    assert (tmp_path / "empty").stat().st_ino == inode, "somebody may stand in it"


def test_moving_onto_what_somebody_made_meanwhile(rendered: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "README.md").write_text("mine")
    with pytest.raises(CouldNotError):
        place.move(rendered, tmp_path / "taken")
    assert (tmp_path / "taken" / "README.md").read_text() == "mine"


@pytest.mark.parametrize("at", range(3))
def test_an_interruption_while_moving_into_an_empty_folder_leaves_it_empty(
    rendered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    (tmp_path / "empty").mkdir()
    before = tree.files(rendered)
    original, steps = Path.rename, 0

    def interrupted(path: Path, target: Path) -> Path:
        nonlocal steps
        steps += 1
        if steps == at + 1:
            raise KeyboardInterrupt
        return original(path, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        place.move(rendered, tmp_path / "empty")
    assert list((tmp_path / "empty").iterdir()) == []
    assert tree.files(rendered) == before


def test_modes_are_kept(rendered: Path, repository: Path) -> None:
    (rendered / "a/b/c").chmod(0o755)
    place.add(rendered, repository, planned(repository))
    assert os.access(repository / "a/b/c", os.X_OK)
