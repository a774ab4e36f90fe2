"""A new machine, a clone and one set: the commands that the project's README prints bring everything back."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.engine.backup import load
from tests.engine.conftest import Make
from tests.support.running import Project

pytestmark = pytest.mark.engine

STORES = ["postgres", "redis", "uploads"]


def test_with_the_old_secrets_and_without(make: Make, tmp_path: Path) -> None:
    project = make(services=["flask", "postgres", "redis"])
    project.init()
    project.up()
    with load.on(project, STORES) as writers:
        before = {store: each.last for store, each in writers.items()}
        made = json.loads(project.ops("backup", "--json").stdout)
    after = {store: each.last for store, each in writers.items()}
    # What survives: what was committed, one set, and perhaps a copy of what git ignores.
    set = shutil.copytree(made["path"], tmp_path / "set")
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copytree(project.folder / "secrets", copy / "secrets")
    shutil.copy2(project.folder / ".env", copy / ".env")
    repository = committed(project, tmp_path / "repository")
    empty(project)
    shutil.rmtree(project.folder)

    project.folder = tmp_path / "without" / project.name
    recover(project, repository, set, None)
    assert secret(project) != (copy / "secrets/postgres_password").read_text()
    holds(project, before, after)
    empty(project)

    project.folder = tmp_path / "with" / project.name
    recover(project, repository, set, copy)
    assert secret(project) == (copy / "secrets/postgres_password").read_text()
    holds(project, before, after)


def secret(project: Project) -> str:
    return (project.folder / "secrets/postgres_password").read_text()


def committed(project: Project, place: Path) -> Path:
    """A repository of the project, with what git does not ignore."""
    project.run("git", "init", "--quiet", "--initial-branch", "main")
    project.run("git", "add", "--all")
    project.run("git", "commit", "--quiet", "--message", "everything")
    project.run("git", "clone", "--quiet", "--bare", ".", str(place))
    return place


def empty(project: Project) -> None:
    """Leave nothing of the project in the engine."""
    project.compose("down", "--volumes", "--rmi", "local")
    assert project.volumes() == set()


def recover(project: Project, repository: Path, set: Path, copy: Path | None) -> None:
    """Do what the README says, line by line; `copy` holds the secrets that were not lost."""
    readme = repository.parent / "README.md"
    readme.write_text(project_file(repository, "README.md"))
    block = re.search(r"## Disaster recovery.*?```sh\n(.*?)```", readme.read_text(), re.DOTALL)
    assert block
    place = project.folder.parent
    place.mkdir()
    for line in block[1].splitlines():
        command = line.partition("#")[0].strip()
        if command.startswith("git clone"):
            command = command.partition("&&")[0].replace("ADDRESS", str(repository))
        else:
            place = project.folder
        if command.startswith("cp ") and copy is None:
            continue
        command = command.replace("/path/to/copy", str(copy)).replace("/path/to/SET", str(set))
        assert "/path/to" not in command
        run = Project(place, project.name).run
        run("sh", "-euc", command)
        if command.endswith("ops init"):
            # As the README says: where `.env` was lost, ports are those of the example.
            project.free_ports()


def project_file(repository: Path, name: str) -> str:
    return Project(repository, "").run("git", "show", f"HEAD:{name}").stdout


def holds(project: Project, before: dict[str, int], after: dict[str, int]) -> None:
    for store in STORES:
        numbers = load.read(project, store)
        assert numbers == list(range(len(numbers))), store
        assert before[store] < len(numbers) <= after[store] + 2, store
    assert project.get("/links") == (200, {"postgres": {"ok": True}, "redis": {"ok": True}})
