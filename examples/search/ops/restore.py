# Managed by scaffold: updates merge this file.
"""Put the content of a set back into its volumes: looked at first, reversible until it is healthy."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from ops import compose, docker, flags, progress, project, tidy
from ops.errors import ATTENTION, OpsError, Problem
from ops.project import NAME
from ops.report import Report, table
from ops.sets import archive, check, folder, places, private, restoring, targets
from ops.sets.manifest import FAILED, LEFT_OUT
from ops.text import counted, size
from ops.volumes import bare, images, lock, place

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from ops.project import Project
    from ops.sets.folder import Found
    from ops.sets.manifest import Item, Manifest
    from ops.sets.targets import Target


def options(verb: argparse.ArgumentParser) -> None:
    """Declare the options."""
    verb.add_argument("set", metavar="SET", help="a set: its id, the beginning of it, `latest`, or its folder")
    flags.only(verb)
    verb.add_argument(
        "--path", action="append", default=[], metavar="PATH", help="this file or folder of one volume only"
    )
    places.options(verb)
    places.with_identity(verb)
    verb.add_argument("--to-project", metavar="NAME", help="fill the volumes of a project of another name")
    verb.add_argument("--replace", action="store_true", help="volumes that hold something too; a copy of that is kept")
    verb.add_argument("--dry-run", action="store_true", help="check everything, show the plan, change nothing")


def run(root: Path, options: argparse.Namespace) -> Report:
    """Restore a set, or show what that would mean."""
    this = project.load(root)
    place = places.of(this, options)
    found = folder.look(folder.find(this, place.home, options.set))
    items = asked(found, options)
    report = Report({"set": found.manifest.id, "dry_run": options.dry_run})
    with lock.held(this, "restore"), place.content(found, [item.volume for item in items]) as filled:
        for done in tidy.up(this):
            report.note(done)
        tidy.refuse_unfinished(this)
        decrypt = places.opening(filled, options.identity)
        if not options.dry_run and options.to_project in {None, this.name}:
            put_back(this, filled, decrypt, report)
        # `.env` may be there by now.
        fill(project.load(root), filled, items, decrypt, options, report=report)
    return report


def asked(found: Found, options: argparse.Namespace) -> list[Item]:
    """Return what is meant to be restored; what cannot be meant is refused before anything else."""
    if options.to_project and not NAME.fullmatch(options.to_project):
        raise OpsError(f"`{options.to_project}` is not a project name", fix="lower-case letters, digits, `_` and `-`")
    items = targets.choose(found.manifest, options.only)
    archive.selection(options.path)
    if options.path and len(items) != 1:
        raise OpsError("--path means one volume", fix="name it: --only VOLUME")
    return items


def put_back(this: Project, found: Found, decrypt: Sequence[str], report: Report) -> None:
    """Put back the secrets and `.env` that are missing, before anything starts; nothing that is there is changed."""
    file = private.file_of(found.manifest)
    if file is None:
        return
    done = private.unpack(this, private.load(found.path, file, decrypt))
    report.document["secrets"] = asdict(done)
    if done.restored:
        report.note(f"put back: {', '.join(done.restored)}")
    if done.different:
        report.note(f"kept as they are here, others are in the set: {', '.join(done.different)}")
    if done.unplaced:
        report.note(f"in the set, and of no use in this project: {', '.join(done.unplaced)}")


def fill(
    this: Project, found: Found, items: Sequence[Item], decrypt: Sequence[str], options: argparse.Namespace, *,
    report: Report,
) -> None:  # fmt: skip
    """Restore the volumes, or show what that would mean."""
    project.require_env(this)
    name = options.to_project or this.name
    report.document["project"] = name
    model = compose.described(this)
    containers = docker.containers(None)
    helpers = images.candidates(model, containers, this.name)
    goals = lasting(targets.make(this, model, items, name), report)
    place.require({goal.key: goal.options for goal in goals})
    if options.path and goals[0].how == targets.LOAD:
        raise OpsError("a dump has no paths", fix="restore the whole volume, or into --to-project NAME")
    if not targets.measure(this.name, helpers, goals):
        report.note(f"{bare.WHY}: volumes get back all but those")
    users = [each for each in containers if set(each.volumes.values()) & {goal.volume for goal in goals}]
    describe(goals, users, report)
    if not options.only:
        tell_absent(found.manifest, report)
    show_early(report)
    try:
        targets.refuse(this, model, goals, users, options.replace or bool(options.path))
    except OpsError as error:
        # With the plan, which shows what the refusal is about.
        report.add(error.problem, error.code)
        return
    contents = check.examine(found, items, decrypt)
    if not options.dry_run:
        work = restoring.Restoring(this, model, found, goals, name, helpers, contents, options.path, decrypt)
        safeties = work.run([each for each in users if each.active])
        tell(goals, safeties, name, this.name, report)


def lasting(goals: Sequence[Target], report: Report) -> list[Target]:
    """Leave out what would be gone again as soon as it is filled."""
    for goal in goals:
        if place.in_memory(goal.options):
            report.note(f"volume `{goal.key}` lives in memory, which keeps nothing: it is not restored")
    kept = [goal for goal in goals if not place.in_memory(goal.options)]
    if not kept:
        raise OpsError("there is nothing to restore", "what was asked for lives in memory", cause="not-found")
    return kept


def describe(goals: Sequence[Target], users: Sequence[docker.Container], report: Report) -> None:
    """Show the plan."""
    head = ["VOLUME", "FROM", "METHOD", "NOW", "THEN"]
    report.lines += table(
        head,
        [
            [
                goal.volume,
                goal.item.image or "-",
                goal.item.method,
                size(goal.used) if goal.used else "empty",
                size(goal.item.plain_size),
            ]
            for goal in goals
        ],
    )
    stopped = [each.name for each in users if each.active]
    if stopped:
        report.lines.append(f"stopped meanwhile: {', '.join(stopped)}")
    report.document["plan"] = [
        {
            "volume": goal.key,
            "name": goal.volume,
            "method": goal.item.method,
            "now": goal.used,
            "then": goal.item.plain_size,
        }
        for goal in goals
    ]
    report.document["stopped"] = stopped


def show_early(report: Report) -> None:
    """Let whoever sits at a terminal read the plan before anything is stopped."""
    if progress.watched():
        for line in report.lines:
            progress.say(line)
        report.lines.clear()


def tell_absent(manifest: Manifest, report: Report) -> None:
    """Name the volumes that the set does not have."""
    for item in manifest.items:
        if item.state == FAILED:
            what = f"volume `{item.volume}` is not in this set"
            report.add(Problem(what, f"its backup failed: {item.why}", cause="partial"), ATTENTION)
        elif item.state == LEFT_OUT:
            report.note(f"volume `{item.volume}` is not in this set: {item.why}")


def tell(goals: Sequence[Target], safeties: dict[str, str], name: str, own: str, report: Report) -> None:
    """Say what was done, and where the old content is."""
    report.document["restored"] = [goal.volume for goal in goals]
    report.document["safety"] = safeties
    for volume, safety in sorted(safeties.items()):
        report.note(f"what `{volume}` held before is in `{safety}`; when it may go: docker volume rm {safety}")
    if name != own:
        report.note(
            f"to run it: a second copy of this folder with the same `secrets/`, and in its `.env` "
            f"COMPOSE_PROJECT_NAME={name} and other ports"
        )
    report.last = f"{counted(len(goals), 'volume')} restored"
