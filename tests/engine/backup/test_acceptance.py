"""Written under load, backed up, destroyed, restored on an emptied engine, and compared, for every store."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.engine.backup import keeper, load
from tests.engine.conftest import Make, Run, new_name
from tests.engine.test_faiss_worker import content, pending, search
from tests.support import notebook
from tests.support.running import OWN_SERVICE, Project, until

pytestmark = pytest.mark.engine


@dataclass(frozen=True)
class Case:
    """A project in which several stores come together, and how each of its volumes is backed up."""

    answers: dict[str, object]
    stores: list[str]
    methods: dict[str, str]
    beside: bool = False  # started a second time, from the same set beside the first; else drilled


CASES = {
    "own": Case(
        {"services": ["flask", "postgres", "chroma", "mlflow"], "mlflow_runs": "own"},
        ["postgres", "chroma", "mlflow", "uploads"],
        {
            "postgres_data": "dump",
            "chroma_data": "stop",
            "mlflow_data": "pause",
            "mlflow_artifacts": "pause",
            "user_uploads": "pause",
        },
        beside=True,
    ),
    "index": Case(
        {"services": ["fastapi", "faiss-worker"]},
        ["uploads"],
        {"user_uploads": "pause", "vector_store": "pause"},
    ),
    "mlops": Case(
        {"services": ["mlflow", "postgres", "seaweedfs"]},
        ["mlflow", "seaweedfs"],
        {"postgres_data": "dump", "seaweedfs_data": "stop"},
    ),
}


# In the folder of the experiment that is written to: tar lists a folder before it copies what is in there.
BALLAST = """
import os
owner = os.stat("/things")
os.makedirs("/things/1")
os.chown("/things/1", owner.st_uid, owner.st_gid)
with open("/things/1/ballast", "wb") as file:
    for _ in range(512): file.write(os.urandom(1 << 20))
"""


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_was_acknowledged_comes_back_whole(make: Make, run: Run, case: Case) -> None:
    project = started(make, case)
    if "mlflow_artifacts" in case.methods:
        # So that copying takes a while: were nobody kept still, runs would end after it whose files it does not have.
        keeper.python(f"{project.name}_mlflow_artifacts", BALLAST)
    with load.on(project, case.stores) as writers:
        before = {store: each.last for store, each in writers.items()}
        made = json.loads(project.ops("backup", "--json").stdout)
        after_backup = {store: each.last for store, each in writers.items()}
    after = {store: each.last for store, each in writers.items()}
    assert all(after_backup[store] > before[store] for store in case.stores), "nobody wrote meanwhile"
    assert {item["volume"]: method(item) for item in made["items"] if item["state"] == "stored"} == case.methods
    project.ops("verify", "--deep", made["set"])

    project.compose("down")
    project.run("docker", "volume", "rm", *project.volumes())
    project.ops("restore", made["set"])
    project.up()
    holds(project, case, before, after)
    assert project.volumes() == project.declared()

    if not case.beside:
        project.ops("drill", made["set"])
        return
    other = beside(project, run)
    project.ops("restore", made["set"], "--to-project", other.name)
    other.up()
    holds(other, case, before, after)


def method(item: dict[str, Any]) -> str:
    """How a volume was backed up; a busy kernel may have refused to pause, and then it was stopped."""
    refused = any("cannot pause" in warning for warning in item["warnings"])
    return "pause" if refused and item["method"] == "stop" else str(item["method"])


def started(make: Make, case: Case) -> Project:
    project = make(**case.answers)
    project.init()
    if project.application == OWN_SERVICE:
        services = case.answers["services"]
        assert isinstance(services, list)
        notebook.add(project, services)
    project.up()
    return project


def holds(project: Project, case: Case, before: dict[str, int], after: dict[str, int]) -> None:
    """What was acknowledged before the backup is there, in one piece up to where the backup found it."""
    for store in case.stores:
        numbers = load.read(project, store)
        assert numbers == list(range(len(numbers))), store
        # The last one may have been written and not acknowledged any more.
        assert before[store] < len(numbers) <= after[store] + 2, store
    if "vector_store" in case.methods:
        found = content(project)
        assert found["files"] == found["pieces"]
        assert found["vectors"] == sum(found["pieces"].values())
        until(lambda: pending(project) == [])
        assert search(project, "note 3")


def beside(project: Project, run: Run) -> Project:
    """A second copy of the project's folder, under another name and on other ports."""
    other = run(new_name())
    shutil.copytree(project.folder, other.folder, ignore=shutil.ignore_patterns("backups", ".ops"), symlinks=True)
    with Path(other.folder / ".env").open("a") as file:
        file.write(f"\nCOMPOSE_PROJECT_NAME={other.name}\n")
    other.free_ports()
    return other
