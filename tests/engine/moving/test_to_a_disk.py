"""A volume goes to a disk of its own and back by one command each: answers, files, and what it holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from scaffold.cli.main import run as scaffold
from tests.engine.conftest import Run, new_name
from tests.engine.test_placement import Disk, disk, upload  # noqa: F401 (a fixture)
from tests.support import copier
from tests.support.running import Project, until

pytestmark = pytest.mark.engine


def options(project: Project) -> dict[str, str]:
    """How the engine has the volume of the uploads."""
    said = project.run("docker", "volume", "inspect", f"{project.name}_user_uploads").stdout
    found: dict[str, str] = json.loads(said)[0]["Options"] or {}
    return found


def declared(project: Project) -> dict[str, str]:
    found = yaml.safe_load((project.folder / "compose.yaml").read_text())["volumes"]["user_uploads"] or {}
    return dict(found.get("driver_opts", {}))


def kept(project: Project) -> None:
    """The upload is there, once the application answers again."""

    def there() -> bool:
        try:
            return project.get("/uploads/kept.txt") == (200, b"still here")
        except OSError:
            return False

    until(there)


def test_there_and_back(run: Run, install: Path, disk: Disk) -> None:  # noqa: ARG001, F811
    project = run(new_name())
    assert scaffold(["new", str(project.folder), "-s", "flask", "--yes"]) == 0
    project.init()
    project.up()
    upload(project, "kept.txt", b"still here")
    copier.commit(project.folder)
    there = ["--project", str(project.folder), "--yes"]
    place = f"block:device={disk.name}"

    # What would leave the data behind is refused, and names the command that takes it along.
    assert scaffold(["add", "--place", f"user_uploads={place}", *there]) == 2
    assert scaffold(["volumes", "move", "user_uploads", "--place", place, "--dry-run", *there]) == 0
    assert (declared(project), options(project)) == ({}, {})
    disk.detach()
    assert scaffold(["volumes", "move", "user_uploads", "--place", place, *there]) == 3
    assert (declared(project), options(project)) == ({}, {}), "a disk that is not there takes nothing"
    kept(project)
    disk.attach()
    assert scaffold(["volumes", "move", "user_uploads", "--place", place, *there]) == 0
    assert options(project) == declared(project) == {"type": "ext4", "device": str(disk.name)}
    kept(project)
    assert project.ops("status", ok=False).returncode in {0, 1}
    copier.commit(project.folder)
    project.up()
    assert options(project)["device"] == str(disk.name)

    assert scaffold(["volumes", "move", "user_uploads", "--place", "local", *there]) == 0
    assert (declared(project), options(project)) == ({}, {})
    kept(project)
