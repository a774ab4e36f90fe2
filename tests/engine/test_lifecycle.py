"""What each command does to a volume. The rows here are those of docs/volume-lifecycle.md: it shows what ran."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from scaffold.project.render import render
from scaffold.project.source import Template
from tests.engine.conftest import Run, new_name
from tests.engine.volume_life import NAMED, OTHER, UNNAMED, Life
from tests.support.running import ANONYMOUS
from tools.examples import ROOT

pytestmark = pytest.mark.engine

PAGE = ROOT / "docs" / "volume-lifecycle.md"
REDIS = "services/redis/compose.yaml"

# What becomes of a volume, as the page says it, and what that means.
KEPT = "kept"
LEFT = "left behind"
EMPTIED = "**emptied**"
DELETED = "**deleted**"
MEANING = {
    KEPT: "the next `up` has it, with everything that was in it",
    LEFT: "it stays in the engine with everything in it, but the next `up` has a new, empty one",
    EMPTIED: "a new one of the same name is in its place; what was in it is gone",
    DELETED: "it is gone with what was in it; the next `up` makes a new, empty one",
}


@pytest.fixture(scope="module")
def rendered(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lifecycle") / "project"
    render(template, {"project_name": "the-name", "services": ["redis"]}, folder)
    return folder


@pytest.fixture
def life(rendered: Path, run: Run) -> Iterator[Life]:
    project = run(new_name())
    shutil.copytree(rendered, project.folder)
    life = Life(project, run)
    life.edit("name: the-name\n", f"name: {project.name}\n")
    project.init()
    life.up()
    life.mark()
    yield life
    life.remove()


@dataclass(frozen=True)
class Row:
    """A line of the page: what somebody does, and what becomes of the two volumes."""

    what: str
    named: str
    anonymous: str
    do: Callable[[Life], object]


def compose(*arguments: str) -> Callable[[Life], object]:
    return lambda life: life.project.compose(*arguments)


def again(life: Life) -> None:
    life.up()
    life.project.compose("restart", "--timeout", "5")
    life.project.compose("stop")
    life.project.compose("start")


def one_off(life: Life) -> None:
    """A container of `run` has an anonymous volume of its own: with `--rm` it goes, without it stays."""
    where = ["--no-deps", "-T", "--entrypoint", "grep", "redis", f" {UNNAMED} ", "/proc/self/mountinfo"]
    for flags, stays in ((["--rm"], False), ([], True)):
        [own] = re.findall(ANONYMOUS.pattern, life.project.compose("run", *flags, *where))
        assert own != life.volume(UNNAMED)
        assert life.exists(own) == stays


def drop_service(life: Life) -> None:
    """Take the service out of the file, and in again."""
    kept = {name: (life.project.folder / name).read_text() for name in ("compose.yaml", "compose.override.yaml")}
    life.edit(f"include:\n  - {REDIS}\n", "")
    (life.project.folder / "compose.override.yaml").write_text(OTHER)
    life.up("--remove-orphans")
    assert life.project.compose("ps", "--all", "--services").split() == ["other"]
    for name, text in kept.items():
        (life.project.folder / name).write_text(text)


def change(life: Life) -> None:
    before = life.container()
    life.edit("    stop_grace_period: 60s", "    environment:\n      MORE: x\n\n    stop_grace_period: 60s", REDIS)
    life.up()
    assert life.container() != before


def renew(life: Life) -> None:
    life.up("--renew-anon-volumes")


def force(life: Life) -> None:
    life.up("--force-recreate")


def rm_container(life: Life) -> None:
    life.docker("rm", "--force", life.container())


def rm_container_volumes(life: Life) -> None:
    life.docker("rm", "--force", "--volumes", life.container())


def prune_containers(life: Life) -> None:
    life.project.compose("stop")
    life.docker("container", "prune", "--force", "--filter", f"label=com.docker.compose.project={life.project.name}")


def down_twice(life: Life) -> None:
    life.project.compose("down")
    life.project.compose("down", "--volumes")


def rm_in_use(life: Life) -> None:
    for _ in range(2):
        for path in (NAMED, UNNAMED):
            assert "volume is in use" in life.docker("volume", "rm", life.volume(path), ok=False)
        life.project.compose("stop")


def rm_after_down(life: Life) -> None:
    volumes = life.volume(NAMED), life.volume(UNNAMED)
    life.project.compose("down")
    life.docker("volume", "rm", *volumes)


def prune_in_use(life: Life) -> None:
    life.prune()
    life.project.compose("stop")
    life.prune()


def prune_after_down(life: Life) -> None:
    life.project.compose("down")
    life.prune()


def rename_folder(life: Life) -> None:
    life.project.compose("down")
    life.project.move(life.project.folder.with_name("moved"))


def rename_project(life: Life) -> None:
    """Both names go from the engine at the end."""
    life.project.compose("down")
    folder, name = life.project.folder, f"{life.project.name}-renamed"
    life.edit(f"name: {life.project.name}\n", f"name: {name}\n")
    life.project = life.run(name)
    life.project.folder = folder


def rename_key(life: Life) -> None:
    life.edit("\n  redis_data:\n\n", "\n  redis_files:\n\n")
    life.edit("redis_data:/data", "redis_files:/data", REDIS)
    life.up()


def declared(body: str, *flags: str) -> Callable[[Life], object]:
    """Put something below the volume's key, and start."""

    def do(life: Life) -> None:
        life.edit("\n  redis_data:\n\n", f"\n  redis_data:\n    {body}\n\n")
        life.up(*flags)

    return do


LABELS = 'labels: {team: "ours"}'
OPTIONS = 'driver_opts: {type: tmpfs, device: tmpfs, o: "size=10m"}'
ROWS = [
    Row("`up` again, `restart`, `stop` and `start`", KEPT, KEPT, again),
    Row("`up` after a change of image, environment or ports", KEPT, KEPT, change),
    Row("`up --force-recreate`", KEPT, KEPT, force),
    Row("`up -V`, that is `--renew-anon-volumes`", KEPT, LEFT, renew),
    Row("`run`, with and without `--rm`", KEPT, KEPT, one_off),
    Row("`up --remove-orphans`, its service gone from the file", KEPT, LEFT, drop_service),
    Row("`rm --stop`", KEPT, LEFT, compose("rm", "--stop", "--force")),
    Row("`rm --stop -v`", KEPT, DELETED, compose("rm", "--stop", "--force", "--volumes")),
    Row("`docker rm -f CONTAINER`", KEPT, LEFT, rm_container),
    Row("`docker rm -f -v CONTAINER`", KEPT, DELETED, rm_container_volumes),
    Row("`docker container prune`, after `stop`", KEPT, LEFT, prune_containers),
    Row("`down`", KEPT, LEFT, compose("down")),
    Row("`down -v`", DELETED, DELETED, compose("down", "--volumes")),
    Row("`down`, and later `down -v`", DELETED, LEFT, down_twice),
    Row("`docker volume rm`, while a container has it, running or not: refused", KEPT, KEPT, rm_in_use),
    Row("`docker volume rm`, after `down`", DELETED, DELETED, rm_after_down),
    Row("`docker volume prune`, while a container has it, running or not", KEPT, KEPT, prune_in_use),
    Row("`docker volume prune` before engine 23.0, after `down`", DELETED, DELETED, prune_after_down),
    Row("another name or place of the folder", KEPT, LEFT, rename_folder),
    Row("another `name:` of the project", LEFT, LEFT, rename_project),
    Row("another name of the volume in `compose.yaml`", LEFT, KEPT, rename_key),
    Row("`labels:` for the volume, then `up` where nobody answers", KEPT, KEPT, declared(LABELS)),
    Row("`labels:` for the volume, then `up -y`", EMPTIED, LEFT, declared(LABELS, "--yes")),
    Row("`driver_opts:` for the volume, then `up -y`", EMPTIED, LEFT, declared(OPTIONS, "--yes")),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: re.sub(r"\W+", "-", row.what).strip("-"))
def test_it_does_what_the_page_says(life: Life, row: Row) -> None:
    before = {path: life.volume(path) for path in (NAMED, UNNAMED)}
    assert ANONYMOUS.fullmatch(before[UNNAMED])
    row.do(life)
    there = {path: volume for path, volume in before.items() if life.exists(volume)}
    marked = {path for path, volume in there.items() if life.marked(volume)}
    # What the user finds: that is what counts, and not what the engine holds.
    life.up()
    now = {path: life.volume(path) for path in before}
    found = {path: fate(path in there, path in marked, before[path] == now[path]) for path in before}
    assert found == {NAMED: row.named, UNNAMED: row.anonymous}


def test_volumes_are_made_for_what_is_mounted_and_nothing_else(life: Life) -> None:
    life.edit("\nvolumes:\n", "\nvolumes:\n  nobodys:\n\n")
    life.project.compose("down", "--volumes")
    named = f"{life.project.name}_redis_data"
    assert not life.exists(named)
    life.project.compose("create")
    assert life.volume(NAMED) == named
    assert ANONYMOUS.fullmatch(life.volume(UNNAMED))
    life.up()
    assert not life.exists(f"{life.project.name}_nobodys")
    # What the image has at that path gives a fresh volume its owner.
    assert life.project.compose("exec", "-T", "redis", "stat", "-c", "%U", NAMED).strip() == "redis"


def fate(there: bool, marked: bool, used: bool) -> str:
    """The word for it: was it there afterwards, with what was in it, and does the next `up` use it?"""
    if not there:
        return DELETED
    if not marked:
        return EMPTIED
    return KEPT if used else LEFT


def test_the_page_has_these_rows() -> None:
    text = PAGE.read_text()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    assert [row for row in rows if len(row) == 3][2:] == [[row.what, row.named, row.anonymous] for row in ROWS]
    assert [row for row in rows if len(row) == 2][2:] == [[word, meaning] for word, meaning in MEANING.items()]
