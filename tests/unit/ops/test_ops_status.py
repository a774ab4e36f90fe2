"""`ops status`: what it shows, and what it counts as needing someone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.ops.helpers import Engine, Run

ANONYMOUS = "ab" * 32


def ran(**changes: Any) -> dict[str, Any]:
    """Return a container as `docker compose ps` prints it."""
    return {
        "Service": "mongo",
        "Name": "my-rag-mongo-1",
        "State": "running",
        "Health": "healthy",
        "ExitCode": 0,
        "Labels": "com.docker.compose.oneoff=False",
        "Publishers": [
            {"URL": "127.0.0.1", "TargetPort": 80, "PublishedPort": 8000, "Protocol": "tcp"},
            {"URL": "", "TargetPort": 81, "PublishedPort": 0, "Protocol": "tcp"},
        ],
        **changes,
    }


def inspected(folder: str, *volumes: str) -> dict[str, Any]:
    """Return a container as the fake `docker inspect` prints it."""
    mounts = [{"Type": "volume", "Name": name, "Destination": "/data"} for name in volumes]
    mounts.append({"Type": "bind", "Source": "/x", "Destination": "/run/secrets/x"})
    return {
        "id": folder,
        "project": "my-rag",
        "created": "",
        "name": "/my-rag-mongo-1",
        "service": "mongo",
        "folder": folder,
        "mounts": mounts,
    }


@pytest.fixture
def ready(root: Path, engine: Engine, ops: Run) -> Engine:
    assert ops("init").code == 0
    assert root.is_dir()
    (engine.folder / "calls").unlink()
    return engine


def test_before_init_compose_is_not_asked(engine: Engine, cli: Run) -> None:
    done = cli("status")
    assert done.code == 1
    assert "`.env` lacks `FLASK_PORT`, `LOG_LEVEL`" in done.err
    assert "`secrets/mongo_password`, `secrets/flask_secret_key` are missing" in done.err
    assert done.err.count("hint: python3 ops init") == 2
    assert [each for each in engine.calls() if each[0] == "compose"] == []


def test_without_an_engine_the_rest_is_still_said(engine: Engine, ops: Run) -> None:
    engine.set(reachable=False)
    done = ops("status", "--json")
    assert done.code == 3
    assert done.document()["engine"] == "none"
    assert done.document()["env"] == {"missing": ["FLASK_PORT", "LOG_LEVEL"]}
    assert "error: no Docker engine in reach\n  cause: Cannot connect" in done.err


def test_nothing_running_is_no_problem(ready: Engine, cli: Run) -> None:
    assert ready.state["ps"] == ""
    done = cli("status")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "SERVICE  CONTAINER  STATE        HEALTH  PORTS",
        "mongo    -          not created  -       -",
        "",
        "VOLUME      RESPONSIBILITY          CLASS     OWNER  STATE   NAME",
        "mongo_data  MongoDB database files  database  mongo  absent  my-rag_mongo_data",
    ]


@pytest.mark.parametrize("form", ["lines", "array"])
def test_both_forms_of_ps(ready: Engine, ops: Run, form: str) -> None:
    found = [ran(), ran(Name="my-rag-mongo-2", Publishers=None)]
    ready.set(ps=json.dumps(found) if form == "array" else "\n".join(map(json.dumps, found)))
    services = ops("status", "--json").document()["services"]
    assert [each["name"] for each in services] == ["my-rag-mongo-1", "my-rag-mongo-2"]
    assert services[0] == {
        "service": "mongo",
        "name": "my-rag-mongo-1",
        "state": "running",
        "health": "healthy",
        "exit_code": 0,
        "ports": ["127.0.0.1:8000->80/tcp"],
    }


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Health": "unhealthy"}, 1),
        ({"Health": "starting"}, 0),
        ({"State": "exited", "ExitCode": 1, "Health": ""}, 1),
        ({"State": "exited", "ExitCode": 137, "Health": ""}, 1),
        ({"State": "exited", "ExitCode": 0, "Health": ""}, 0),
        ({"State": "exited", "ExitCode": 143, "Health": ""}, 0),
        ({"State": "restarting", "Health": ""}, 1),
        ({"State": "exited", "ExitCode": 1, "Labels": "a=b,com.docker.compose.oneoff=True"}, 0),
    ],
)
def test_what_counts_as_failed(ready: Engine, ops: Run, changes: dict[str, Any], code: int) -> None:
    ready.set(ps=json.dumps(ran(**changes)))
    done = ops("status")
    assert done.code == code
    assert ("error: service `mongo` is " in done.err) == bool(code)


ADVICE = "there is no model tiny; fix: docker compose run --rm pull"


@pytest.mark.parametrize(
    ("health", "probes", "shown"),
    [
        ("unhealthy", [(0, ""), (1, ADVICE)], True),
        # Also before the start period is over: nobody has to wait for what will not come by itself.
        ("starting", [(1, f"connection refused to s3cret\n{ADVICE}\n")], True),
        ("healthy", [(1, ADVICE), (0, "")], False),
        ("unhealthy", [(1, "the password s3cret was refused")], False),
        ("unhealthy", [], False),
    ],
)
def test_a_probe_that_knows_what_is_missing_is_heard(
    root: Path, ready: Engine, ops: Run, health: str, probes: list[tuple[int, str]], shown: bool
) -> None:
    said = [{"ExitCode": code, "Output": output} for code, output in probes]
    ready.set(ps=json.dumps(ran(Health=health)), containers=[{**inspected(str(root)), "health": said}])
    done = ops("status")
    assert done.code == (0 if health == "healthy" else 1)
    assert ("there is no model tiny" in done.err) == shown
    assert ("docker compose run --rm pull" in done.err) == shown
    assert "s3cret" not in done.err + done.out, "other output of a probe is not ours to show"
    assert "fix: " not in done.err


def test_volumes_declared_retired_and_undescribed(ready: Engine, ops: Run) -> None:
    config = json.loads(json.dumps(ready.state["config"]))
    config["volumes"]["mine"] = {"name": "my-rag_mine"}
    config["x-scaffold"]["volumes"]["unused"] = {"responsibility": "nothing\nyet", "class": ["x"]}
    config["x-scaffold-own"] = {"volumes": {"mine": {"responsibility": "Mine", "owner": "me"}}}
    ready.set(config=config)
    ready.hold("my-rag_mongo_data", "my-rag_unused", "my-rag_left")
    done = ops("status", "--json")
    assert done.code == 0
    found = {each["volume"]: each for each in done.document()["volumes"]}
    assert {key: each["state"] for key, each in found.items()} == {
        "mine": "absent",
        "mongo_data": "present",
        "unused": "present",
        "left": "retired",
    }
    assert found["left"]["responsibility"] == "-"
    assert found["mine"]["responsibility"] == "Mine"
    assert "nothing yet" in ops("status").out


def test_volumes_of_other_projects_are_not_shown(ready: Engine, ops: Run) -> None:
    ready.hold("other_data", project="other")
    assert "other_data" not in ops("status").out


def test_an_anonymous_volume_is_a_problem(root: Path, ready: Engine, ops: Run) -> None:
    ready.set(containers=[inspected(str(root), "my-rag_mongo_data", ANONYMOUS)])
    done = ops("status")
    assert done.code == 1
    assert "error: service `mongo` keeps `/data` in an anonymous volume" in done.err


def test_another_folder_of_the_same_name_is_named(root: Path, ready: Engine, ops: Run) -> None:
    (root.parent / "link").symlink_to(root)
    ready.set(containers=[inspected(str(root.parent / "link")), inspected("/home/me/other")])
    done = ops("status")
    assert done.code == 1
    assert done.err.count("error: ") == 1
    assert "were started from `/home/me/other`" in done.err
    assert "COMPOSE_PROJECT_NAME" in done.err


@pytest.mark.parametrize("found", ["2.23.3", "v2.20.0", "1.29.2", "dev", ""])
def test_an_old_compose(ready: Engine, ops: Run, found: str) -> None:
    ready.set(compose=found)
    done = ops("status")
    assert done.code == 3
    assert "2.24 or newer" in done.err


@pytest.mark.parametrize("found", ["2.24.0", "v2.24.5", "2.40.3-desktop.1", "5.6.1"])
def test_a_compose_that_is_new_enough(ready: Engine, ops: Run, found: str) -> None:
    ready.set(compose=found)
    assert ops("status").code == 0


def test_no_compose_plugin(ready: Engine, ops: Run) -> None:
    ready.set(compose=None)
    done = ops("status")
    assert done.code == 3
    assert "error: there is no `docker compose`\n  cause: docker: unknown command" in done.err


def test_a_compose_without_all_resources(ready: Engine, ops: Run) -> None:
    ready.set(all_resources=False)
    assert ops("status").code == 0


def test_a_wrapper_that_loses_the_exit_code(ready: Engine, ops: Run) -> None:
    ready.set(config={"services": None}, compose="2.40.3")
    assert ops("status").code == 0
    ready.set(config=[])
    assert ops("status").code == 2


def test_composes_own_last_line_without_values(root: Path, ready: Engine, ops: Run) -> None:
    with (root / ".env").open("a") as env:
        env.write("TOKEN=hunter22\n")
    ready.set(config='time="x" level=warning\n\nservices.web: bad value "hunter22" given\n')
    done = ops("status")
    assert done.code == 2
    assert '  cause: services.web: bad value "***" given' in done.err
    assert "hunter22" not in done.out + done.err
    assert "docker compose -f compose.yaml config -q" in done.err


@pytest.mark.parametrize(
    "name",
    ["compose.override.yaml", "compose.override.yml", "docker-compose.override.yaml"],
)
def test_the_users_own_file_comes_last(root: Path, ready: Engine, ops: Run, name: str) -> None:
    (root / name).write_text("services: {}\n")
    ops("status")
    call = next(each for each in ready.calls() if "config" in each)
    assert call[1:5] == ["-f", "compose.yaml", "-f", name]


def test_the_users_own_missing_secret_does_not_hide_the_rest(root: Path, ready: Engine, ops: Run) -> None:
    text = (root / "compose.yaml").read_text()
    own = "secrets:\n  own:\n    file: own.pem\n"
    (root / "compose.yaml").write_text(text.replace("secrets:\n", own, 1))
    done = ops("status")
    assert done.code == 1
    assert ready.calls()
    assert "SERVICE" in done.out
    assert "error: secret `own` has no file" in done.err


def test_an_engine_elsewhere_needs_the_secrets_there(ready: Engine, ops: Run) -> None:
    ready.set(host="tcp://10.0.0.9:2376")
    assert "the engine is on another machine (`tcp://10.0.0.9:2376`)" in ops("status").out


def test_what_a_restore_kept_is_named(ready: Engine, ops: Run) -> None:
    ready.set(safety=["my-rag_mongo_data-before-1", "other_mongo_data-before-1"])
    said = ops("status", "--json")
    assert said.code == 0
    assert said.document()["safety_volumes"] == ["my-rag_mongo_data-before-1"]


def test_what_a_killed_run_left_is_named(ready: Engine, ops: Run, root: Path) -> None:
    assert ready.state["reachable"]
    (root / ".ops").mkdir()
    (root / ".ops" / "restore.json").write_text("{}")
    said = ops("status")
    assert said.code == 1
    assert "a restore has not ended" in said.err
    assert "python3 ops recover" in said.err
