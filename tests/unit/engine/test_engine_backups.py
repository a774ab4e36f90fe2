"""What backup sets are worth for a volume, from the document of `ops list --json`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from scaffold.engine import backups

NOW = datetime(2026, 2, 1, tzinfo=UTC)


def one(
    day: int, *volumes: str, verified: bool | None = True, drilled: bool | None = None, **more: Any
) -> dict[str, Any]:
    """A set of January, as `ops list` describes it."""
    stamp = f"2026-01-{day:02}T02:00:00Z"
    held = {each: {"state": "stored", "size": 5, "method": "pause"} for each in volumes}
    return {
        "set": f"2026-01-{day:02}T020000Z-0000",
        "started": stamp,
        "state": "complete",
        "volumes": held,
        "verified": None if verified is None else {"time": stamp, "deep": False, "good": verified},
        "drilled": None if drilled is None else {"time": stamp, "good": drilled, "whole": True, "why": ""},
        **more,
    }


def read(*sets: dict[str, Any]) -> backups.Backups:
    return backups.read({"project": "me", "sets": list(sets)})


def test_the_last_of_each_kind() -> None:
    found = read(one(1, "a", "b", drilled=True), one(2, "a", verified=None), one(3, "b"))
    last, drill = found.last("a"), found.last_drill("a")
    assert last is not None
    assert drill is not None
    assert (last.id[:10], last.verified, drill.id[:10]) == ("2026-01-02", None, "2026-01-01")
    said = backups.document(found, "a", NOW)
    assert said["last_backup"]["age_seconds"] == 30 * 86400 - 7200
    assert said["last_drill"]["good"] is True
    assert backups.document(found, "c", NOW) == {"last_backup": None, "last_drill": None}


@pytest.mark.parametrize(
    ("sets", "why"),
    [
        ([], "no backup set holds it"),
        ([one(1, "b")], "no backup set holds it"),
        ([one(1, "a", verified=None)], "no backup set was verified"),
        ([one(1, "a", verified=False, state="bad")], "no backup set was verified"),
        ([one(1, "a", drilled=False, state="bad")], "no backup set was verified"),
        ([one(1, "a"), one(2, "b")], "2026-01-02T020000Z-0000, does not hold it"),
        ([one(1, "a"), one(2, "b", verified=None)], ""),
        ([one(1, "a"), one(2, "a", state="partial", verified=None)], ""),
        ([one(1, "a", state="partial")], ""),
        ([one(1, "a", state="complete, protected")], ""),
        ([one(1, volumes={"a": {"state": "failed"}})], "no backup set holds it"),
        ([one(1, volumes={"a": {"state": "left out"}})], "no backup set holds it"),
    ],
)
def test_what_can_be_relied_on(sets: list[dict[str, Any]], why: str) -> None:
    found, reason = read(*sets).relied_on("a")
    assert (found is None) == bool(why)
    assert why in reason
    if found:
        assert found.id == sets[0]["set"]


def test_a_set_that_cannot_be_read_is_none() -> None:
    found = read({"set": "2026-01-05T020000Z-0000", "state": "unreadable"}, one(1, "a"))
    assert found.relied_on("a")[1] == ""


def test_a_drill_of_some_volumes_says_nothing_of_others() -> None:
    stamp = "2026-01-01T02:00:00Z"
    found = read(one(1, "a") | {"drilled": {"time": stamp, "good": True, "whole": False}})
    assert found.last_drill("a") is None


@pytest.mark.parametrize(
    "document",
    [None, {}, {"project": "me"}, {"project": "me", "sets": [{}]}, {"project": "me", "sets": "no"},
     {"project": "me", "sets": [one(1, started="yesterday")]}, {"project": "me", "sets": [one(1, volumes=None)]}],
)  # fmt: skip
def test_nothing_is_relied_on_that_cannot_be_read(document: dict[str, Any] | None) -> None:
    found = backups.read(document)
    assert found.sets == ()
    assert found.relied_on("a") == (None, found.reason)
    assert found.reason
