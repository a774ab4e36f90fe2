"""What a move is told, whom it stops and sets going again, and when two trees are the same."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ops import state
from ops.compose import Model
from ops.docker import Container
from ops.errors import OpsError
from ops.moving import kept, plan, users
from ops.moving.plan import Move
from ops.project import Project
from ops.volumes import made, presence, refill, starting
from ops.volumes.digest import Digest
from ops.volumes.made import Made

THIS = Project(Path("/nowhere"), "new", [])
LABELS = {"com.docker.compose.project": "new", "com.docker.compose.volume": "uploads"}


def model(**mounts: list[str]) -> Model:
    """Services, and what each mounts: `uploads`, or `uploads:ro`."""
    services = {
        service: {
            "volumes": [
                {
                    "type": "volume",
                    "source": each.partition(":")[0],
                    "target": f"/{service}",
                    "read_only": each.endswith(":ro"),
                }
                for each in volumes
            ]
        }
        for service, volumes in mounts.items()
    }
    keys = sorted({each.partition(":")[0] for volumes in mounts.values() for each in volumes})
    document: dict[str, Any] = {
        "services": services,
        "volumes": {"uploads": {"driver_opts": {"type": "nfs", "o": "addr=x"}}},
    }
    return Model(sorted(services), {key: f"new_{key}" for key in keys}, {}, document)


def container(name: str, *mounts: str, project: str = "new", state: str = "running", **more: Any) -> Container:
    """One that mounts volumes by their names in the engine, read-only with `:ro`."""
    volumes = {f"/{at}": each.partition(":")[0] for at, each in enumerate(mounts)}
    writable = frozenset(each for each in mounts if not each.endswith(":ro"))
    found = Container(f"{project}-{name}-1", name, "", volumes, id=f"id-{name}", project=project, state=state)
    return replace(found, writable=writable, **more)


def move(source: str, key: str = "uploads", **more: Any) -> Move:
    return Move(source, "", key, f"new_{key}", Made(), there=False, **more)


def ids(containers: list[Container]) -> list[str]:
    return [each.id for each in containers]


def test_what_compose_would_make_but_without_its_mark() -> None:
    wanted = made.wanted(model(app=["uploads"]), "uploads", "new")
    assert wanted == Made("local", {"type": "nfs", "o": "addr=x"}, LABELS)
    marked = replace(wanted, labels={**LABELS, made.HASH: "0123"})
    assert marked.arguments() == wanted.arguments()
    assert wanted.arguments()[:4] == ["--opt", "o=addr=x", "--opt", "type=nfs"]
    assert Made("nfs-plugin").arguments() == ["--driver", "nfs-plugin"]
    assert wanted.same_place(replace(wanted, labels={}))
    assert not wanted.same_place(replace(wanted, options={}))


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (Digest(3, 10, 1, 7, 8), ""),
        (Digest(2, 10, 1, 7, 8), "3 entries of 10 bytes are 2 of 10 bytes"),
        (Digest(3, 10, 1, 7, 9), "another content"),
        (Digest(3, 10, 0, 7, 8), "several names"),
        (Digest(3, 10, 1, 6, 8), "an owner, a mode or a time"),
    ],
)
def test_how_two_trees_differ(other: Digest, words: str) -> None:
    said = Digest(3, 10, 1, 7, 8).differs(other)
    assert words in said
    assert bool(said) == bool(words)


def test_the_old_project_stays_stopped_and_a_reader_is_left_alone() -> None:
    found = users.find(
        THIS,
        model(app=["uploads"]),
        [move("old_uploads")],
        [
            container("app", "old_uploads", project="old"),
            container("reader", "old_uploads:ro", project="elsewhere"),
            container("ended", "old_uploads", project="old", state="exited"),
        ],
        "old",
    )
    assert ids(found.stopped) == ids(found.stay) == ["id-app"]
    assert (found.start, found.up, found.removed) == ([], {}, [])


def test_a_renamed_volume_has_its_containers_made_anew() -> None:
    """Those that write to the old one are of yesterday's `compose.yaml`; one that has both goes on."""
    found = users.find(
        THIS,
        model(app=["uploads"], both=["uploads", "other"], reader=["uploads:ro"]),
        [move("new_before")],
        [
            container("app", "new_before"),
            replace(container("app", "new_before"), id="id-app-2"),
            container("gone", "new_before"),
            container("both", "new_uploads", "new_other"),
            container("reader", "new_before:ro"),
        ],
        None,
    )
    assert "id-reader" not in ids(found.stopped)
    assert found.up == {"app": 2, "reader": 1}
    assert (ids(found.stay), ids(found.start)) == (["id-gone"], ["id-both"])


def test_a_volume_that_is_made_anew_takes_its_containers_along() -> None:
    anew = move("new_uploads", was=Made())
    running, ended = container("app", "new_uploads"), container("job", "new_uploads:ro", state="exited")
    found = users.find(THIS, model(app=["uploads"], job=["uploads:ro"]), [anew], [running, ended], None)
    assert (ids(found.removed), found.up) == (["id-app", "id-job"], {"app": 1})
    for bad in (container("x", "new_uploads", project="y", state="exited"), replace(ended, oneoff=True)):
        with pytest.raises(OpsError, match="keeps the volume from being made anew"):
            users.find(THIS, model(app=["uploads"]), [anew], [bad], None)


@pytest.mark.parametrize("bound", ["/srv/data", "/srv", "/srv/data/inner"])
def test_who_writes_to_a_folder(bound: str) -> None:
    writer = replace(container("app"), bound=frozenset({bound}))
    beside = replace(container("beside"), bound=frozenset({"/srv/data2"}))
    found = users.find(THIS, model(app=[], beside=[]), [move("/srv/data")], [writer, beside], None)
    assert ids(found.stopped) == ids(found.start) == ids(found.behind) == ["id-app"]


@pytest.mark.parametrize(("state", "project"), [("paused", "new"), ("running", "elsewhere"), ("restarting", "")])
def test_whom_it_does_not_touch(state: str, project: str) -> None:
    with pytest.raises(OpsError) as error:
        users.find(THIS, model(), [move("x")], [container("app", "x", project=project, state=state)], "old")
    assert error.value.problem.cause == "in-use"


def test_options_of_a_driver() -> None:
    assert plan.pairs(["o=addr=x,rw", "type=nfs"]) == {"o": "addr=x,rw", "type": "nfs"}
    for bad in ("o", "=x"):
        with pytest.raises(OpsError):
            plan.pairs([bad])


def test_a_path_in_a_mount_is_one_value() -> None:
    assert presence.mount('/a,b"c', 0, write=False) == 'type=bind,"source=/a,b""c",target=/ops/0,readonly'
    assert presence.mount("x", 1, write=True) == "type=volume,source=x,target=/ops/1,volume-nocopy"


def test_what_lets_go_of_a_folder_in_a_volume() -> None:
    found = replace(move("new_uploads", "images"), path="/a b/c")
    said = kept.within(model(reader=["uploads:ro"], app=["uploads"]), found)
    assert said == "docker compose run --rm --no-deps --user 0 --entrypoint rm app -r '/app/a b/c'"
    assert kept.within(model(reader=["uploads:ro"]), found) == ""


def test_a_journal_is_read_as_it_was_written(tmp_path: Path) -> None:
    this = replace(THIS, root=tmp_path)
    work = refill.Refill(this, "new", "move", "image", verb="move", removed={"app": 2}, after={"up": {"app": 2}})
    work.note("new_uploads", was=["--driver", "x"], removed=True)
    said = state.load(tmp_path, state.RESTORE)
    assert said is not None
    assert refill.load(this, said) == work
    # One that an earlier `ops` left is a restore.
    early = {key: said[key] for key in ("set", "project", "image", "volumes", "stopped", "done")}
    assert refill.load(this, json.loads(json.dumps(early))).what == "the restore of set `move`"


def test_a_move_is_remembered_once(tmp_path: Path) -> None:
    this, one = replace(THIS, root=tmp_path), {"from": "a", "path": "", "to": "b", "when": "now"}
    starting.remember(this, [one])
    starting.remember(this, [one, {**one, "from": "c"}])
    assert [each["from"] for each in starting.moves(this)] == ["a", "c"]


@pytest.mark.parametrize(
    "given", [{}, {"volume": "a"}, {"volume": "a", "folder": "b", "into": "c"}, {"from_project": "a", "anew": "b"}]
)
def test_what_means_nothing(given: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.docker.volumes", list)
    blank = dict.fromkeys(("from_project", "volume", "folder", "anew", "into", "path", "driver"))
    with pytest.raises(OpsError) as error:
        plan.make(THIS, model(), argparse.Namespace(**{**blank, "only": [], "opt": [], **given}))
    assert error.value.problem.fix
