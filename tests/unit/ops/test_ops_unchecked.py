"""Secrets that were made without an engine, and the check that the next one with an engine does."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.ops.helpers import Engine, Run

HOUR = timedelta(hours=1)


def at(offset: timedelta, zone: tzinfo = UTC) -> str:
    """Write a time as the engine does."""
    return (datetime.now(UTC) + offset).astimezone(zone).isoformat(timespec="seconds")


def record(root: Path) -> Path:
    return root / "secrets" / ".unchecked"


@pytest.fixture
def offline(root: Path, engine: Engine, ops: Run) -> Engine:
    """Make the secrets without an engine, then bring it back."""
    engine.set(reachable=False)
    done = ops("init", "--json")
    assert (done.code, done.document()["engine"]) == (0, "none")
    assert "Cannot connect to the Docker daemon" in done.document()["notes"][0]
    made = root / "secrets" / "mongo_password"
    assert json.loads(record(root).read_text()) == {"mongo_password": made.stat().st_mtime_ns}
    engine.set(reachable=True)
    return engine


def test_no_docker_command(root: Path, engine: Engine, cli: Run) -> None:
    (engine.folder / "docker").unlink()
    done = cli("init")
    assert done.code == 0
    assert "there is no `docker` command" in done.out
    assert record(root).exists()
    done = cli("status")
    assert done.code == 3
    assert "error: there is no `docker` command" in done.err


def test_an_engine_that_never_answers(root: Path, engine: Engine, driven: Run) -> None:
    (engine.folder / "docker").write_text("#!/bin/sh\nwhile :; do read -t 1 x </dev/zero; done\n")
    done = driven("import ops.docker\nops.docker.TIMEOUT = 0.2", "init")
    assert done.code == 0
    assert "did not answer" in done.out
    assert record(root).exists()


@pytest.mark.parametrize(("verb", "code"), [("init", 2), ("status", 1)])
@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=9))], ids=["Z", "+09"])
def test_an_older_volume_is_a_problem_that_stays(
    root: Path, offline: Engine, ops: Run, *, verb: str, code: int, zone: tzinfo
) -> None:
    offline.hold("my-rag_mongo_data", created=at(-HOUR, zone))
    for _ in range(2):
        done = ops(verb)
        assert done.code == code
        assert "error: secret `mongo_password` is newer than the data it opens" in done.err
        assert "touch secrets/mongo_password" in done.err
        assert record(root).exists()
    states = {each["name"]: each["state"] for each in ops("init", "--json").document()["secrets"]}
    assert states == {"mongo_password": "unchecked", "flask_secret_key": "kept"}


@pytest.mark.parametrize("zone", [None, "+00:00", "Z"])
@pytest.mark.parametrize("verb", ["init", "status"])
def test_no_volume_or_a_newer_one_settles_it(
    root: Path, offline: Engine, ops: Run, verb: str, zone: str | None
) -> None:
    if zone:
        offline.hold("my-rag_mongo_data", created=at(HOUR).replace("+00:00", zone))
    assert ops(verb).code == 0
    assert not record(root).exists()


def test_the_same_second_is_not_older(root: Path, offline: Engine, ops: Run) -> None:
    made = int((root / "secrets" / "mongo_password").stat().st_mtime)
    same = datetime.fromtimestamp(made, UTC).isoformat()
    offline.hold("my-rag_mongo_data", created=same)
    assert ops("init").code == 0


def test_a_file_that_the_user_put_back_settles_it(root: Path, offline: Engine, ops: Run) -> None:
    offline.hold("my-rag_mongo_data", created=at(-HOUR))
    path = root / "secrets" / "mongo_password"
    path.unlink()
    path.write_text("the old one")
    assert ops("init").code == 0
    assert not record(root).exists()
    assert path.read_text() == "the old one"


def test_a_file_that_was_removed_is_a_lost_secret(root: Path, offline: Engine, ops: Run) -> None:
    offline.hold("my-rag_mongo_data", created=at(-HOUR))
    (root / "secrets" / "mongo_password").unlink()
    done = ops("init")
    assert done.code == 2
    assert "is missing, and the data it opens exists" in done.err
    assert not record(root).exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"mongo_password": "1"}', b'{"mongo_password": true}', b"\xff", b"[" * 5000],
)
def test_a_corrupt_record_means_every_secret(root: Path, offline: Engine, ops: Run, content: bytes) -> None:
    record(root).write_bytes(content)
    offline.hold("my-rag_mongo_data", created=at(-HOUR))
    assert ops("init").code == 2
    made = root / "secrets" / "mongo_password"
    assert json.loads(record(root).read_text()) == {"mongo_password": made.stat().st_mtime_ns}
    os.utime(made)
    assert ops("init").code == 0
    assert not record(root).exists()


def test_a_corrupt_record_is_mended_without_an_engine(root: Path, offline: Engine, ops: Run) -> None:
    record(root).write_bytes(b"{")
    offline.set(reachable=False)
    assert ops("init").code == 0
    assert list(json.loads(record(root).read_text())) == ["mongo_password"]


@pytest.mark.usefixtures("offline")
def test_names_that_left_the_file_are_dropped(root: Path, ops: Run) -> None:
    record(root).write_text('{"gone": 1}')
    assert ops("init").code == 0
    assert not record(root).exists()


@pytest.mark.parametrize("reachable", [True, False])
def test_a_secret_whose_service_is_away_is_checked_when_it_is_back(
    root: Path, offline: Engine, ops: Run, *, reachable: bool
) -> None:
    whole = (root / "compose.yaml").read_text()
    (root / "compose.yaml").write_text(whole.replace("mongo_password", "another_password"))
    offline.set(reachable=reachable)
    done = ops("init")
    assert (done.code, "mongo_password" in done.out) == (0, False)
    (root / "compose.yaml").write_text(whole)
    offline.set(reachable=True)
    offline.hold("my-rag_mongo_data", created=at(-HOUR))
    done = ops("init")
    assert done.code == 2
    assert "error: secret `mongo_password` is newer than the data it opens" in done.err


@pytest.mark.parametrize("created", ["0001-01-01T00:00:00Z", "", "<no value>"])
def test_a_driver_that_tells_no_time_is_said_until_a_touch(root: Path, offline: Engine, ops: Run, created: str) -> None:
    offline.hold("my-rag_mongo_data", created=created)
    first = ops("status", "--json")
    assert first.code == 0
    assert "cannot tell" in first.document()["notes"][0]
    assert ops("init", "--json").document()["secrets"][0]["state"] == "unchecked"
    os.utime(root / "secrets" / "mongo_password")
    assert ops("status", "--json").document()["notes"] == []
    assert not record(root).exists()


@pytest.mark.parametrize(("age", "code"), [(-HOUR, 1), (HOUR, 0)])
def test_old_engines_move_the_time_so_containers_witness(
    offline: Engine, ops: Run, root: Path, age: timedelta, code: int
) -> None:
    offline.hold("my-rag_mongo_data", created=at(HOUR))
    container = {
        "id": "c1",
        "project": "my-rag",
        "created": at(age).replace("+00:00", ".123456789Z"),
        "name": "/my-rag-mongo-1",
        "service": "mongo",
        "folder": str(root),
        "mounts": [{"Type": "volume", "Name": "my-rag_mongo_data", "Destination": "/data"}],
    }
    offline.set(version="20.10.24+dfsg1", containers=[container])
    done = ops("status", "--json")
    assert done.code == code
    assert len(done.document()["notes"]) == (0 if code else 1)


def test_the_hint_for_a_known_secret_works_in_a_shell(root: Path, engine: Engine, ops: Run) -> None:
    engine.hold("my-rag_mongo_data")
    hint = next(line for line in ops("init").err.splitlines() if "read -rs" in line)
    command = hint.partition("secret: ")[2]
    subprocess.run(
        ["/bin/bash", "-c", command], cwd=root, input="pa ss\\w%s\n", text=True, check=True, env={"PATH": "/bin"}
    )
    assert (root / "secrets" / "mongo_password").read_text() == "pa ss\\w%s"
    assert ops("init").code == 0


def test_nothing_new_needs_no_engine(engine: Engine, ops: Run) -> None:
    assert ops("init").code == 0
    engine.set(reachable=False)
    done = ops("init", "--json").document()
    assert (done["engine"], done["notes"]) == ("none", [])


def test_a_proven_problem_is_not_forgotten_when_an_old_engine_moves_the_time(offline: Engine, ops: Run) -> None:
    offline.set(version="20.10.24")
    offline.hold("my-rag_mongo_data", created=at(-HOUR))
    assert ops("init").code == 2
    offline.hold("my-rag_mongo_data", created=at(HOUR))
    assert len(ops("init", "--json").document()["notes"]) == 1
    offline.hold("my-rag_mongo_data", created=at(-HOUR))
    assert ops("init").code == 2
