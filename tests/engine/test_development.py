"""`compose.dev.yaml`: sources from the folder, and the user's own file over everything."""

from __future__ import annotations

import time

import pytest

from tests.engine.conftest import Make

pytestmark = pytest.mark.engine


def test_edited_sources_are_served_without_a_build(make: Make) -> None:
    project = make(services=["flask", "redis"])
    project.init()
    files = ["-f", "compose.yaml", "-f", "compose.dev.yaml"]
    project.compose(*files, "up", "--detach", "--wait")
    health = project.folder / "services/flask/app/health.py"
    health.write_text(health.read_text().replace('status="ok"', 'status="edited"'))
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if project.get("/health") == (200, {"status": "edited"}):
                break
        except OSError:
            pass
        time.sleep(0.3)
    assert project.get("/health") == (200, {"status": "edited"})
    assert project.get("/links") == (200, {"redis": {"ok": True}})


def test_make_targets_keep_the_users_override(make: Make) -> None:
    project = make(services=["redis"])
    project.init()
    (project.folder / "compose.override.yaml").write_text("services:\n  redis:\n    labels:\n      mine: here\n")
    project.run("make", "up")
    assert "mine" in project.run("docker", "inspect", f"{project.name}-redis-1").stdout
    assert "redis" in project.run("make", "status").stdout
    project.run("make", "stop")
    project.run("make", "down")
    assert project.volumes() == {f"{project.name}_redis_data"}


def test_two_projects_side_by_side(make: Make) -> None:
    one, two = make(services=["redis"]), make(services=["redis"])
    for project in (one, two):
        project.init()
        project.up()
    assert not one.volumes() & two.volumes()
