"""`scaffold volumes` on an engine with two projects, an orphan, a retired, an anonymous and a foreign volume."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.backup import keeper
from tests.engine.conftest import Make, new_name
from tests.support.cli import Runner
from tests.support.running import Project

pytestmark = pytest.mark.engine

Create = Callable[..., str]
PROJECT, VOLUME = "com.docker.compose.project", "com.docker.compose.volume"


@pytest.fixture
def create(docker: dict[str, str]) -> Iterator[Create]:
    """Make a volume with labels of Compose; it goes at the end."""
    assert docker is not None
    made: list[str] = []

    def create(name: str, project: str = "", key: str = "", *options: str) -> str:
        labels = [f"--label={label}={said}" for label, said in ((PROJECT, project), (VOLUME, key)) if said]
        made.append(keeper.run(["docker", "volume", "create", *labels, *options, name]).strip())
        return made[-1]

    yield create
    subprocess.run(["docker", "volume", "rm", *made], capture_output=True, check=False)


def with_anonymous(make: Make) -> Project:
    """A project whose keeper has a volume of a name, and one without."""
    mounts = ["things:/things", "/scratch"]
    service = {"image": keeper.IMAGE, "command": ["sleep", "infinity"], "init": True, "volumes": mounts}
    project = keeper.project(make, services={"keeper": service})
    project.up("keeper")
    return project


def stopped(make: Make) -> Project:
    """A project whose containers are there and do not run."""
    project = keeper.project(make)
    project.up("keeper")
    project.compose("stop")
    return project


def rows(document: dict[str, Any], name: str) -> dict[str, dict[str, Any]]:
    """The volumes of a project in a document, by the engine's name."""
    found = [each for each in document["projects"] if each["project"] == (name or None)]
    assert len(found) <= 1
    return {row["name"]: row for each in found for row in each["volumes"]}


def test_two_projects_and_what_else_an_engine_holds(make: Make, create: Create, scaffold: Runner) -> None:
    me, you, gone = with_anonymous(make), stopped(make), new_name()
    retired = create(f"{me.name}_old", me.name, "old")
    orphan, foreign = create(f"{gone}_data", gone, "data"), create(f"{me.name}-of-nobody")
    stolen = create(f"{me.name}_redis_data", gone, "redis_data")
    keeper.python(f"{me.name}_things", "open('/things/note', 'wb').write(b'x' * 5_000_000)")
    me.ops("backup", "--only", "things")
    me.ops("verify")

    mine = rows(scaffold("volumes", me.folder, "--json", "--sizes").document, me.name)
    anonymous = next(name for name in mine if len(name) == 64)
    status = {name: (row["status"], row["attached"]) for name, row in mine.items()}
    assert status == {
        stolen: ("foreign", "detached"),
        f"{me.name}_things": ("present", "running"),
        retired: ("retired", "detached"),
        anonymous: ("anonymous", "running"),
    }
    things = mine[f"{me.name}_things"]
    assert things["size"] >= 5_000_000
    assert (things["owner"], things["writers"], things["readers"], things["drift"]) == ("keeper", ["keeper"], [], [])
    assert things["last_backup"]["verified"] is True
    assert things["last_drill"] is None
    assert mine[anonymous]["made_by"] == "keeper"
    assert f"of project `{gone}`" in mine[stolen]["drift"][0]
    shown = scaffold("volumes", me.folder)
    assert shown.code == 1
    assert f"drift: redis_data: the engine has it of project `{gone}`" in shown.err
    assert "things\tpresent\trunning\tfiles\tkeeper\tkeeper\t-\t" in shown.out

    everything = scaffold("volumes", "--all", "--json").document
    assert rows(everything, me.name).keys() == mine.keys()
    yours = rows(everything, you.name)
    assert yours[f"{you.name}_things"]["attached"] == "stopped"
    assert yours[f"{you.name}_redis_data"]["status"] == "absent"
    assert rows(everything, gone)[orphan]["status"] == "orphan"
    assert rows(everything, "")[foreign]["status"] == "other"
    listed = [row["name"] for each in everything["projects"] for row in each["volumes"]]
    counted = {name: listed.count(name) for name in listed if name.startswith(me.name)}
    assert counted == {f"{me.name}_things": 1, retired: 1, foreign: 1, stolen: 2}


def test_a_project_is_named_by_folder_or_by_name(
    make: Make, create: Create, scaffold: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    me, gone = keeper.project(make), new_name()
    me.up("keeper")
    create(f"{gone}_data", gone, "data")
    wanted = rows(scaffold("volumes", me.folder, "--json").document, me.name)
    for named in ((me.name,), ("--project", me.name), ("--project", me.folder)):
        assert rows(scaffold("volumes", *named, "--json").document, me.name) == wanted, named
    monkeypatch.chdir(me.folder / "ops")
    assert rows(scaffold("volumes", "--json").document, me.name) == wanted
    assert rows(scaffold("volumes", gone, "--json").document, gone).keys() == {f"{gone}_data"}
    monkeypatch.chdir(me.folder.parent)
    nobody = scaffold("volumes", gone[:-1])
    assert (nobody.code, f"`{gone}`" in nobody.err) == (2, True)
    nowhere = scaffold("volumes")
    assert (nowhere.code, "--all" in nowhere.err) == (2, True)
    # A folder of that name whose project is called otherwise.
    (me.folder.parent / gone).mkdir()
    (me.folder.parent / gone / "compose.yaml").write_text("name: another\n")
    both = scaffold("volumes", gone)
    assert (both.code, "could be two projects" in both.err) == (2, True)
    assert scaffold("volumes", f"./{gone}", "--json").document["projects"][0]["project"] == "another"


@pytest.mark.usefixtures("docker")
@pytest.mark.parametrize("verb", ["inspect", "rm", "prune"])
def test_a_project_called_like_a_verb(scaffold: Runner, workplace: Path, verb: str) -> None:
    (workplace / verb).mkdir()
    (workplace / verb / "compose.yaml").write_text(f"name: {verb}-{new_name()}\nvolumes: {{data: }}\n")
    for named in (("--project", verb), (f"./{verb}",)):
        assert scaffold("volumes", *named, "--json").document["projects"][0]["project"].startswith(verb)
    late = scaffold("volumes", "--json", verb)
    assert (late.code, f"--project {verb}" in late.err) == (2, True)


def test_the_engine_is_asked_as_often_for_many_volumes_as_for_one(
    make: Make, create: Create, scaffold: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    import docker as sdk

    me = keeper.project(make)
    me.up("keeper")
    asked: list[str] = []
    send = sdk.APIClient.send

    def counted(self: Any, request: Any, **more: Any) -> Any:
        asked.append(request.path_url)
        return send(self, request, **more)

    monkeypatch.setattr(sdk.APIClient, "send", counted)

    def calls() -> tuple[list[str], int]:
        asked.clear()
        found = rows(scaffold("volumes", me.folder, "--json", "--sizes").document, me.name)
        return list(asked), len(found)

    few, before = calls()
    for number in range(30):
        create(f"{me.name}_v{number}", me.name, f"v{number}")
    many, after = calls()
    assert after == before + 30
    assert [path.split("?")[0] for path in many] == [path.split("?")[0] for path in few]
    assert len(many) == 4, "its version, volumes, containers, sizes"


@pytest.mark.usefixtures("workplace")
def test_everything_about_one_volume(make: Make, scaffold: Runner) -> None:
    me = keeper.project(make)
    me.up("keeper")
    volume = f"{me.name}_things"
    code = "import os; os.makedirs('/things/big/deep/er'); open('/things/big/deep/er/f', 'wb').write(b'x' * 3_000_000)"
    keeper.python(volume, f"{code}; os.mkdir('/things/small')")
    for name in ("things", volume):
        said = scaffold("volumes", "inspect", name, "--project", me.folder, "--json").document
        assert said["name"] == volume
        assert said["content"]["entries"] == 5
        folders = {each["path"]: each["size"] for each in said["content"]["folders"]}
        assert list(folders)[:2] == ["big", "big/deep"] or list(folders)[:2] == ["big/deep", "big"]
        assert folders["big"] >= 3_000_000 > folders["small"]
        assert said["labels"][PROJECT] == me.name
        assert said["containers"][0]["state"] == "running"
    shown = scaffold("volumes", "inspect", "things", "--project", me.folder)
    assert shown.code == 0, shown.err
    for line in (
        "responsibility\tThings of every kind\n",
        f"{me.name}-keeper-1\trunning\t/things\trw\n",
        "\tbig/deep\n",
    ):
        assert line in shown.out
    absent = scaffold("volumes", "inspect", "redis_data", "--project", me.folder)
    assert (absent.code, "status\tabsent" in absent.out) == (0, True)
    elsewhere = scaffold("volumes", "inspect", volume, "--json").document
    assert (elsewhere["status"], elsewhere["content"]["entries"]) == ("present", 5), "from outside every project"
    typo = scaffold("volumes", "inspect", "thinks", "--project", me.folder)
    assert (typo.code, "`things`" in typo.err) == (2, True)


def test_a_folder_of_somebody_elses_runs_no_program(make: Make, scaffold: Runner) -> None:
    """A container's label may name any folder, and `ops` of it is a program."""
    me = keeper.project(make)
    me.up("keeper")
    (me.folder / "ops/__main__.py").write_text("open('ran', 'w')")
    os.chown(me.folder / "ops/__main__.py", 65534, 65534)
    found = rows(scaffold("volumes", "--all", "--json").document, me.name)
    assert found[f"{me.name}_things"]["status"] == "present"
    me.compose("stop")
    refused = scaffold("volumes", "rm", "redis_data", "things", "--project", me.name, "--dry-run", "--json")
    assert json.loads(refused.out)["volumes"][0]["removable"] is False
    assert not (me.folder / "ran").exists()
