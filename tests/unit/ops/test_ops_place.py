"""Volumes on NFS, on a disk of their own, in memory: whether the place is there, and what is never done to it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.unit.ops.helpers import Engine, Run

Options = dict[str, str]
GONE = "/dev/disk/by-id/nvme-never-attached"


def nfs(port: int, server: str = "127.0.0.1", **more: str) -> Options:
    return {"type": "nfs", "o": f"addr={server},nfsvers=4,port={port}", "device": ":/srv/x", **more}


def disk(device: str = GONE) -> Options:
    return {"type": "ext4", "device": device}


@pytest.fixture
def server() -> Iterator[int]:
    """The port of something that answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def closed() -> int:
    """A port that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def problem(options: Options) -> Any:
    from ops.volumes import place

    return place.missing("weights", options)


def test_what_is_there_is_no_problem(server: int) -> None:
    assert problem(nfs(server)) is None
    assert problem(disk("/dev/null")) is not None
    assert problem({"type": "none", "o": "bind", "device": "/nowhere"}) is None
    assert problem({"type": "tmpfs", "o": "size=1g", "device": "tmpfs"}) is None


def test_a_server_that_does_not_answer(closed: int) -> None:
    said = problem(nfs(closed))
    assert "`127.0.0.1` of volume `weights` does not answer" in said.what
    assert f"port {closed}" in said.why
    assert "firewall" in said.fix
    assert problem(nfs(closed, o=f"addr=127.0.0.1,proto=rdma,port={closed}")) is None


def test_a_server_that_nobody_knows(engine: Engine) -> None:
    from ops.volumes import place

    assert engine.folder.is_dir()
    assert "`nas.invalid`" in place.problems({"a": nfs(1, "nas.invalid")})["a"].what


def test_an_address_of_the_newer_kind(closed: int) -> None:
    assert "`::1`" in problem(nfs(closed, "::1")).what


def test_a_disk_that_is_not_attached() -> None:
    said = problem(disk())
    assert "disk of volume `weights` is not on this machine" in said.what
    assert GONE in said.why
    assert "by-id" in said.fix


def test_a_file_is_no_disk(tmp_path: Path) -> None:
    # By such a name it is no disk that is there; how it is named is the template's business.
    assert "is no disk" in problem(disk("/dev/null")).what
    assert problem(disk(str(tmp_path))) is None


def test_servers_are_asked_at_once_and_not_for_an_engine_elsewhere(
    closed: int, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ops.volumes import place

    assert engine.folder.is_dir()
    places = {"a": nfs(closed), "b": disk(), "c": {"type": "tmpfs", "device": "tmpfs"}}
    assert list(place.problems(places)) == ["a", "b"]
    monkeypatch.setenv("DOCKER_HOST", "ssh://somewhere")
    assert place.problems(places) == {}


def test_who_does_not_answer_is_not_waited_for(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    from ops.volumes import place

    assert engine.folder.is_dir()
    forever = threading.Event()

    def never(*_: Any, **__: Any) -> None:
        forever.wait()
        raise OSError

    monkeypatch.setattr(place, "PATIENCE", -0.9)
    monkeypatch.setattr("socket.create_connection", never)
    try:
        assert "cannot be looked up" in place.problems({"a": nfs(1)})["a"].why
    finally:
        forever.set()


def configured(engine: Engine, options: Options | None) -> None:
    config = engine.state["config"]
    body = {"name": "my-rag_mongo_data", **({"driver": "local", "driver_opts": options} if options else {})}
    engine.set(config={**config, "volumes": {"mongo_data": body}})


def place_in_file(root: Path) -> None:
    path = root / "compose.yaml"
    text = path.read_text()
    placed = "  mongo_data:\n    driver: local\n    driver_opts:\n      type: ext4\n"
    assert "  mongo_data:\n\nsecrets:" in text
    path.write_text(text.replace("  mongo_data:\n\nsecrets:", f"{placed}\nsecrets:"))


def test_init_says_it_before_anything_starts(root: Path, engine: Engine, ops: Run) -> None:
    place_in_file(root)
    configured(engine, disk())
    done = ops("init")
    assert done.code == 1
    assert "is not on this machine" in done.err + done.out
    assert "next:" not in done.out
    assert (root / "secrets" / "mongo_password").exists(), "all else is done"
    assert json.loads(ops("init", "--json").out)["problems"][0]["why"].startswith(GONE)


def test_a_second_copy_is_told_that_it_has_the_same_disk(
    root: Path, engine: Engine, ops: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    place_in_file(root)
    configured(engine, disk())
    assert "in the same place" not in ops("init").out
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "staging")
    done = ops("init")
    assert "`staging`; it and `my-rag` have `mongo_data` in the same place" in done.out
    configured(engine, {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"})
    assert "in the same place" not in ops("init").out


def test_init_asks_nobody_where_nothing_is_placed(root: Path, engine: Engine, ops: Run) -> None:
    assert root.is_dir()
    configured(engine, disk())
    assert ops("init").code == 0
    assert not [call for call in engine.calls() if call[0] == "compose"]


def test_init_goes_on_without_compose(root: Path, engine: Engine, ops: Run) -> None:
    place_in_file(root)
    engine.set(compose=None)
    done = ops("init")
    assert done.code == 0
    assert "could not check where volumes live" in done.out + done.err


def test_status_says_it(root: Path, engine: Engine, ops: Run) -> None:
    assert root.is_dir()
    assert ops("init").code == 0
    configured(engine, disk())
    done = ops("status")
    assert done.code == 1
    assert "disk of volume `mongo_data` is not on this machine" in done.out + done.err
    configured(engine, None)
    assert ops("status").code == 0


@pytest.mark.parametrize(
    ("held", "wanted", "same"),
    [
        (None, None, True),
        (disk(), disk(), True),
        (None, disk(), False),
        (disk(), None, False),
        (disk("/dev/disk/by-id/a"), disk("/dev/disk/by-id/b"), False),
    ],
)
def test_where_the_engine_has_a_volume_and_where_the_file_has_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, held: Options | None, wanted: Options | None, same: bool
) -> None:
    from ops import docker
    from ops.volumes import place

    assert engine.folder.is_dir()
    line = f"my-rag_a\tlocal\t{json.dumps(held)}\nmy-rag_b\trclone\t{json.dumps({'remote': 'x'})}\n"
    monkeypatch.setattr(docker, "run", lambda *_, **__: docker.Answer(0, line, ""))
    model = modelled({"a": wanted, "b": None})
    there = [docker.Volume("my-rag_a", "my-rag", "a"), docker.Volume("my-rag_b", "my-rag", "b")]
    found = place.moved(model, there)
    assert [each.what for each in found] == ([] if same else ["volume `a` is not where `compose.yaml` puts it"])
    assert same or "deletes what is in it" in found[0].why


def test_a_volume_from_outside_is_as_its_maker_wants_it(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    from ops import docker
    from ops.volumes import place

    assert engine.folder.is_dir()
    line = f"my-rag_a\tlocal\t{json.dumps(disk())}\n"
    monkeypatch.setattr(docker, "run", lambda *_, **__: docker.Answer(0, line, ""))
    model = modelled({"a": None})
    assert place.moved(model, [docker.Volume("my-rag_a", "my-rag", "a")])
    model.document["volumes"]["a"]["external"] = True
    assert place.moved(model, [docker.Volume("my-rag_a", "my-rag", "a")]) == []
    model.document["volumes"].clear()
    assert place.moved(model, [docker.Volume("my-rag_a", "my-rag", "a")]) == []


def modelled(placed: dict[str, Options | None]) -> Any:
    from ops.compose import Model

    bodies = {
        key: {"name": f"my-rag_{key}", **({"driver": "local", "driver_opts": each} if each else {})}
        for key, each in placed.items()
    }
    names = {key: f"my-rag_{key}" for key in placed}
    return Model([], names, {}, {"name": "my-rag", "volumes": bodies})


def test_only_the_project_itself_gets_its_own_places() -> None:
    """A drill's volume, or one of a project of another name, on the same disk would be the same data."""
    from ops.sets import targets

    model = modelled({"a": disk()})
    own = targets.creation(model, "a", "my-rag", own=True)
    assert f"device={GONE}" in own
    other = targets.creation(model, "a", "my-rag-drill", own=False)
    assert not [word for word in other if word.startswith("device=") or word in {"--opt", "--driver"}]


def test_a_backup_goes_on_without_what_is_not_there() -> None:
    from ops.errors import OpsError
    from ops.sets.plan import Places, Wish, make
    from ops.volumes.table import Entry

    entries = [
        Entry(key, f"p_{key}", "present", owner="x", backup="files", kind="files") for key in ("a", "b", "scratch")
    ]
    places = Places({"scratch": "lives in memory"}, {"b": OpsError("the disk of volume `b` is not on this machine")})
    made = make(entries, [], "p", Wish(caches=True), places)
    assert [job.entry.key for job in made.jobs()] == ["a"]
    assert [(item.volume, item.state) for item, _ in made.failed] == [("b", "failed")]
    assert [item.why for item in made.left_out] == ["lives in memory"]
