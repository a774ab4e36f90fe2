"""What may be removed: labels, names, files, containers and backups all have to agree."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scaffold.engine import known, removal, rows
from scaffold.engine.backups import Backups, Set
from scaffold.engine.known import Known
from scaffold.engine.removal import Usage
from scaffold.engine.rows import Row
from scaffold.engine.state import LOCK, SAFETY, State
from tests.unit.engine.world import COMPOSE, container, project, state, volume

THEN = datetime(2026, 1, 31, 2, tzinfo=UTC)
GOOD = Set("good", THEN, "complete", frozenset({"data"}), verified=True)
BEFORE, AFTER = THEN - timedelta(hours=1), THEN + timedelta(seconds=1)
ANONYMOUS = "f" * 64


def barred(me: Known, now: State, name: str, others: list[Known] | None = None) -> tuple[str, ...]:
    row = next(row for row in rows.of_project(me, now) if row.name == name)
    return removal.barred(row, me, now, known.others(now, me) if others is None else others)


@pytest.mark.parametrize(
    "held",
    [
        volume("me_data", "me", "data"),
        volume("me_old", "me", "old"),
        volume("me_data-before-1-2", Labels={SAFETY: "me_data"}),
        volume(ANONYMOUS, "me"),
    ],
)
def test_a_projects_own_that_nothing_mounts(tmp_path: Path, held: dict[str, Any]) -> None:
    assert barred(project(tmp_path / "me"), state([held]), held["Name"]) == ()


@pytest.mark.parametrize(
    ("held", "why"),
    [
        # A label that says this project does not make it this project's.
        (volume("other_x", "me"), "do not fit"),
        (volume("other_x", "me", "x"), "do not fit"),
        (volume("me_x", "me"), "do not fit"),
        (volume("me_x", "me", "y"), "do not fit"),
        (volume("me_data", "me", "other"), "do not fit"),
        # Nor does a name.
        (volume("me_data"), "no label of this project"),
        (volume("me_data", "you", "data"), "its label says project `you`"),
        (volume("me_data", "me_data", ""), "its label says project `me_data`"),
        (volume("you_data-before-1-2", Labels={SAFETY: "me_data"}), "is not this project's"),
        (volume("me_old", "me", "old", Labels={SAFETY: "you_data"}), "is not this project's"),
    ],
)
def test_what_only_looks_like_a_projects_own(tmp_path: Path, held: dict[str, Any], why: str) -> None:
    found = barred(project(tmp_path / "me"), state([held]), held["Name"])
    assert any(why in each for each in found), found


@pytest.mark.parametrize(("mine", "key", "theirs"), [("a", "b_c", "a_b"), ("a_b", "c", "a")])
def test_a_name_that_two_projects_could_have_given(tmp_path: Path, mine: str, key: str, theirs: str) -> None:
    """`a` with `b_c`, and `a_b` with `c`: the engine's name of both is `a_b_c`, and the label says whose it is."""
    me = project(tmp_path / "me", f"name: {mine}\nvolumes:\n  {key}:\n")
    their_key = "c" if key == "b_c" else "b_c"
    assert "its label says" in barred(me, state([volume("a_b_c", theirs, their_key)]), "a_b_c")[0]
    assert barred(me, state([volume("a_b_c", mine, key)]), "a_b_c") == ()
    # And when the other project runs, and its file means the same volume.
    folder = tmp_path / "you"
    project(folder, f"name: {theirs}\nvolumes:\n  {their_key}:\n")
    now = state([volume("a_b_c", mine, key)], container("x", theirs, str(folder)))
    assert "declares it as well" in barred(me, now, "a_b_c")[0]


@pytest.mark.parametrize("how", ["running", "exited", "created", "dead"])
@pytest.mark.parametrize("whose", ["me", "you", ""])
def test_what_a_container_mounts(tmp_path: Path, how: str, whose: str) -> None:
    now = state([volume("me_old", "me", "old")], container("c", whose, "", "me_old:/x:ro", State=how))
    found = barred(project(tmp_path / "me"), now, "me_old")
    assert f"mounts it ({how})" in found[0]
    assert ("of project `you`" in found[0]) == (whose == "you")


def test_an_external_volume_is_never_this_projects_alone(tmp_path: Path) -> None:
    me = project(tmp_path / "me", "name: me\nvolumes:\n  data: {external: true, name: me_data}\n")
    assert "external" in barred(me, state([volume("me_data", "me", "data")]), "me_data")[0]


def test_another_project_that_names_it_external(tmp_path: Path) -> None:
    folder = tmp_path / "you"
    project(folder, "name: you\nvolumes:\n  theirs: {external: true, name: me_data}\n")
    now = state([volume("me_data", "me", "data")], container("x", "you", str(folder)))
    assert "project `you`" in barred(project(tmp_path / "me"), now, "me_data")[0]


def test_a_clone_under_the_same_name_may_still_need_it(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    project(clone, COMPOSE.replace("  config:\n", "  config:\n  old:\n", 1).replace("\nx-", "\n  old:\nx-"))
    now = state([volume("me_old", "me", "old")], container("db", "me", str(clone)))
    me = project(tmp_path / "me")
    assert "declares it as well" in barred(me, now, "me_old")[0]
    (clone / "compose.yaml").write_text("{")
    assert "cannot be read" in barred(me, now, "me_old")[0]


@pytest.mark.parametrize(
    "files",
    [
        {"compose.yaml": COMPOSE + "include: ['${MORE}/compose.yaml']\n"},
        {"compose.yaml": COMPOSE + "include: [gone.yaml]\n"},
        {"compose.yaml": COMPOSE, "compose.dev.yaml": "{"},
    ],
)
def test_nothing_is_retired_for_sure_while_a_file_cannot_be_read(tmp_path: Path, files: dict[str, str]) -> None:
    me = project(tmp_path / "me", files)
    assert "cannot be read" in barred(me, state([volume("me_old", "me", "old")]), "me_old")[0]
    assert barred(me, state([volume("me_data", "me", "data")]), "me_data") == ()


def test_while_ops_works_on_the_project(tmp_path: Path) -> None:
    lock = container("me-ops-lock", State="created", Labels={LOCK: "verb=restore"})
    found = barred(project(tmp_path / "me"), state([volume("me_old", "me", "old")], lock), "me_old")
    assert "a run of `ops`" in found[0]


def test_an_orphan_of_a_project_without_a_folder() -> None:
    now = state([volume("gone_data", "gone", "data"), volume("gone_x", "gone", "y")])
    gone = Known("gone")
    assert [row.status for row in rows.of_project(gone, now)] == ["orphan", "orphan"]
    assert barred(gone, now, "gone_data") == ()
    assert "do not fit" in barred(gone, now, "gone_x")[0]


def row(name: str = "me_data", key: str = "data", **more: Any) -> Row:
    return Row(name, key, "me", "retired", state([volume(name, "me", key, **more)]).volumes[name])


@pytest.mark.parametrize(
    ("usage", "sets", "why"),
    [
        (Usage(5, 1, BEFORE), (GOOD,), ""),
        (Usage(5, 1, AFTER), (GOOD,), "changed at 2026-01-31 02:00:01 UTC, after set good"),
        (Usage(5, 1, THEN), (GOOD,), "after set good"),
        (Usage(5, 1, None), (GOOD,), "cannot be told"),
        (Usage(reason="no tar"), (GOOD,), "cannot be told whether it changed since: no tar"),
        (Usage(reason="no tar"), (), "no backup set holds it"),
        (Usage(5, 1, BEFORE), (), "no backup set holds it"),
        (Usage(5, 1, BEFORE), (replace(GOOD, verified=None),), "no backup set was verified"),
        (Usage(4096, 0, AFTER), (), ""),
    ],
)
def test_what_would_be_lost(usage: Usage, sets: tuple[Set, ...], why: str) -> None:
    _, reasons = removal.unsaved(row(), Backups("me", sets), usage)
    assert bool(reasons) == bool(why)
    assert why in " ".join(reasons)


def test_what_can_be_filled_again_still_needs_force(tmp_path: Path) -> None:
    text = "name: me\nvolumes: {data: }\nx-scaffold: {volumes: {data: {backup: none}}}\n"
    mine = rows.of_project(project(tmp_path / "me", text), state([volume("me_data", "me", "data")]))[0]
    assert "can be filled again" in removal.unsaved(mine, Backups("me"), Usage(5, 1, BEFORE))[1][0]


def test_what_no_set_ever_holds() -> None:
    every = Set("good", THEN, "complete", frozenset({"data", "", ANONYMOUS}), verified=True)
    copy = row("me_data-before-1-2", "", Labels={SAFETY: "me_data"})
    for one in (copy, row(ANONYMOUS, "")):
        assert removal.unsaved(one, Backups("me", (every,)), Usage(5, 1, BEFORE))[1]
        assert not removal.unsaved(one, Backups("me"), Usage(0, 0, BEFORE))[1]


def test_force_is_for_content_and_for_nothing_else() -> None:
    candidate = removal.Candidate(row(), (), ("lost",), Usage(), None)
    assert (candidate.allowed(force=False), candidate.allowed(force=True)) == (False, True)
    assert not replace(candidate, barred=("foreign",)).allowed(force=True)
    assert replace(candidate, unsaved=()).allowed(force=False)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("2026-01-31T02:00:00Z", 1769824800),
        ("2026-01-31T03:00:00.123456789+01:00", 1769824800),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
    ],
)
def test_when_a_volume_was_made(said: str, seconds: int | None) -> None:
    assert removal.seconds(said) == seconds
