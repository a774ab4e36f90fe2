"""Secrets on a real engine: made once, never invented for data that exists, and seen by nobody."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.engine.conftest import Make
from tests.support.running import Project

pytestmark = pytest.mark.engine


def secrets(project: Project) -> dict[str, str]:
    return {path.name: path.read_text() for path in (project.folder / "secrets").glob("[!.]*")}


def test_two_inits_leave_them_unchanged(make: Make) -> None:
    project = make(services=["flask", "mongo", "postgres", "redis"])
    project.ops("init")
    before = secrets(project)
    assert set(before) == {"flask_secret_key", "mongo_password", "postgres_password", "redis_password"}
    again = project.ops("init", "--json")
    assert {secret["state"] for secret in json.loads(again.stdout)["secrets"]} == {"kept"}
    assert secrets(project) == before


def test_lost_ones_are_not_invented_while_their_data_exists(make: Make) -> None:
    project = make(services=["postgres", "redis"])
    project.init()
    project.up()
    kept = secrets(project)
    shutil.rmtree(project.folder / "secrets")
    refused = project.ops("init", ok=False)
    assert refused.returncode == 2
    assert "`postgres_password` is missing, and the data it opens exists" in refused.stderr
    assert f"docker volume rm {project.name}_postgres_data" in refused.stderr
    assert "backup" in refused.stderr
    assert set(secrets(project)) == {"redis_password"}, "what is free is made anew"
    path = project.folder / "secrets" / "postgres_password"
    path.write_text(kept["postgres_password"])
    assert project.ops("init").returncode == 0
    project.up("--force-recreate")
    assert "healthy" in project.ops("status").stdout


def test_without_an_engine_they_are_made_and_checked_later(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(services=["postgres"])
    project.init()
    project.up()
    project.compose("down")
    kept = secrets(project)["postgres_password"]
    shutil.rmtree(project.folder / "secrets")
    with monkeypatch.context() as without:
        without.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
        made = project.ops("init")
        assert "could not check" in made.stdout + made.stderr
    assert (project.folder / "secrets" / ".unchecked").exists()
    for verb, code in (("status", 1), ("init", 2)):
        checked = project.ops(verb, ok=False)
        assert checked.returncode == code
        assert "newer than the data it opens" in checked.stderr
    path = project.folder / "secrets" / "postgres_password"
    path.chmod(0o600)
    path.write_text(kept)
    assert project.ops("init").returncode == 0
    assert not (project.folder / "secrets" / ".unchecked").exists()


def test_nobody_sees_them(make: Make) -> None:
    """Not in a process list, a container's configuration, a log, an image, a build context or what Compose resolves."""
    project = make(services=["flask", "mongo", "postgres", "redis"])
    project.init()
    project.up()
    project.get("/links")
    ids = project.compose("ps", "--all", "--quiet").split()
    seen = {
        "process list": project.run("ps", "axww", "-o", "args").stdout,
        "containers": project.run("docker", "inspect", *ids).stdout,
        "logs": project.compose("logs"),
        "image": project.run("docker", "history", "--no-trunc", f"{project.name}-flask").stdout,
        "configuration": project.compose("config"),
        "status": project.ops("status").stdout,
        "environment": project.compose("exec", "-T", "flask", "env"),
    }
    archive = subprocess.run(["docker", "save", f"{project.name}-flask"], capture_output=True, check=True).stdout
    for value in secrets(project).values():
        for place, text in seen.items():
            assert value not in text, place
        assert value.encode() not in archive
    inside = project.compose("exec", "-T", "flask", "find", "/app", "/src", "-name", "*secret*", "-o", "-name", ".env*")
    assert inside == ""


def test_the_build_context_holds_no_secret(make: Make) -> None:
    """An image that copies its whole context would show what Docker sends to the builder."""
    project = make(services=["flask", "redis"])
    project.init()
    app = project.folder / "services" / "flask" / "app"
    (app / ".env").write_text("PASSWORD=1\n")
    dockerfile = project.folder / "everything.Dockerfile"
    dockerfile.write_text("FROM python:3.13.15-slim-trixie\nCOPY . /context\n")
    image = f"{project.name}-context"
    project.run("docker", "build", "--quiet", "--tag", image, "--file", str(dockerfile), ".")
    listing = project.run("docker", "run", "--rm", image, "find", "/context", "-type", "f").stdout.split()
    names = {Path(name).relative_to("/context").as_posix() for name in listing}
    assert "services/flask/app/health.py" in names
    assert "clients/__init__.py" in names
    extra = {name for name in names if not name.startswith(("clients/", "services/flask/app/"))}
    # The classic builder always sends these two.
    assert extra <= {"everything.Dockerfile", ".dockerignore"}
    assert not [name for name in names if ".env" in name or "secret" in name]


def test_modes(make: Make) -> None:
    project = make(services=["postgres"])
    umask = os.umask(0o077)
    try:
        project.init()
    finally:
        os.umask(umask)
    assert oct((project.folder / "secrets").stat().st_mode & 0o777) == "0o700"
    assert oct((project.folder / "secrets/postgres_password").stat().st_mode & 0o777) == "0o444"
    assert oct((project.folder / ".env").stat().st_mode & 0o777) == "0o600"
    project.up()
