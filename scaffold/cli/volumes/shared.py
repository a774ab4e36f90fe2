"""What the verbs of `scaffold volumes` have in common: their options, and what they look at."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scaffold.cli import console, options
from scaffold.errors import ScaffoldError

if TYPE_CHECKING:
    from scaffold.engine.backups import Backups
    from scaffold.engine.connect import Engine
    from scaffold.engine.known import Known
    from scaffold.engine.rows import Row
    from scaffold.engine.state import State

ROOT = "compose.yaml"
_FIRST_LINE, _LONGEST_PAUSE = 1.0, 60.0  # seconds
NO_OPS = "the project's folder, or its `ops`, is not in reach, or is not yours"

project = click.option(
    "--project", metavar="PROJECT", help="A folder, or the name of a Compose project.  [default: this folder's]"
)
places = (
    click.option("--to", metavar="DIR", help="Where the backup sets are, as given to `ops backup`."),
    click.option("--repository", metavar="restic:REPO", help="The repository with the backup sets."),
)


def removing(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every verb that removes."""
    for option in reversed(
        [
            project,
            *places,
            options.dry_run,
            click.option("--yes", is_flag=True, help="Do not ask for the names again."),
            click.option("--force", is_flag=True, help="Remove what is in no verified backup, too. It is lost."),
            options.as_json,
        ]
    ):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class View:
    """One project on its engine. `ops` is the folder whose `ops` may be run; None where there is none."""

    engine: Engine
    state: State
    known: Known
    ops: Path | None
    others: list[Known]
    rows: list[Row]

    def row(self, name: str) -> Row:
        """A volume by the engine's name for it, or by its key. Raises ScaffoldError."""
        from scaffold.cli.volumes import unknown

        found = [row for row in self.rows if row.name == name] or [row for row in self.rows if row.key == name]
        if len(found) > 1:
            names = ", ".join(f"`{row.name}`" for row in found)
            raise ScaffoldError(f"`{name}` could be several volumes", names, "say the name that the engine has for it")
        if found:
            return found[0]
        held = self.state.volumes.get(name)
        if held is not None:
            whose = f"it is of project `{held.project}`, by its label" if held.project else "it is of no project"
            fix = f"--project {held.project}" if held.project else ""
            raise ScaffoldError(f"volume `{name}` is not of project `{self.known.name}`", whose, fix)
        raise unknown(name, sorted({row.name for row in self.rows} | {row.key for row in self.rows if row.key}))


@contextmanager
def connected() -> Iterator[Engine]:
    """The engine that the user's context leads to."""
    from scaffold.engine import connect
    from scaffold.engine.context import address

    with connect.engine(address(os.environ, Path.home())) as engine:
        yield engine


def view(engine: Engine, named: str | None) -> View:
    """A project, by its folder or name, on an engine. Raises ScaffoldError when there is none of that name."""
    from scaffold.engine import known, rows

    folder = None if named is None else folder_of(named)
    if named is None:
        folder = enclosing(Path.cwd())
    state = engine.state()
    if folder is not None:
        this = known.in_folder(folder, os.environ)
        if named and named != this.name and Path(named).name == named and named in _projects(state):
            raise ScaffoldError(
                f"`{named}` could be two projects",
                f"the one in the folder {folder} is called `{this.name}`, and the engine has one called `{named}`",
                f"the first: ./{named}; for the second, call this from another folder",
            )
    else:
        this = _by_name(state, str(named))
    return View(
        engine, state, this, programs(this, chosen=folder is not None), known.others(state, this),
        rows.of_project(this, state),
    )  # fmt: skip


def everything(engine: Engine) -> tuple[State, list[Known], Known | None]:
    """The engine, the projects that are known, and which of them is that of this folder."""
    from scaffold.engine import known

    state = engine.state()
    try:
        this = known.in_folder(enclosing(Path.cwd()), os.environ)
    except ScaffoldError:
        this = None
    return state, [*([this] if this else []), *known.others(state, this)], this


def folder_of(named: str) -> Path | None:
    """The project's folder that somebody named; None when it can only be a project's name. Raises ScaffoldError."""
    path = Path(named).expanduser()
    if (path / ROOT).is_file():
        return path.absolute()
    if "/" in named or named.startswith((".", "~")):
        raise ScaffoldError(f"there is no project in {named}", f"it has no {ROOT}")
    return None


def enclosing(start: Path) -> Path:
    """The project's folder that a folder lies in. Raises ScaffoldError when there is none."""
    from scaffold.project.existing import ANSWERS_FILE

    for marks in ((ANSWERS_FILE, ROOT), (ROOT,)):
        for folder in (start, *start.parents):
            if all((folder / mark).is_file() for mark in marks):
                return folder
    raise ScaffoldError(
        f"{start} is in no project",
        f"there is no {ROOT} in it, nor in a folder above",
        "go to a project's folder, name one, or see all: scaffold volumes --all",
    )


def _projects(state: State) -> set[str]:
    found = {each.project for each in state.containers} | {each.project for each in state.volumes.values()}
    return found - {""}


def _by_name(state: State, name: str) -> Known:
    """A project that the engine knows, with the one folder that its containers name. Raises ScaffoldError."""
    from scaffold.engine.known import Known, by_label
    from scaffold.errors import closest

    if name not in _projects(state):
        near = closest(name, _projects(state)) if _projects(state) else "scaffold volumes --all"
        raise ScaffoldError(f"there is no project `{name}`: no such folder, and the engine knows none", fix=near)
    folders = {each.folder for each in state.containers if each.project == name and each.folder}
    # With two folders under one name, neither speaks for the project.
    return by_label(name, Path(folders.pop())) if len(folders) == 1 else Known(name)


def programs(known: Known, *, chosen: bool) -> Path | None:
    """The project's folder, if its `ops` may be run: the user chose the folder, or owns what is in it.

    The label of a container may name any folder.
    """
    folder = known.folder
    if folder is None or known.project is None:
        return None
    try:
        owners = {(folder / name).stat().st_uid for name in (".", "ops", "ops/__main__.py")}
    except OSError:
        return None
    return folder if chosen or not hasattr(os, "geteuid") or owners <= {os.geteuid()} else None


def backups_of(known: Known, ops: Path | None, to: str | None = None, repository: str | None = None) -> Backups:
    """The backup sets of a project, told by its own `ops`, in the folder `ops`."""
    from scaffold.engine.backups import Backups, read
    from scaffold.project.ops import ask

    if ops is None:
        return Backups(reason=NO_OPS)
    document, why = ask(ops, "list", *sets_in(to, repository))
    found = read(document if document and "sets" in document else None)
    if found.reason:
        return Backups(reason=why or found.reason)
    if found.project != known.name:
        return Backups(reason=f"its `ops` takes it for project `{found.project}`")
    return found


def sets_in(to: str | None, repository: str | None) -> list[str]:
    """The options with which `ops` finds the sets."""
    return [*(["--to", to] if to else []), *(["--repository", repository] if repository else [])]


def measuring(engine: Engine, count: int) -> dict[str, int]:
    """The sizes of the engine's volumes, with a line now and then while it counts."""
    import threading

    done = threading.Event()

    def tell() -> None:
        began, pause = time.monotonic(), _FIRST_LINE
        while not done.wait(pause):
            console.note(f"the engine measures {count} volumes … {time.monotonic() - began:.0f} s")
            pause = min(pause * 2, _LONGEST_PAUSE)

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        return engine.sizes()
    finally:
        done.set()
        teller.join()
