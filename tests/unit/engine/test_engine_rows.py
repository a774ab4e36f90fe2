"""The table: what the files declare beside what the engine holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scaffold.engine import known, rows
from scaffold.engine.rows import Row
from scaffold.engine.state import SAFETY
from tests.unit.engine.world import COMPOSE, container, project, state, volume

ANONYMOUS = "f" * 64


def by_name(found: list[Row]) -> dict[str, Row]:
    return {row.name: row for row in found}


def test_a_declared_volume_says_all_that_is_known(tmp_path: Path) -> None:
    me = project(tmp_path / "me")
    now = state(
        [volume("me_data", "me", "data")],
        container("db", "me", str(tmp_path / "me"), "me_data:/data/db"),
        container("app", "me", str(tmp_path / "me"), "me_data:/seen:ro", State="exited"),
    )
    data, config = rows.of_project(me, now)
    assert (data.name, data.status, data.attached, data.drift) == ("me_data", "present", "running", ())
    assert (data.writers, data.readers, data.responsibility) == (("db",), ("app",), "Database files")
    assert (config.name, config.status, config.attached, config.drift) == ("me_config", "absent", "detached", ())
    said = rows.document(data)
    assert (said["class"], said["owner"], said["backup"], said["size"]) == ("database", "db", "mongo-dump", None)
    assert [each["container"] for each in said["containers"]] == ["app", "db"]


def test_what_the_engine_holds_beside_the_files(tmp_path: Path) -> None:
    me = project(tmp_path / "me")
    now = state(
        [
            volume("me_old", "me", "old"),
            volume(ANONYMOUS),
            volume("me_data-before-1-2", Labels={SAFETY: "me_data"}),
            volume("me_old-before-1-2", Labels={SAFETY: "me_old"}),
            volume("you_old-before-1-2", Labels={SAFETY: "you_old"}),
            volume("you_data", "you", "data"),
            volume("plain"),
            volume("0" * 64),
        ],
        container("db", "me", "", f"{ANONYMOUS}:/tmp/x", State="created"),
    )
    found = by_name(rows.of_project(me, now))
    assert {name: row.status for name, row in found.items()} == {
        "me_data": "absent",
        "me_config": "absent",
        "me_old": "retired",
        ANONYMOUS: "anonymous",
        "me_data-before-1-2": "safety",
        "me_old-before-1-2": "safety",
    }
    made = found[ANONYMOUS]
    assert (made.made_by, made.attached, made.responsibility) == ("db", "stopped", "made for db:/tmp/x")
    assert made.needs_you
    assert not found["me_old"].needs_you


def test_the_whole_engine_lists_every_volume_once(tmp_path: Path) -> None:
    me, folder = project(tmp_path / "me"), str(tmp_path / "you")
    project(tmp_path / "you", COMPOSE.replace("name: me", "name: you"))
    volumes = [
        volume("me_data", "me", "data"),
        volume("you_data", "you", "data"),
        volume("gone_data", "gone", "data"),
        volume("far_data", "far", "data"),
        volume("plain"),
        volume("0" * 64),
        volume("x", Labels={SAFETY: "nobody_data"}),
    ]
    now = state(
        volumes,
        container("db", "you", folder, "you_data:/data/db"),
        container("far", "far", "/nowhere", "far_data:/x"),
        container("loose", "", "", "plain:/x"),
    )
    tables = rows.of_engine(now, [me, *known.others(now, me)])
    status = {name: [(row.name, row.status) for row in found if row.held] for name, found in tables.items()}
    assert status == {
        "far": [("far_data", "unread")],
        "gone": [("gone_data", "orphan")],
        "me": [("me_data", "present")],
        "you": [("you_data", "present")],
        "": [("0" * 64, "anonymous"), ("plain", "other"), ("x", "safety")],
    }
    assert sorted(row.name for found in tables.values() for row in found if row.held) == sorted(now.volumes)


@pytest.mark.parametrize(
    ("declared", "held", "drift"),
    [
        ("data:", {}, ""),
        ("data: {driver: local}", {}, ""),
        ("data: {driver: nfs}", {}, "has driver `local`, the file says `nfs`"),
        ("data: {driver: '${D}'}", {}, ""),
        ("data: {driver_opts: {type: nfs}}", {}, "driver option `type` is in the file only"),
        ("data: {driver_opts: {type: nfs}}", {"Options": {"type": "nfs"}}, ""),
        ("data: {driver_opts: {o: 'password=a'}}", {"Options": {"o": "password=b"}}, "driver option `o` is another"),
        ("data: {driver_opts: {o: '${O}'}}", {"Options": {"o": "x"}}, ""),
        ("data:", {"Options": {"type": "tmpfs"}}, "driver option `type` is not in the file"),
        ("data: {driver_opts: {size: 5}}", {"Options": {"size": "5"}}, ""),
    ],
)
def test_settings_that_drifted(tmp_path: Path, declared: str, held: dict[str, Any], drift: str) -> None:
    me = project(tmp_path / "me", f"name: me\nvolumes:\n  {declared}\n")
    row = rows.of_project(me, state([volume("me_data", "me", "data", **held)]))[0]
    assert (drift in " ".join(row.drift)) and bool(drift) == bool(row.drift)
    assert "password" not in " ".join(row.drift)


@pytest.mark.parametrize(
    ("mount", "drift"),
    [
        ("me_data:/data/db", ""),
        ("me_data:/data/db/", ""),
        ("me_data:/data", "has it at /data, the file says /data/db"),
        ("me_other:/data/db", "container `db` does not mount it, service `db` does in the file"),
    ],
)
def test_a_mount_that_drifted(tmp_path: Path, mount: str, drift: str) -> None:
    me = project(tmp_path / "me")
    row = rows.of_project(me, state([volume("me_data", "me", "data")], container("db", "me", "", mount)))[0]
    assert (drift in " ".join(row.drift)) and bool(drift) == bool(row.drift)


@pytest.mark.parametrize(("state_now", "drifted"), [("running", True), ("exited", False)])
def test_a_job_that_has_ended_is_no_drift(tmp_path: Path, state_now: str, drifted: bool) -> None:
    job = COMPOSE.replace("  db:\n", "  db:\n    profiles: [job]\n", 1)
    me = project(tmp_path / "me", job)
    assert me.project is not None
    assert me.project.services["db"].profiles == ("job",)
    now = state([volume("me_data", "me", "data")], container("db", "me", "", "me_data:/data", State=state_now))
    assert bool(rows.of_project(me, now)[0].drift) == drifted


def test_a_reader_that_may_write_and_a_service_that_should_not_have_it(tmp_path: Path) -> None:
    me = project(tmp_path / "me", COMPOSE + "# nothing\n")
    now = state(
        [volume("me_data", "me", "data"), volume("me_config", "me", "config")],
        container("app", "me", "", "me_data:/seen", "me_config:/x"),
    )
    data, config = rows.of_project(me, now)
    assert data.drift == ("container `app` may write to it, the file says read-only",)
    assert config.drift == ("container `app` mounts it, service `app` does not in the file",)


@pytest.mark.parametrize(
    ("held", "status", "drift"),
    [
        (volume("me_data", "you", "data"), "foreign", "of project `you`, by its label"),
        (volume("me_data"), "foreign", "without Compose's label"),
        (volume("me_data", "me", "other"), "present", "under the key `other`"),
    ],
)
def test_a_volume_of_the_right_name_that_something_else_made(
    tmp_path: Path, held: dict[str, Any], status: str, drift: str
) -> None:
    row = rows.of_project(project(tmp_path / "me"), state([held]))[0]
    assert row.status == status
    assert drift in row.drift[0]


def test_names_of_their_own(tmp_path: Path) -> None:
    bodies = ("a: {name: mine}", "b: {external: true}", "c: {name: '${C}'}", "d: {external: true, name: x}")
    text = "\n  ".join(["name: me\nvolumes:", *bodies])
    a, b, c, d = rows.of_project(project(tmp_path / "me", text), state([volume("mine", "me", "a"), volume("x")]))
    assert [(row.name, row.status) for row in (a, b, c, d)] == [
        ("mine", "present"),
        ("b", "absent"),
        ("", "absent"),
        ("x", "present"),
    ]
    assert ("refuse" in b.drift[0], "variable" in c.drift[0], d.drift) == (True, True, ())


def test_what_another_compose_file_of_the_folder_declares_is_not_retired(tmp_path: Path) -> None:
    files = {"compose.yaml": COMPOSE, "compose.dev.yaml": "volumes:\n  cache:\n"}
    found = by_name(rows.of_project(project(tmp_path / "me", files), state([volume("me_cache", "me", "cache")])))
    assert found["me_cache"].status == "present"
    assert found["me_cache"].declared is not None
    assert found["me_cache"].declared.place.file == "compose.dev.yaml"


@pytest.mark.parametrize(
    ("env", "dotenv", "text", "name"),
    [
        ({}, "", "name: me", "me"),
        ({}, "COMPOSE_PROJECT_NAME=two\n", "name: me", "two"),
        ({}, " export COMPOSE_PROJECT_NAME = 'two' # clone\n", "name: me", "two"),
        ({}, "#COMPOSE_PROJECT_NAME=two\nXCOMPOSE_PROJECT_NAME=three\n", "name: me", "me"),
        ({"COMPOSE_PROJECT_NAME": "one"}, "COMPOSE_PROJECT_NAME=two\n", "name: me", "one"),
        ({}, "", "services: {}", "a-folder"),
    ],
)
def test_the_projects_name_is_the_one_compose_finds(
    tmp_path: Path, env: dict[str, str], dotenv: str, text: str, name: str
) -> None:
    folder = tmp_path / "A Folder" if name == "a" else tmp_path / "A-folder"
    folder.mkdir()
    (folder / "compose.yaml").write_text(text + "\n")
    (folder / ".env").write_text(dotenv)
    assert known.in_folder(folder, env).name == name


def test_two_folders_under_one_name(tmp_path: Path) -> None:
    me, clone = project(tmp_path / "me"), tmp_path / "clone"
    project(clone, "name: me\nservices: {}\nvolumes:\n  data:\n  more:\n")
    now = state([volume("me_more", "me", "more")], container("db", "me", str(clone), "me_data:/data/db"))
    both = [me, *known.others(now, me)]
    for order in (both, both[::-1]):
        found = by_name(rows.of_engine(now, order)["me"])
        assert found["me_more"].status == "present"
        assert len(found) == 3
