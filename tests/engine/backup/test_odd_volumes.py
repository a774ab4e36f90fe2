"""Volumes that the template knows nothing of: undescribed, retired, shared with another project, under another name."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.backup import keeper
from tests.engine.conftest import Make, new_name
from tests.support.running import Project

pytestmark = pytest.mark.engine

WRITE = "open('/things/note', 'w').write('kept')"
READ = "print(open('/things/note').read(), end='')"
SPOIL = "open('/things/note', 'w').write('spoilt'); open('/things/stale', 'w')"
LIST = "import os; print(sorted(os.listdir('/things')))"


@pytest.fixture
def foreign(docker: dict[str, str]) -> Iterator[str]:
    """A volume that no project made, and a container of nobody's that writes to it."""
    assert docker is not None
    name = new_name()
    mount = f"type=volume,source={name},target=/things"
    command = ["sh", "-c", "while :; do date >> /things/log; sleep 0.2; done"]
    keeper.run(["docker", "run", "--detach", "--name", name, "--init", "--mount", mount, keeper.IMAGE, *command])
    yield name
    subprocess.run(["docker", "rm", "--force", "--volumes", name], capture_output=True, check=False)
    volumes = keeper.run(["docker", "volume", "ls", "--quiet", "--filter", f"name={name}"]).split()
    subprocess.run(["docker", "volume", "rm", *volumes], capture_output=True, check=False)


def backup(project: Project, *arguments: str) -> tuple[str, dict[str, Any]]:
    """Back `things` up; the set and the volume's item in it."""
    made = json.loads(project.ops("backup", "--only", "things", "--json", *arguments).stdout)
    return made["set"], made["items"][0]


def running(project: Project) -> tuple[str, str]:
    """The id of the keeper's container, and when it started; empty when none runs."""
    id = project.run("docker", "ps", "--quiet", "--no-trunc", "--filter", f"name={project.name}-keeper").stdout.strip()
    return id, project.run("docker", "inspect", "--format", "{{.State.StartedAt}}", id).stdout if id else ""


def test_what_nobody_described_is_stopped_and_copied(make: Make) -> None:
    project = keeper.project(make, described=False)
    project.up("keeper")
    volume = f"{project.name}_things"
    keeper.python(volume, WRITE)
    before = running(project)
    set, item = backup(project)
    assert item["method"] == "stop"
    assert "has no description" in item["warnings"][0]
    after = running(project)
    assert after[0] == before[0]
    assert after[1] != before[1], "it was stopped, and started again"
    keeper.python(volume, SPOIL)
    project.ops("restore", set, "--replace")
    assert keeper.python(volume, READ) == "kept"
    assert keeper.python(volume, LIST) == "['note']\n"
    assert running(project)[0] == before[0]


def test_a_retired_volume_is_copied_and_restored(make: Make) -> None:
    project = keeper.project(make)
    project.up("keeper")
    volume = f"{project.name}_things"
    keeper.python(volume, WRITE)
    # Edited out while its container still runs, an orphan now.
    (project.folder / "compose.override.yaml").unlink()
    _, item = backup(project)
    assert (item["method"], item["owner"]) == ("stop", "")
    assert "is retired" in item["warnings"][0]
    assert running(project)[0]
    project.compose("up", "--detach", "--remove-orphans", "--no-start")
    set, item = backup(project)
    assert item["method"] == "cold"
    project.run("docker", "volume", "rm", volume)
    project.ops("restore", set)
    assert keeper.python(volume, READ) == "kept"
    assert volume in project.volumes(), "it carries the labels of the project"
    keeper.python(volume, SPOIL)
    project.ops("restore", set, "--replace")
    assert keeper.python(volume, READ) == "kept"


def test_another_projects_container_is_paused_for_a_backup_and_in_the_way_of_a_restore(
    make: Make, foreign: str
) -> None:
    project = keeper.project(make, volumes={"things": {"name": foreign, "external": True}})
    project.up("keeper")
    keeper.python(foreign, WRITE)
    set, item = backup(project)
    assert item["method"] == "pause"
    assert item["name"] == foreign
    state = ["docker", "inspect", "--format", "{{.State.Status}}", foreign]
    assert keeper.run(state) == "running\n"
    keeper.python(foreign, SPOIL)
    refused = project.ops("restore", set, "--replace", ok=False)
    assert refused.returncode == 3
    assert foreign in refused.stderr
    assert "in-use" in refused.stderr
    assert keeper.python(foreign, READ) == "spoilt"
    keeper.run(["docker", "stop", foreign])
    project.ops("restore", set, "--replace")
    assert keeper.python(foreign, READ) == "kept"
    assert keeper.run(state) == "exited\n", "it was stopped before"
    safety = project.run("docker", "volume", "ls", "--quiet", "--filter", f"name={foreign}-before").stdout.split()
    assert [keeper.python(name, READ) for name in safety] == ["spoilt"]


def test_a_volume_under_a_name_of_its_own_comes_back_under_it(make: Make, foreign: str) -> None:
    name = f"{foreign}-named"
    project = keeper.project(make, volumes={"things": {"name": name, "labels": {"team": "search"}}})
    project.up("keeper")
    keeper.python(name, WRITE)
    set, _ = backup(project)
    project.compose("down")
    project.run("docker", "volume", "rm", name)
    project.ops("restore", set)
    assert keeper.python(name, READ) == "kept"
    labels = json.loads(keeper.run(["docker", "volume", "inspect", "--format", "{{json .Labels}}", name]))
    assert labels["team"] == "search"
    said = project.run("docker", "compose", "up", "--detach", "--wait", "keeper")
    assert "already exists" not in said.stderr, "Compose takes it for its own"
    project.compose("exec", "-T", "keeper", "python", "-c", READ)


def test_what_cannot_be_paused_is_stopped(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy kernel refuses at times to freeze a busy container, and some engines cannot at all."""
    project = keeper.project(make)
    project.up("keeper")
    keeper.python(f"{project.name}_things", WRITE)
    refusing = tmp_path / "bin" / "docker"
    refusing.parent.mkdir()
    real = keeper.run(["which", "docker"]).strip()
    refusing.write_text(
        '#!/bin/sh\nif [ "$1" = pause ]; then echo "OCI runtime pause failed: unable to freeze" >&2; exit 1; fi\n'
        f'exec {real} "$@"\n'
    )
    refusing.chmod(refusing.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{refusing.parent}:{os.environ['PATH']}")
    before = running(project)
    _, item = backup(project)
    assert (item["state"], item["method"]) == ("stored", "stop")
    assert "cannot pause" in item["warnings"][0]
    assert running(project)[0] == before[0]


def test_a_device_file_is_refused_when_it_is_backed_up_not_when_it_is_restored(make: Make) -> None:
    """Volumes of an engine inside a container have thousands: a set with one would look good and be refused later."""
    project = keeper.project(make)
    project.up("keeper")
    keeper.python(f"{project.name}_things", "import os; os.mknod('/things/whiteout', 0o20600, os.makedev(0, 0))")
    done = project.ops("backup", "--only", "things", "--json", ok=False)
    assert done.returncode == 3
    made = json.loads(done.stdout)
    assert made["set"] is None
    assert "`whiteout`" in done.stderr
    assert running(project)[0]
