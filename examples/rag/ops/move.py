# Managed by scaffold: updates merge this file.
"""Copy content into a volume of this project, or a volume to another place; where it comes from is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ops import compose, docker, flags, progress, project, state, tidy
from ops.errors import ATTENTION, UNABLE, OpsError
from ops.moving import plan, users
from ops.moving.carry import Moving
from ops.report import Report, table
from ops.text import counted, size, span
from ops.volumes import images, lock, refill, rollback

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from ops.compose import Model
    from ops.moving.plan import Move
    from ops.moving.users import Users
    from ops.project import Project

SPARE = 64 << 20  # bytes
LEAST = 10  # seconds: helpers have to start
RATE = 30_000_000  # bytes a second that are copied, and read twice to be compared: a careful guess


def options(verb: argparse.ArgumentParser) -> None:
    """Declare the options."""
    verb.add_argument("--from-project", metavar="NAME", help="the volumes that this project had under another name")
    flags.only(verb)
    verb.add_argument("--volume", metavar="NAME", help="a volume, as the engine or `compose.yaml` calls it")
    verb.add_argument("--folder", metavar="DIR", help="a folder of this machine, such as that of a bind mount")
    verb.add_argument("--path", metavar="PATH", help="this folder in it only")
    verb.add_argument("--into", metavar="VOLUME", help="the volume to fill, as `compose.yaml` calls it")
    verb.add_argument("--anew", metavar="VOLUME", help="make a volume anew, with the driver and options it should have")
    verb.add_argument("--driver", metavar="NAME", help="with --anew: this driver, not that of `compose.yaml`")
    verb.add_argument(
        "--opt", action="append", default=[], metavar="KEY=VALUE", help="with --anew: an option of the driver"
    )
    verb.add_argument("--replace", action="store_true", help="fill what holds something too; a copy of that is kept")
    verb.add_argument("--dry-run", action="store_true", help="check everything, show the plan, change nothing")


def run(root: Path, options: argparse.Namespace) -> Report:
    """Move, or show what that would mean."""
    this = project.load(root)
    project.require_env(this)
    compose.require()
    report = Report({"project": this.name, "dry_run": options.dry_run})
    with lock.held(this, "move"):
        for done in tidy.up(this):
            report.note(done)
        settle(this, options, report)
        model = compose.model(this)
        moves = plan.make(this, model, options)
        refuse_busy(this, options.from_project)
        carry(this, model, moves, options, report)
    return report


def settle(this: Project, options: argparse.Namespace, report: Report) -> None:
    """Finish or undo the move that a killed run left; a restore is for `recover`."""
    left = state.load(this.root, state.RESTORE)
    if left is None:
        return
    if left.get("verb") != "move" or options.dry_run:
        tidy.refuse_unfinished(this)
    said, problems = rollback.put_right(refill.load(this, left))
    report.note(f"of a run that was killed: {said}")
    for problem in problems:
        report.add(problem, ATTENTION)


def refuse_busy(this: Project, other: str | None) -> None:
    """Refuse while `ops` of the other project is at work."""
    holder = lock.who(replace(this, name=other)) if other else lock.GONE
    if holder != lock.GONE:
        raise OpsError("another run has the project that is moved", holder, "wait for it to end", UNABLE, "locked")


def carry(this: Project, model: Model, moves: Sequence[Move], options: argparse.Namespace, report: Report) -> None:
    """Show the plan, refuse it or carry it out."""
    containers = docker.containers(None)
    helpers = images.candidates(model, containers, this.name)
    free = plan.measure(this, helpers, moves)
    moves, there = due(moves, options), [each for each in moves if each.done and (each.was or each.held)]
    for each in there:
        report.note(f"`{each.target}` is there already" + ("" if each.was else f", from `{each.shown}`"))
    found = users.find(this, model, moves, containers, options.from_project)
    describe(moves, found, report)
    if not moves:
        report.last = "nothing to do"
        return
    if not options.json:
        show_early(report)
    try:
        refuse(moves, free, replace=options.replace)
    except OpsError as error:
        # With the plan, which shows what the refusal is about.
        report.add(error.problem, error.code)
        return
    if not options.dry_run:
        names = set(model.volumes.values())
        kept = {each.source: not each.path and each.source not in names for each in moves if each.source[:1] != "/"}
        moving = Moving(this, moves, found, helpers, kept)
        for problem in moving.run():
            report.add(problem, ATTENTION)
        tell(this, model, moving, report)


def due(moves: Sequence[Move], options: argparse.Namespace) -> list[Move]:
    """Return what has not been moved yet; one that was and is empty again is moved once more."""
    return [each for each in moves if not (each.done and (each.was or (each.held and not options.replace)))]


def refuse(moves: Sequence[Move], free: int, *, replace: bool) -> None:
    """Raise the first reason not to."""
    for each in moves:
        if each.held and not replace:
            what = f"volume `{each.target}` holds {size(each.held)}"
            why = f"what is in `{each.shown}` would take its place"
            fix = "--replace puts that there and keeps a copy of the present content"
            raise OpsError(what, why, fix, cause="not-empty")
    need = sum(each.size + each.held for each in moves)
    if need > free + SPARE:
        what = f"the engine's disk has {size(free)} free, this needs {size(need)}"
        raise OpsError(what, "nothing is removed where content comes from", "make room there", UNABLE, "no-space")


def describe(moves: Sequence[Move], found: Users, report: Report) -> None:
    """Show the plan."""
    rows = [[each.key, each.shown, each.target, size(each.size), state_of(each)] for each in moves]
    report.lines += table(["VOLUME", "FROM", "TO", "SIZE", "NOW"], rows) if rows else []
    seconds = max(LEAST, round(sum(each.size for each in moves) / RATE + 3 * len(moves)))
    stopped = [each.name for each in found.stopped]
    if stopped:
        report.lines.append(f"stopped meanwhile, for about {span(seconds)}: {', '.join(stopped)}")
    if found.stay:
        report.lines.append(f"stays stopped: {', '.join(each.name for each in found.stay)}")
    if found.up and moves:
        report.lines.append(f"made anew by Compose afterwards: {', '.join(found.up)}")
    report.document["plan"] = [
        {
            "volume": each.key,
            "from": each.source,
            "path": each.path.lstrip("/"),
            "to": each.target,
            "size": each.size,
            "now": each.held,
            "anew": bool(each.was),
        }
        for each in moves
    ]
    report.document["stopped"] = stopped
    report.document["stays_stopped"] = [each.name for each in found.stay]
    report.document["made_anew"] = sorted(found.up)
    report.document["seconds"] = seconds


def state_of(move: Move) -> str:
    """Say what the target is now."""
    if move.was:
        return "to be made anew"
    return "absent" if not move.there else f"holds {size(move.held)}" if move.held else "empty"


def show_early(report: Report) -> None:
    """Let whoever sits at a terminal read the plan before anything is stopped."""
    if progress.watched():
        for line in report.lines:
            progress.say(line)
        report.lines.clear()


def tell(this: Project, model: Model, moving: Moving, report: Report) -> None:
    """Say what was done, what is kept, and how to let go of it."""
    from ops.moving import kept  # noqa: PLC0415 (words for the end only)

    report.document["moved"] = moving.work.moved
    report.document["kept"] = kept.tell(this, model, moving, report)
    for each in moving.users.behind:
        report.note(
            f"`{each.name}` goes on writing where this came from: what it writes from now on is not in the copy"
        )
    if moving.users.stay:
        names = ", ".join(f"`{each.name}`" for each in moving.users.stay)
        report.note(f"{names} stays stopped: it would write where this came from")
    copied = sum(found.bytes for found in moving.digests.values())
    report.last = f"{counted(len(moving.moves), 'volume')}, {size(copied)}, compared byte by byte"
