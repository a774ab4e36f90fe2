# Managed by scaffold: updates merge this file.
"""What is to be moved: from where, into which volume, and how that is made."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ops import docker
from ops.errors import OpsError
from ops.project import NAME
from ops.sets import archive
from ops.volumes import helper, made, place, presence, starting

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from ops.compose import Model
    from ops.docker import Volume
    from ops.project import Project

MEMORY = "tmpfs"
USAGE = "one of --from-project NAME, --volume NAME --into VOLUME, --folder DIR --into VOLUME, --anew VOLUME"


@dataclass
class Move:
    """One volume of this project and what gets into it; `source` is a volume's name or a folder of this machine."""

    source: str
    path: str  # of a folder in it, with a slash before it; or nothing
    key: str
    target: str  # its name in the engine
    how: made.Made
    there: bool
    was: made.Made | None = None  # of a volume that is made anew: how it is made now
    done: bool = False
    size: int = 0  # bytes to copy
    held: int = 0  # bytes in the target, if it holds anything

    @property
    def shown(self) -> str:
        """Name where it comes from."""
        return self.source + self.path


def make(this: Project, model: Model, options: argparse.Namespace) -> list[Move]:
    """Return what is asked for; what cannot be meant is refused, and a place that is not there."""
    moves = asked(this, model, options)
    anew = [each for each in moves if not each.done and (each.was or not each.there)]
    place.require({each.key: each.how.options for each in anew if each.how.driver == made.LOCAL})
    return moves


def asked(this: Project, model: Model, options: argparse.Namespace) -> list[Move]:
    """Return what the options mean."""
    ways = [each for each in (options.from_project, options.volume, options.folder, options.anew) if each is not None]
    if len(ways) != 1:
        raise OpsError("what is to be moved?", fix=USAGE)
    volumes = docker.volumes()
    if options.from_project is not None:
        return rescued(this, model, volumes, options.from_project, options.only)
    if options.anew is not None:
        return [anew(this, model, options)]
    if not options.into:
        raise OpsError("into which volume?", fix="name one that `compose.yaml` declares: --into VOLUME")
    if options.folder is not None:
        source = folder(this, options.folder)
    else:
        source = volume_named(this, model, volumes, options.volume)
    inner = f"/{archive.wanted(options.path).rstrip('/')}" if options.path is not None else ""
    return [move(this, model, volumes, source, options.into, path=inner)]


def move(this: Project, model: Model, volumes: Sequence[Volume], source: str, key: str, *, path: str = "") -> Move:
    """Return the move of one source into one volume."""
    target = declared(model, key)
    how = made.wanted(model, key, this.name)
    refuse_memory(how, target)
    if not presence.is_folder(source):
        refuse_memory(made.look(source), source)
    if source == target:
        raise OpsError(f"volume `{key}` cannot be moved into itself", fix="name another volume: --into VOLUME")
    there = any(each.name == target for each in volumes)
    found = Move(source, path, key, target, how, there)
    known = {(each.get("from"), each.get("path"), each.get("to")) for each in starting.moves(this)}
    found.done = there and (source, path, target) in known
    return found


def declared(model: Model, key: str) -> str:
    """Return the engine's name of a volume of this project; refuse one that is not, or is not ours to make."""
    if key not in model.volumes:
        listed = ", ".join(model.volumes) or "none"
        fix = f"declare it first, under `volumes:` and where it is mounted; there is {listed}"
        raise OpsError(f"`compose.yaml` declares no volume `{key}`", fix=fix, cause="not-found")
    if ((model.document.get("volumes") or {}).get(key) or {}).get("external"):
        raise OpsError(f"volume `{key}` is external", "it is another project's to make", cause="in-use")
    return model.volumes[key]


def rescued(this: Project, model: Model, volumes: Sequence[Volume], project: str, only: Sequence[str]) -> list[Move]:
    """Return the moves of all volumes that another project name holds for the keys of this one."""
    if not NAME.fullmatch(project) or project == this.name:
        why = "it is the name of this project" if project == this.name else ""
        raise OpsError(f"`{project}` is no other project's name", why, "give the name as it was before")
    held = {each.name: each for each in volumes}
    names = {key: f"{project}_{key}" for key in model.volumes}
    # `a_b` of project `x` and `b` of project `x_a` have one name.
    found = {key: name for key, name in names.items() if name in held and held[name].project in {"", project}}
    for key in only:
        if key not in found:
            why = f"project `{project}` has: {', '.join(found) or 'none of this one'}"
            raise OpsError(f"there is no volume `{names.get(key, key)}` to move", why, cause="not-found")
    if not found:
        others = sorted({each.project for each in volumes if each.project and each.project != this.name})
        why = f"the engine holds volumes of: {', '.join(others) or 'no other project'}"
        raise OpsError(f"project `{project}` has no volume that this one declares", why, cause="not-found")
    return [move(this, model, volumes, found[key], key) for key in found if not only or key in only]


def volume_named(this: Project, model: Model, volumes: Sequence[Volume], name: str) -> str:
    """Return the engine's name of a volume: given so, or as this project calls it."""
    held = [each.name for each in volumes]
    for each in (model.volumes.get(name), this.held_as(name), name):
        if each in held:
            return str(each)
    own = ", ".join(each.name for each in volumes if each.project == this.name) or "none"
    why = f"of this project it holds {own}"
    raise OpsError(f"the engine holds no volume `{name}`", why, "docker volume ls shows every one", cause="not-found")


def folder(this: Project, given: str) -> str:
    """Return a folder of this machine; a relative one begins at the project, as in Compose."""
    path = os.path.realpath(this.root / Path(given).expanduser())
    if not Path(path).is_dir():
        raise OpsError(f"`{given}` is no folder", f"there is none at `{path}`", cause="not-found")
    if Path(os.path.realpath(this.root)).is_relative_to(path):
        raise OpsError(f"`{given}` holds this project itself", fix="name the folder with the data", cause="in-use")
    host = docker.remote()
    if host:
        why = f"the engine is on another machine (`{host}`), where folders are others"
        raise OpsError(f"`{given}` cannot be mounted", why, "run this on that machine")
    return path


def anew(this: Project, model: Model, options: argparse.Namespace) -> Move:
    """Return the move of a volume to another driver or other options: those given, else those of `compose.yaml`."""
    key = options.anew
    target = declared(model, key)
    was, how = made.look(target), made.wanted(model, key, this.name)
    if was is None:
        fix = "docker compose up makes it as `compose.yaml` has it; scaffold add --place changes that"
        raise OpsError(f"volume `{key}` is not there yet", "nothing is to be moved", fix, cause="not-found")
    if options.driver is not None or options.opt:
        how = made.Made(options.driver or made.LOCAL, pairs(options.opt), how.labels)
    refuse_memory(was, target)
    refuse_memory(how, target)
    return Move(target, "", key, target, how, there=True, was=was, done=was.same_place(how))


def refuse_memory(how: made.Made | None, volume: str) -> None:
    """Refuse a volume whose content is gone when nobody mounts it: it can be neither stopped and read, nor filled."""
    if how is not None and how.options.get("type") == MEMORY:
        what = f"volume `{volume}` is in memory, and holds nothing once its containers stand still"
        raise OpsError(what, fix="copy what you need out of it while they run: docker compose cp")


def pairs(given: Sequence[str]) -> dict[str, str]:
    """Read `--opt KEY=VALUE`."""
    for each in given:
        if not each.partition("=")[0] or "=" not in each:
            raise OpsError(f"cannot read `--opt {each}`", fix="write --opt KEY=VALUE")
    return {key: value for key, _, value in (each.partition("=") for each in given)}


def measure(this: Project, images: Sequence[str], moves: Sequence[Move]) -> int:
    """Look at what is to be copied and at what is where it goes; return how much room the engine has."""
    names = list(
        dict.fromkeys(name for each in moves for name in (each.source, *([each.target] if each.there else [])))
    )
    with helper.mounted(this.name, images, names) as at:
        if not at.lossless:
            fix = "add a service whose image has GNU tar, or a one-off container of one"
            raise OpsError("volumes cannot be copied whole here", helper.NO_TAR, fix, cause="missing-tool")
        for each in moves:
            plain = f"{at.where(each.source)}{each.path}"
            # A link would lead out of the volume, into the helper.
            if each.path and at.run("realpath", "--canonicalize-existing", plain).output.rstrip("\n") != plain:
                raise OpsError(
                    f"`{each.shown}` is no folder", "it is not there, or lies behind a link", cause="not-found"
                )
            if at.run("test", "-d", plain).code:
                raise OpsError(f"`{each.shown}` is no folder", cause="not-found")
            said = at.ask("du", "-s", "--block-size=1", plain, patience=3600).split("\t")[0]
            each.size = int(said) if said.isdigit() else 0
            if each.there and not each.was and not at.empty(each.target):
                each.held = max(1, at.survey(each.target).bytes)
        return at.free_at("/")
