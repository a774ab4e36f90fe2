"""Sets in a repository of the real restic: found again as they went in, and removed."""

from __future__ import annotations

import os
import shutil

import pytest

from ops.errors import OpsError
from ops.sets import folder, manifest
from tests.unit.ops.restic_place import Place


def test_a_set_comes_back_as_it_went_in(place: Place) -> None:
    content = {"uploads": os.urandom(100_000), "db": b"rows"}
    id = place.store(content)
    assert place.stored() == [id]
    with place.repository.fetched(place.made(id)) as path:
        assert path.name == id
        assert {each.name for each in path.iterdir()} == {"manifest.json", "uploads", "db"}
        assert {name: (path / name / "content.tar").read_bytes() for name in content} == content
        assert manifest.load(path).id == id
        assert path.parent.stat().st_mode & 0o077 == 0
    assert not path.exists()


def test_some_volumes_alone_can_be_fetched(place: Place) -> None:
    id = place.store({"uploads": b"1", "db": b"2", "db_more": b"3"})
    with place.repository.fetched(place.made(id), ["db"]) as path:
        assert {each.name for each in path.iterdir()} == {"manifest.json", "db"}


def test_what_is_the_same_is_stored_once(place: Place) -> None:
    content = {"weights": os.urandom(8 << 20)}
    place.store(content)
    before = place.size()
    place.store(content)
    assert len(place.stored()) == 2
    assert place.size() - before < 1 << 20


def test_projects_in_one_repository_are_apart(place: Place) -> None:
    ours, theirs = place.store({"db": b"1"}), place.store({"db": b"2"}, "other")
    place.run("backup", "--tag", "ops", "--host", "rag", str(place.tmp_path / "password"))  # no set
    assert place.stored() == [ours]
    assert place.stored("other") == [theirs]
    place.repository.forget([ours, theirs])
    assert place.stored() == []
    assert place.stored("other") == [theirs]


def test_forgetting_frees_space(place: Place) -> None:
    first, second = place.store({"db": os.urandom(4 << 20)}), place.store({"db": os.urandom(4 << 20)})
    place.repository.forget([first])
    assert place.stored() == [second]
    assert place.size() < 6 << 20
    place.repository.check(deep=True)


def test_the_mirror_knows_what_the_repository_has(place: Place) -> None:
    first, second = place.store({"db": b"1"}), place.store({"db": b"2"})
    home = place.repository.mirror()
    assert {path.name for path in folder.sets(home)} == {first, second}
    folder.note(home / second, folder.VERIFIED, {"good": True})
    place.repository.forget([first])
    place.before('case "$1" in dump) exit 1;; esac; exec REAL "$@"')  # what is known is not asked for again
    assert [path.name for path in folder.sets(place.repository.mirror())] == [second]
    assert folder.look(home / second).checks == {"verified": {"good": True}}


def test_a_protected_set_is_known_on_every_machine(place: Place) -> None:
    id = place.store({"db": b"1"})
    place.repository.protect(id, wanted=True)
    shutil.rmtree(place.root / ".ops")
    home = place.repository.mirror()
    assert folder.checks(home / id) == {"protected": True}
    place.repository.protect(id, wanted=False)
    assert folder.checks(place.repository.mirror() / id) == {}
    with place.repository.fetched(place.made(id)) as path:
        assert (path / "db" / "content.tar").read_bytes() == b"1"


def test_a_damaged_repository_is_found(place: Place) -> None:
    place.store({"db": os.urandom(1 << 20)})
    pack = max(
        (path for path in (place.path / "data").rglob("*") if path.is_file()), key=lambda path: path.stat().st_size
    )
    pack.chmod(0o600)
    with pack.open("r+b") as file:
        file.seek(1000)
        file.write(b"spoiled")
    with pytest.raises(OpsError) as caught:
        place.repository.check(deep=True)
    assert caught.value.problem.cause == "damaged"


def test_a_set_that_is_gone_and_one_that_is_too_large(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    id = place.store({"db": b"12345"})
    made = place.made(id)
    made.id = "2026-01-31T020000Z-7f3a"
    with pytest.raises(OpsError) as caught, place.repository.fetched(made):
        pass
    assert caught.value.problem.cause == "not-found"
    usage = shutil.disk_usage(place.tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=4))
    with pytest.raises(OpsError) as caught, place.repository.fetched(place.made(id)):
        pass
    assert caught.value.problem.cause == "no-space"
