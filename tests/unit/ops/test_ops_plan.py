"""What a backup decides to do with each volume, from what is declared and what runs."""

from __future__ import annotations

from typing import Any

import pytest


def entry(key: str = "uploads", state: str = "present", **said: str) -> Any:
    from ops.volumes.table import Entry

    return Entry(key, f"p_{key}", state, **{"owner": "flask", "backup": "files", **said})


def container(volume: str = "p_uploads", **facts: Any) -> Any:
    from ops.docker import Container

    known = {"name": "c", "service": "flask", "folder": "/x", "id": "c1", "project": "p", "state": "running"}
    return Container(volumes={"/v": volume}, **{**known, "writable": frozenset({volume}), **facts})


def plan(entries: list[Any], containers: list[Any], **wish: Any) -> Any:
    from ops.sets.plan import Wish, make

    return make(entries, containers, "p", Wish(**wish))


def method(entries: list[Any], containers: list[Any], **wish: Any) -> str:
    jobs = plan(entries, containers, **wish).jobs()
    assert len(jobs) == 1
    return str(jobs[0].item.method)


@pytest.mark.parametrize(
    ("backup", "expected"),
    [("files", "pause"), ("sqlite", "pause"), ("faiss", "pause"), ("chroma", "stop"), ("s3", "stop"), ("", "stop")],
)
def test_a_store_decides_how_still_its_writers_are(backup: str, expected: str) -> None:
    assert method([entry(backup=backup)], [container()]) == expected


def test_nobody_has_to_be_still_where_nobody_writes() -> None:
    assert method([entry()], [container(state="exited")]) == "cold"
    assert method([entry()], [container(writable=frozenset())]) == "cold"


def test_a_database_is_dumped_by_its_own_server() -> None:
    database = entry("db", owner="postgres", backup="postgres-dump")
    job = plan([database], [container("p_db", service="postgres")]).dumps[0]
    assert job.item.method == "dump"
    assert job.server.service == "postgres"


def test_a_database_that_is_stopped_is_copied_and_that_is_said() -> None:
    database = entry("db", owner="postgres", backup="postgres-dump")
    job = plan([database], [container("p_db", service="postgres", state="exited")]).groups[0][0]
    assert job.item.method == "cold"
    assert "no other major" in job.item.warnings[0]


@pytest.mark.parametrize("facts", [{"state": "restarting"}, {"service": "other"}, {"project": "q"}, {"oneoff": True}])
def test_a_database_that_cannot_be_asked_fails_and_the_rest_goes_on(facts: dict[str, Any]) -> None:
    database = entry("db", owner="postgres", backup="postgres-dump")
    made = plan([database, entry()], [container("p_db", **{"service": "postgres", **facts}), container()])
    assert [item.volume for item, _ in made.failed] == ["db"]
    assert [job.entry.key for job in made.jobs()] == ["uploads"]


def test_what_can_be_filled_again_is_left_out_unless_asked_for() -> None:
    cache = entry("models", backup="none", refill="`pull`")
    made = plan([cache, entry()], [])
    assert [item.why for item in made.left_out] == ["can be filled again: `pull`"]
    assert len(plan([cache], [], only=["models"]).jobs()) == 1
    assert len(plan([cache], [], caches=True).jobs()) == 1


def test_a_name_that_is_not_there_is_refused() -> None:
    from ops.errors import OpsError

    for entries, name in (([entry()], "uplaods"), ([entry(state="absent")], "uploads")):
        with pytest.raises(OpsError) as caught:
            plan(entries, [], only=[name])
        assert caught.value.problem.cause == "not-found"


@pytest.mark.parametrize("backup", ["postgres-dump", "sqlite", "chroma", "s3", ""])
def test_a_live_copy_that_would_not_open_is_refused(backup: str) -> None:
    from ops.errors import OpsError

    with pytest.raises(OpsError, match="cannot be copied live"):
        plan([entry(backup=backup)], [container()], mode="live")


def test_a_mode_counts_for_every_store() -> None:
    database = entry("db", owner="postgres", backup="postgres-dump")
    assert method([database], [container("p_db", service="postgres")], mode="pause") == "pause"
    assert method([entry()], [container()], mode="live") == "live"
    assert method([entry()], [container()], mode="stop") == "stop"


def test_volumes_of_one_owner_are_copied_together() -> None:
    mine = [entry("a", owner="mlflow"), entry("b", owner="mlflow"), entry("c", owner="flask")]
    made = plan(mine, [])
    assert [[job.entry.key for job in group] for group in made.groups] == [["a", "b"], ["c"]]
    assert made.groups[0][0].item.group == ["a", "b"]


def test_a_retired_volume_is_copied() -> None:
    job = plan([entry("old", state="retired", owner="", backup="")], []).jobs()[0]
    assert job.item.method == "cold"
    assert "retired" in job.item.warnings[0]


@pytest.mark.parametrize(
    ("wrote", "have", "fits"),
    [
        ("chromadb/chroma:1.5.9", "chromadb/chroma:1.5.9", True),
        ("chromadb/chroma:1.5.9", "chromadb/chroma:1.6.0", True),
        ("chromadb/chroma:1.5.9", "chromadb/chroma:1.4.1", False),
        ("chromadb/chroma:1.5.9", "chromadb/chroma:1.5.8", True),
        ("ghcr.io/mlflow/mlflow:v3.17.0-full", "ghcr.io/mlflow/mlflow:v3.9.0-full", False),
        ("p-flask", "q-flask", True),
        ("a:5000/x:2.0", "a:5000/x@sha256:00", True),
    ],
)
def test_an_older_version_does_not_take_what_a_newer_one_wrote(wrote: str, have: str, fits: bool) -> None:
    from ops import stores
    from ops.sets.manifest import Item

    why = stores.of("chroma").fits(Item("v", "p_v", image=wrote), have, lambda _variable: "")
    assert (why == "") is fits
