"""A repository that is not there, not open or not ours to open: each says what helps, and no credentials."""

from __future__ import annotations

import pytest

from ops.sets.repository import Repository
from ops.sets.restic import Restic, address
from tests.unit.ops.restic_place import PASSWORD, Place, refused


def test_a_missing_repository_says_how_to_make_it(place: Place) -> None:
    place.path.rename(place.tmp_path / "elsewhere")
    error = refused(place.repository)
    assert (error.problem.cause, error.code) == ("not-found", 3)
    assert error.problem.fix == f"make it once: RESTIC_REPOSITORY='{place.path}' restic init"


def test_a_wrong_password(place: Place) -> None:
    (place.tmp_path / "password").write_text("another")
    error = refused(place.repository)
    assert error.problem.cause == "missing-secret"
    assert "wrong password" in error.problem.why


def test_no_password_is_refused_before_anything_asks_for_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RESTIC_PASSWORD_FILE")
    error = refused(place.repository)
    assert (error.problem.cause, error.code) == ("missing-secret", 2)


def test_a_command_may_give_the_password(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RESTIC_PASSWORD_FILE")
    monkeypatch.setenv("RESTIC_PASSWORD_COMMAND", f"cat '{place.tmp_path / 'password'}'")
    assert place.stored() == []


def test_no_restic(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(place.tmp_path))
    error = refused(place.repository)
    assert (error.problem.cause, error.code) == ("missing-tool", 3)


def test_credentials_are_in_no_argument_and_no_message(place: Place) -> None:
    log = place.tmp_path / "arguments"
    place.before(
        f'printf "%s\\n" "$@" >> {log}\necho "Fatal: $RESTIC_REPOSITORY said no, $RESTIC_REPOSITORY" >&2; exit 1'
    )
    one = Repository(place.repository.this, Restic(address("restic:rest:https://me:hunter2@backup.example/rag")))
    error = refused(one)
    assert error.problem.why == "rest:https://…@backup.example/rag said no, rest:https://…@backup.example/rag"
    assert "hunter2" not in f"{error.problem}" + log.read_text()
    assert PASSWORD not in log.read_text()
