"""`scaffold volumes rm` and `prune`: what may go, what stays whatever is said, and what is in between."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scaffold.cli.volumes import removing
from scaffold.engine.connect import Engine
from tests.engine.backup import keeper
from tests.engine.conftest import Make, Run, new_name
from tests.engine.test_volumes import Create, create  # noqa: F401 (a fixture)
from tests.support import copier, sockets
from tests.support.cli import Result, Runner
from tests.support.running import Project
from tools.examples import ROOT

pytestmark = pytest.mark.engine

WRITE = "open('/things/note', 'w').write('kept')"
READ = "print(open('/things/note').read(), end='')"
Remove = Callable[..., Result]
Filled = Callable[[], tuple[Project, str]]


@pytest.fixture
def rm(scaffold: Runner) -> Remove:
    """Remove volumes of a project, or prune it."""

    def rm(project: Project, *names: str, verb: str = "rm") -> Result:
        return scaffold("volumes", verb, *names, "--project", project.folder)

    return rm


def held(*names: str) -> list[str]:
    """Those of the names that the engine still holds."""
    known = keeper.run(["docker", "volume", "ls", "--quiet"]).split()
    return [name for name in names if name in known]


@pytest.fixture
def filled(make: Make, create: Create) -> Callable[[], tuple[Project, str]]:  # noqa: F811
    """A project that is down, and its volume with something in it."""

    def filled() -> tuple[Project, str]:
        project = keeper.project(make)
        volume = create(f"{project.name}_things", project.name, "things")
        keeper.python(volume, WRITE)
        return project, volume

    return filled


def saved(project: Project) -> None:
    # Sets say in whole seconds when they were begun: what is written in that second may be missing.
    time.sleep(1)
    project.ops("backup")
    project.ops("verify")


def write_after_saving(project: Project, volume: str) -> None:
    saved(project)
    keeper.python(volume, WRITE)


def test_content_goes_only_when_a_verified_backup_has_it(filled: Filled, rm: Remove) -> None:
    project, volume = filled()
    for step, why in (
        (lambda: None, "no backup set holds it"),
        (lambda: project.ops("backup"), "no backup set was verified"),
        (lambda: write_after_saving(project, volume), "after set"),
    ):
        step()
        refused = rm(project, "things", "--yes")
        assert (refused.code, held(volume)) == (2, [volume]), refused.err
        assert why in refused.err
    saved(project)
    looked = rm(project, "things", "--dry-run")
    assert (looked.code, held(volume)) == (0, [volume])
    assert f"{volume}  would be removed" in looked.out
    assert "then\tthe next `up` makes it anew, empty" in looked.out
    nobody = rm(project, "things")
    assert (nobody.code, f"rm {volume} --project {project.folder} --yes" in nobody.err, held(volume)) == (
        2,
        True,
        [volume],
    )
    done = rm(project, "things", "--yes")
    assert (done.code, held(volume)) == (0, []), done.err
    again = rm(project, "things", "--yes")
    assert (again.code, "the engine has none" in again.err) == (2, True)
    project.ops("restore", "latest")
    assert keeper.python(volume, READ) == "kept"


def test_a_set_that_was_damaged_after_it_was_verified(filled: Filled, rm: Remove) -> None:
    project, volume = filled()
    saved(project)
    stored = next(project.folder.glob("backups/*/*/things/content.tar*"))
    stored.write_bytes(stored.read_bytes()[:-1] + b"?")
    refused = rm(project, "things", "--yes")
    assert (refused.code, held(volume)) == (2, [volume])
    assert "is not good any more" in refused.err


def test_force_removes_what_is_in_no_backup(filled: Filled, rm: Remove) -> None:
    project, volume = filled()
    looked = rm(project, "things", "--force", "--dry-run")
    assert "lost: no backup set holds it" in looked.err
    assert (rm(project, "things", "--force", "--yes").code, held(volume)) == (0, [])


def test_what_a_container_mounts_stays(make: Make, rm: Remove) -> None:
    project = keeper.project(make)
    project.up("keeper")
    volume = f"{project.name}_things"
    for _ in ("running", "exited"):
        refused = rm(project, "things", "--force", "--yes")
        assert (refused.code, held(volume)) == (2, [volume])
        assert f"`{project.name}-keeper-1` mounts it" in refused.err
        project.compose("stop")
    project.compose("down")
    other = new_name()
    keeper.run(["docker", "create", "--name", other, "--volume", f"{volume}:/x", keeper.IMAGE])
    try:
        refused = rm(project, "things", "--force", "--yes")
        assert (refused.code, f"`{other}` mounts it (created)" in refused.err) == (2, True)
    finally:
        keeper.run(["docker", "rm", other])
    assert held(volume) == [volume]


def test_nothing_of_another_project_is_ever_removed(
    make: Make,
    create: Create,  # noqa: F811
    rm: Remove,
) -> None:
    me, other = keeper.project(make), new_name()
    foreign = {
        create(f"{other}_x", me.name): "a label that says this project",
        create(f"{other}_y", me.name, "y"): "and a key",
        create(f"{me.name}_a", other, "a"): "a name that this project could have given",
        create(f"{me.name}_redis_data"): "the name that its file declares, and no label",
        create(f"{me.name}_b_c", f"{me.name}_b", "c"): "another project's name for what could be `b_c` here",
        create(f"{other}_z-before-1-2", "", "", f"--label=ops.safety={me.name}_things"): "a forged safety copy",
    }
    for name in foreign:
        for verb in ("rm", "prune"):
            refused = rm(me, name, "--force", "--yes", verb=verb)
            assert refused.code == (1 if verb == "prune" and "refused:" in refused.err else 2), (name, refused.err)
    pruned = rm(me, "--force", "--dry-run", verb="prune")
    assert "would be removed" not in pruned.out
    assert held(*foreign) == list(foreign)


@pytest.mark.usefixtures("install")
def test_prune_after_remove_loses_nothing_without_a_verified_backup(run: Run, scaffold: Runner) -> None:
    project = run(new_name())
    assert scaffold("new", project.folder, "-s", "redis", "-s", "mongo", "--yes").code == 0
    project.init()
    project.up("redis")
    volume = f"{project.name}_redis_data"
    keeper.python(volume, WRITE)
    project.compose("down")
    copier.commit(project.folder)
    assert scaffold("remove", "redis", "--project", project.folder, "--yes").code == 0

    def prune(*more: str) -> Result:
        return scaffold("volumes", "prune", *more, "--project", project.folder)

    for asked in ((), ("--dry-run",), (volume, "--yes")):
        kept = prune(*asked)
        assert (kept.code, held(volume)) == (1, [volume]), kept.err
        assert "no backup set holds it" in kept.err
    unnamed = prune("--yes", "--force")
    assert (unnamed.code, "needs the names" in unnamed.err, held(volume)) == (2, True, [volume])
    saved(project)
    said = prune(volume, "--yes", "--json")
    assert (said.code, said.document["removed"], held(volume)) == (0, [volume], []), said.err
    project.ops("restore", "latest")
    assert keeper.python(volume, READ) == "kept"
    assert "after set" in prune("--dry-run").err, "what a restore writes is a change as well"
    keeper.run(["docker", "volume", "rm", volume])
    nothing = prune()
    assert (nothing.code, "nothing to prune" in nothing.err) == (0, True)


def test_what_a_restore_put_aside_is_no_leftover(filled: Filled, rm: Remove) -> None:
    project, volume = filled()
    saved(project)
    keeper.python(volume, "open('/things/note', 'w').write('newer')")
    project.ops("restore", "latest", "--replace")
    safety = next(
        name for name in keeper.run(["docker", "volume", "ls", "-q"]).split() if name.startswith(f"{volume}-")
    )
    assert "nothing to prune" in rm(project, "--force", verb="prune").err
    refused = rm(project, safety, "--yes")
    assert (refused.code, "held before a restore or a move" in refused.err, held(safety)) == (2, True, [safety])
    assert (rm(project, safety, "--yes", "--force").code, held(safety, volume)) == (0, [volume])


def test_a_volume_that_was_made_anew_meanwhile_stays(
    filled: Filled, rm: Remove, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, volume = filled()
    saved(project)
    asked = removing._asked

    def meanwhile(*given: Any) -> Any:
        keeper.run(["docker", "volume", "rm", volume])
        keeper.run(["docker", "volume", "create", volume])
        return asked(*given)

    monkeypatch.setattr(removing, "_asked", meanwhile)
    failed = rm(project, "things", "--yes")
    assert (failed.code, held(volume)) == (3, [volume]), failed.err
    assert "not as it was shown" in failed.err


def three(create: Create, project: Project) -> list[str]:  # noqa: F811
    return [create(f"{project.name}_v{number}", project.name, f"v{number}") for number in range(3)]


def test_an_interrupted_removal_says_what_is_gone(
    make: Make,
    create: Create,  # noqa: F811
    rm: Remove,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = keeper.project(make)
    names = three(create, project)
    remove = Engine.remove

    def interrupted(self: Engine, name: str) -> None:
        if name == names[1]:
            raise KeyboardInterrupt
        remove(self, name)

    monkeypatch.setattr(Engine, "remove", interrupted)
    result = rm(project, *names, "--yes")
    assert result.code == 130
    assert f"removed {names[0]}; {names[1]} may be gone, 1 more stay" in result.err
    assert held(*names) == names[1:]


def test_an_engine_that_goes_away(
    make: Make,
    create: Create,  # noqa: F811
    rm: Remove,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    project = keeper.project(make)
    names = three(create, project)
    remove = Engine.remove
    with sockets.left_open(), sockets.forwarded("/var/run/docker.sock", tmp_path / "engine.sock") as stop:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path / 'engine.sock'}")

        def last(self: Engine, name: str) -> None:
            remove(self, name)
            stop()

        monkeypatch.setattr(Engine, "remove", last)
        result = rm(project, *names, "--yes")
        refused = rm(project, names[1], "--yes")
    assert result.code == 1
    assert result.err.count("no Docker engine in reach") == 2, result.err
    assert (refused.code, "no Docker engine in reach" in refused.err) == (3, True)
    monkeypatch.delenv("DOCKER_HOST")
    assert held(*names) == names[1:]


def test_two_removals_at_once(make: Make, create: Create) -> None:  # noqa: F811
    """Each volume is removed by one of them, and the other one is not told that it did it."""
    project = keeper.project(make)
    names = three(create, project)
    command = [sys.executable, "-m", "scaffold", "volumes", "rm", *names, "--yes", "--json", "--project"]
    runs = [
        subprocess.Popen([*command, str(project.folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
        for _ in range(2)
    ]
    said = [run.communicate()[0] for run in runs]
    removed = [name for each in said if each for name in json.loads(each)["removed"]]
    assert (sorted(removed), held(*names)) == (names, []), said
