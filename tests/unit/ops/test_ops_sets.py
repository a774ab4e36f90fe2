"""Manifests, and the folder that sets are in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ID = "2026-01-31T020000Z-7f3a"


def manifest(id: str = ID, **facts: Any) -> Any:
    from ops.sets.manifest import File, Item, Manifest

    file = File("uploads/content.tar.zst", "content", "zstd", 3, "aa", 9, "bb", about={"deep": ["ü"]})
    item = Item("uploads", "p_uploads", counts={"x": 1}, files=[file])
    return Manifest(id, "p", "2026-01-31T02:00:00Z", items=[item], **facts)


def project(root: Path) -> Any:
    from ops.project import Project

    return Project(root, "p", [])


def published(root: Path, id: str = ID) -> Path:
    from ops.sets import folder
    from ops.sets.manifest import save

    unfinished = folder.begin(folder.home(project(root), None), id)
    save(manifest(id), unfinished)
    return folder.publish(unfinished, id)


def cause(caught: Any) -> str:
    return str(caught.value.problem.cause)


def test_a_manifest_comes_back_as_it_was(tmp_path: Path) -> None:
    from ops.sets.manifest import load, save

    made = manifest()
    save(made, tmp_path)
    assert load(tmp_path) == made
    assert (tmp_path / "manifest.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("change", [b'"aa"', b'"state": "stored"', b"p_uploads"])
def test_a_changed_manifest_is_not_believed(tmp_path: Path, change: bytes) -> None:
    from ops.errors import OpsError
    from ops.sets.manifest import load, save

    save(manifest(), tmp_path)
    path = tmp_path / "manifest.json"
    path.write_bytes(path.read_bytes().replace(change, change[:-1] + b"x" + change[-1:], 1))
    with pytest.raises(OpsError) as caught:
        load(tmp_path)
    assert cause(caught) == "damaged"


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"null", b'{"format": "1"}', b"[" * 100_000])
def test_what_is_no_manifest_is_damaged(tmp_path: Path, content: bytes) -> None:
    from ops.errors import OpsError
    from ops.sets.manifest import load

    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(OpsError) as caught:
        load(tmp_path)
    assert cause(caught) == "damaged"


def test_a_newer_format_is_refused_before_its_seal(tmp_path: Path) -> None:
    from ops.errors import OpsError
    from ops.sets.manifest import FORMAT, load

    (tmp_path / "manifest.json").write_text(json.dumps({"format": FORMAT + 1, "seal": "of another kind"}))
    with pytest.raises(OpsError) as caught:
        load(tmp_path)
    assert cause(caught) == "newer-format"


def test_fields_that_a_later_version_adds_are_passed_over(tmp_path: Path) -> None:
    from ops.sets.manifest import load, save, seal

    save(manifest(), tmp_path)
    path = tmp_path / "manifest.json"
    document = json.loads(path.read_bytes())
    document["new"] = document["items"][0]["new"] = document["items"][0]["files"][0]["new"] = 1
    path.write_text(json.dumps({**document, "seal": seal(document)}))
    assert load(tmp_path) == manifest()


def test_a_set_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    from ops.sets import folder

    home = folder.home(project(tmp_path), None)
    unfinished = folder.begin(home, ID)
    assert list(folder.sets(home)) == []
    assert folder.partials(home) == [unfinished]
    folder.discard(unfinished)
    path = published(tmp_path)
    assert list(folder.sets(home)) == [path]
    assert path.stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "backups" / ".gitignore").read_text() == "*\n"


def test_a_set_is_found_by_any_of_its_names(tmp_path: Path) -> None:
    from ops.errors import OpsError
    from ops.sets import folder

    this = project(tmp_path)
    home = folder.home(this, None)
    with pytest.raises(OpsError) as caught:
        folder.find(this, home, None)
    assert cause(caught) == "not-found"
    first, second = published(tmp_path), published(tmp_path, "2026-02-01T020000Z-0001")
    for said in (None, "latest", second.name, "2026-02", str(second)):
        assert folder.find(this, home, said) == second
    assert folder.find(this, home, "2026-01") == first
    for said in ("2026", "2025", ".", "manifest.json"):
        with pytest.raises(OpsError) as caught:
            folder.look(folder.find(this, home, said))
        assert cause(caught) == "not-found"


def test_notes_are_kept_beside_each_other(tmp_path: Path) -> None:
    from ops.sets import folder

    path = published(tmp_path)
    folder.note(path, folder.VERIFIED, {"good": True})
    folder.mark(path, wanted=True)
    folder.note(path, folder.DRILLED, {"good": False})
    assert folder.look(path).checks == {"verified": {"good": True}, "drilled": {"good": False}, "protected": True}
    folder.mark(path, wanted=False)
    assert "protected" not in folder.checks(path)
    (path / "checks.json").write_text("{")
    assert folder.look(path).checks == {}


def test_a_path_out_of_a_set_is_not_followed(tmp_path: Path) -> None:
    from ops.sets import check, folder
    from ops.sets.manifest import File

    path = published(tmp_path)
    (tmp_path / "outside").write_bytes(b"abc")
    (path / "link").symlink_to(tmp_path / "outside")
    size, digest = 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    found = folder.look(path)
    for name in ("../../../outside", "link", str(tmp_path / "outside")):
        file = File(name, "content", "none", size, digest, size, digest)
        found.manifest.items[0].files[:] = [file]
        assert [each.cause for each in check.stored(found, found.manifest.items)] == ["damaged"], name


def test_a_forgotten_set_takes_no_file_of_others_along(tmp_path: Path) -> None:
    from ops.forget import remove
    from ops.sets import folder

    path = published(tmp_path)
    (path / "uploads").mkdir()
    (path / "uploads" / "content.tar.zst").write_bytes(b"abc")
    (path / "notes.txt").write_text("mine")
    problem = remove(folder.look(path))
    assert problem is not None
    assert "notes.txt" in problem.why
    assert (path / "uploads" / "content.tar.zst").is_file()
    (path / "notes.txt").unlink()
    assert remove(folder.look(path)) is None
    assert list(path.parent.iterdir()) == []
