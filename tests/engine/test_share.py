"""Volumes that people share: owned right in every combination, whoever starts first, and the same all along."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from scaffold.catalog.index import load
from scaffold.catalog.resolve import combinations, images
from scaffold.cli.main import run as scaffold
from scaffold.project.render import render
from scaffold.project.source import Template
from tests.engine.conftest import Make, Run, new_name
from tests.support import copier, versions
from tests.support.images import is_provided
from tests.support.running import Project
from tools.examples import ROOT

pytestmark = pytest.mark.engine

CATALOG = load(ROOT)
ABLE = [id for id in CATALOG.offered if all(is_provided(image) for image in images(CATALOG, id))]
USERS = {id: CATALOG.entries[id]["share"]["user"] for id in ABLE}
BUILT = [id for id in ABLE if CATALOG.entries[id]["share"]["built"]]
OWN_USER = [id for id in ABLE if id not in BUILT and USERS[id] != "0:0"]


def everybody(template: Template, project: Project) -> None:
    """A project of every entry that runs here, in which each writes a volume that all others read.

    What the services do plays no part in who owns their volumes: they sleep, and install nothing.
    """
    shared = [
        {
            "name": volume_of(writer),
            "path": f"/shared/{writer}",
            "writer": writer,
            "readers": [id for id in ABLE if id != writer],
            "responsibility": f"What {writer} gives to all",
        }
        for writer in ABLE
    ]
    answers = next(combinations(CATALOG, ABLE))
    render(template, {**answers, "project_name": project.name, "shared_volumes": shared}, project.folder)
    for path in [*project.folder.glob("services/*/app/requirements.txt"), project.folder / "clients/requirements.txt"]:
        path.write_text("")
    lines = ["services:"]
    for id in [*ABLE, "llama-cpp-embed"]:
        lines += [f"  {id}:", "    entrypoint: [sleep, infinity]", "    command: !reset []", "    init: true"]
        lines += ["    stop_grace_period: 1s", "    healthcheck: !override {disable: true}"]
        waits = f"{{{id}-share-init: {{condition: service_completed_successfully}}}}" if id in OWN_USER else ""
        lines += [f"    depends_on: !override {waits}" if waits else "    depends_on: !reset {}"]
    (project.folder / "compose.override.yaml").write_text("\n".join(lines) + "\n")
    project.init()


def volume_of(writer: str) -> str:
    return f"from_{writer.replace('-', '_')}"


def inside(project: Project, id: str, script: str, *, ok: bool = True) -> str:
    """What a script says in a service's container, as the user that its server runs as."""
    return project.compose("exec", "-T", "--user", USERS[id], id, "sh", "-c", script, ok=ok)


def each_owns_its_volume(project: Project) -> None:
    """Each volume is its writer's, and nobody else's to write."""
    for id in ABLE:
        said = project.compose("exec", "-T", id, "stat", "-c", "%u:%g %a", f"/shared/{id}").split()
        assert said == [USERS[id], "755"], id


@pytest.mark.parametrize("order", ["as listed, then made anew", "reversed", "all at once"])
def test_each_writes_and_all_others_read_whoever_starts_first(order: str, template: Template, run: Run) -> None:
    project = run(new_name())
    everybody(template, project)
    if order == "all at once":
        project.up(*ABLE)  # by name: jobs are in a profile
    else:
        for id in ABLE if order != "reversed" else reversed(ABLE):
            project.compose("up", "--detach", id)
    if "made anew" in order:
        each_owns_its_volume(project)
        # Docker gives an empty volume the owner of the image's folder once more for each container.
        for id in reversed(ABLE):
            project.compose("up", "--detach", "--force-recreate", "--no-deps", id)
    for id in ABLE:
        inside(project, id, f"umask 022; mkdir /shared/{id}/folder && echo {id} > /shared/{id}/folder/file")
    each_owns_its_volume(project)
    for id in ABLE:
        others = " ".join(other for other in ABLE if other != id)
        script = f"""
            for other in {others}; do
                echo "$other=$(cat "/shared/$other/folder/file")"
                touch "/shared/$other/mine" 2>&1 | grep -q 'Read-only' || echo "writes to $other"
            done"""
        assert inside(project, id, script).split() == [f"{other}={other}" for other in others.split()], id
    assert project.volumes() == project.declared(), "and nothing anonymous, from the init steps either"


@pytest.mark.parametrize("id", OWN_USER)
def test_the_init_step_touches_only_a_fresh_folder(id: str, template: Template, run: Run) -> None:
    """Started again it changes nothing: not what somebody gave to another user, and no file in it."""
    project = run(new_name())
    other = "redis" if id != "redis" else "postgres"
    shared = {"name": "pool", "path": "/shared/pool", "writer": id, "readers": [other], "responsibility": "x"}
    answers = next(combinations(CATALOG, [one for one in ABLE if one in {id, other}]))
    render(template, {**answers, "project_name": project.name, "shared_volumes": [shared]}, project.folder)
    project.init()
    step = f"{id}-share-init"
    assert "is " + id in project.compose("run", "--rm", step)
    mount = f"{project.name}_pool:/v"
    image = images(CATALOG, id)[-1]
    as_root = ["docker", "run", "--rm", "--user", "0:0", "--entrypoint", "sh", "--volume", mount, image, "-c"]
    project.run(*as_root, "echo theirs > /v/file && chown 0:0 /v/file && chmod 600 /v/file")
    assert project.compose("run", "--rm", step) == "", "it is the writer's already"
    assert project.run(*as_root, "stat -c %u:%g:%a /v/file").stdout == "0:0:600\n"
    project.run(*as_root, "chown 4242:4242 /v")
    assert project.compose("run", "--rm", step) == "", "somebody gave it to another user"
    assert project.run(*as_root, "stat -c %u:%g /v").stdout == "4242:4242\n"
    config = json.loads(project.compose("config", "--format", "json"))["services"][step]
    assert (config["cap_drop"], config["cap_add"], config["network_mode"], config["read_only"]) == (
        ["ALL"], ["CHOWN"], "none", True,
    )  # fmt: skip


def test_a_database_writes_for_an_application_and_a_private_file_stays_private(make: Make) -> None:
    """PostgreSQL itself writes, and an application of another user reads."""
    shared = {
        "name": "exports", "path": "/shared/exports", "writer": "postgres", "readers": ["flask"],
        "responsibility": "Tables that the database exported",
    }  # fmt: skip
    project = make(services=["flask", "postgres"], shared_volumes=[shared])
    project.init()
    project.up()
    psql = ["exec", "-T", "postgres", "psql", "-U", "app", "-v", "ON_ERROR_STOP=1", "app", "-c"]
    project.compose(*psql, "COPY (SELECT 42) TO '/shared/exports/answer.csv'")
    mode = project.compose("exec", "-T", "postgres", "stat", "-c", "%u %a", "/shared/exports/answer.csv").split()
    assert mode == ["999", "644"], "the server's own user"
    assert project.in_app("print(open('/shared/exports/answer.csv').read())") == "42"
    project.compose("exec", "-T", "--user", "999:999", "postgres", "chmod", "600", "/shared/exports/answer.csv")
    refused = project.compose("exec", "-T", "flask", "cat", "/shared/exports/answer.csv", ok=False)
    assert refused == ""
    project.compose("down")
    project.up()
    project.compose("exec", "-T", "--user", "999:999", "postgres", "chmod", "644", "/shared/exports/answer.csv")
    assert project.in_app("print(open('/shared/exports/answer.csv').read())") == "42"


SHARE = ("--path", "/shared/features", "--writer", "flask", "--responsibility", "Features")


def change(project: Project, *arguments: str, capfd: pytest.CaptureFixture[str], codes: tuple[int, ...] = (0,)) -> Any:
    """Change the project, and commit that."""
    capfd.readouterr()
    code = scaffold([*arguments, "--project", str(project.folder), "--yes", "--json"])
    said = capfd.readouterr()
    assert code in codes, said.err
    copier.commit(project.folder)
    return json.loads(said.out)


def identity(project: Project) -> tuple[str, str]:
    """What stays the same for as long as a volume is the same one: its folder, and what lies in it.

    Its creation time is nothing to go by: engines before 23.0 move it.
    """
    image = "redis:8.8-trixie"
    mount = f"{project.name}_features:/v:ro"
    script = "stat -c %i /v && cat /v/kept"
    run = ["docker", "run", "--rm", "--entrypoint", "sh", "--volume", mount, image, "-c", script]
    inode, content = project.run(*run).stdout.split("\n", 1)
    return inode, content


def all_see_it(project: Project, first: tuple[str, str], *readers: str) -> None:
    """The volume is the one that it was, and every service reads what is in it, as the user that it has."""
    project.up("--remove-orphans")
    assert identity(project) == first
    for id in ("flask", *readers):
        assert inside(project, id, "cat /shared/features/kept") == "kept", id


@pytest.fixture
def sharing(run: Run, install: Path, capfd: pytest.CaptureFixture[str]) -> Project:  # noqa: ARG001
    """A running project that shares a volume between three services, with a file in it."""
    project = run(new_name())
    services = ["-s", "flask", "-s", "postgres", "-s", "redis"]
    assert scaffold(["new", str(project.folder), *services, "--yes"]) == 0
    project.init()
    # An engine waits one interval before the first probe. Only of those that stay: nobody edited what goes.
    probes = "".join(f"  {id}:\n    healthcheck:\n      interval: 3s\n" for id in ("flask", "postgres"))
    (project.folder / "compose.override.yaml").write_text(f"services:\n{probes}")
    copier.commit(project.folder)
    project.up()
    change(project, "share", "features", *SHARE, "--reader", "postgres", "--reader", "redis", capfd=capfd)
    project.up()
    inside(project, "flask", "printf kept > /shared/features/kept")
    return project


def test_one_volume_through_everything(
    sharing: Project, install: Path, tmp_path_factory: pytest.TempPathFactory, capfd: pytest.CaptureFixture[str]
) -> None:
    first = identity(sharing)
    all_see_it(sharing, first, "postgres", "redis")
    change(sharing, "add", "seaweedfs", capfd=capfd)
    all_see_it(sharing, first, "postgres", "redis")
    change(sharing, "share", "features", "--reader", "seaweedfs", "--reader", "redis", capfd=capfd)
    all_see_it(sharing, first, "seaweedfs", "redis")
    change(sharing, "remove", "redis", capfd=capfd)
    all_see_it(sharing, first, "seaweedfs")
    versions.release(install, versions.changed(tmp_path_factory.mktemp("later")), versions.NEXT)
    change(sharing, "update", capfd=capfd)
    all_see_it(sharing, first, "seaweedfs")
    change(sharing, "unshare", "features", capfd=capfd, codes=(1,))
    sharing.up()
    assert identity(sharing) == first
    status = json.loads(sharing.ops("status", "--json", ok=False).stdout)
    assert [one["state"] for one in status["volumes"] if one["volume"] == "features"] == ["retired"]
    change(sharing, "share", "features", *SHARE, "--reader", "postgres", capfd=capfd)
    all_see_it(sharing, first, "postgres")
    assert yaml.safe_load((sharing.folder / "compose.yaml").read_text())["volumes"]["features"] is None


def test_ops_backs_it_up_and_puts_it_back_with_its_owners(sharing: Project) -> None:
    first = identity(sharing)
    sharing.ops("backup")
    inside(sharing, "flask", "printf lost > /shared/features/kept")
    sharing.ops("restore", "latest", "--only", "features", "--replace")
    all_see_it(sharing, first, "postgres", "redis")
    owners = inside(sharing, "flask", "stat -c %u /shared/features /shared/features/kept")
    assert owners.split() == ["10001", "10001"]


def test_another_writer_takes_over_as_it_is_told(sharing: Project, capfd: pytest.CaptureFixture[str]) -> None:
    first = identity(sharing)
    capfd.readouterr()
    code = scaffold(["share", "features", "--writer", "postgres", "--project", str(sharing.folder), "--yes"])
    said = capfd.readouterr().err
    assert code == 1, "the old writer loses its mount"
    copier.commit(sharing.folder)
    sharing.up()
    assert inside(sharing, "postgres", "touch /shared/features/kept || echo refused", ok=False) == "refused\n"
    found = re.search(r"^ +(docker compose run .* chown .*)$", said, re.MULTILINE)
    assert found, said
    sharing.run(*found[1].split())
    inside(sharing, "postgres", "touch /shared/features/kept /shared/features/new")
    assert identity(sharing) == first
