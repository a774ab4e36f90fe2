# Managed by scaffold: updates merge this file.
"""Practise a restore: fill throw-away volumes from a set, start the services on them, compare, remove everything."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ops import compose, docker, flags, project, sandbox, tidy
from ops.errors import INTERRUPTED, OpsError
from ops.progress import say
from ops.report import Report
from ops.sets import check, folder, places, restoring, targets
from ops.text import counted, span
from ops.volumes import images, lock, refill

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from ops.compose import Model
    from ops.project import Project
    from ops.sets.folder import Found
    from ops.sets.manifest import Item
    from ops.sets.targets import Target

# What lies with this machine, not with the set.
NOT_THE_SET = {"no-engine", "no-space", "missing-tool", "missing-secret"}


def options(verb: argparse.ArgumentParser) -> None:
    """Declare the options."""
    flags.latest(verb)
    flags.only(verb)
    flags.ping(verb)
    places.options(verb)
    places.with_identity(verb)


def run(root: Path, options: argparse.Namespace) -> Report:
    """Drill one set, and note in it how that went."""
    this = project.load(root)
    project.require_env(this)
    compose.require()
    place = places.of(this, options)
    found = folder.look(folder.find(this, place.home, options.set))
    report = Report({"project": this.name, "set": found.manifest.id})
    began = time.time()
    with lock.held(this, "drill"):
        for done in tidy.up(this):
            report.note(done)
        tidy.refuse_unfinished(this)
        items = targets.choose(found.manifest, options.only)
        with place.content(found, [item.volume for item in items]) as filled:
            decrypt = places.opening(filled, options.identity)
            try:
                services = practise(this, filled, items, decrypt)
            except OpsError as error:
                if error.code == INTERRUPTED or error.problem.cause in NOT_THE_SET:
                    raise
                record(found, good=False, whole=not options.only, why=error.problem.what)
                raise
    record(found, good=True, whole=not options.only)
    report.document.update(services=services, seconds=round(time.time() - began, 1), drilled=True)
    started = f"{', '.join(services)} healthy on it" if services else "no service to start"
    count = counted(len(found.manifest.stored() if not options.only else options.only), "volume")
    report.last = f"set {found.manifest.id} restores: {count}, {started}, {span(time.time() - began)}"
    return report


def practise(this: Project, found: Found, items: Sequence[Item], decrypt: Sequence[str]) -> list[str]:
    """Restore into throw-away volumes and start what mounts them; return the services."""
    model = compose.model(this)
    helpers = images.candidates(model, docker.containers(None), this.name)
    name = tidy.drill_name(this)
    goals = targets.make(this, model, items, name)
    for goal in goals:
        targets.refuse_server(this, model, goal)
    contents = check.examine(found, items, decrypt)
    try:
        work = restoring.Restoring(this, model, found, goals, name, helpers, contents, decrypt=decrypt)
        work.run([])
        empty = {goal.key for goal in goals if goal.key in contents and contents[goal.key].entries <= 1}
        return started(this, model, goals, empty)
    finally:
        for goal in goals:
            refill.discard(goal.volume)


def started(this: Project, model: Model, goals: Sequence[Target], empty: set[str]) -> list[str]:
    """Start every service that mounts what was restored, all together, and wait until they are healthy.

    Of one that is only given empty volumes that is asked if it is well on its own: it may wait for its first data.
    """
    volumes = {goal.key: goal.volume for goal in goals}
    well = {each.service for each in docker.containers(this.name) if each.active and not each.complaint}
    mounting = {service for key in volumes for service in model.mounting(key) if key not in empty or service in well}
    everyday = {id for id in mounting if not model.document["services"][id].get("profiles")}
    chosen = {id: images.present(model.image(id)) for id in sorted(everyday)}
    services = [id for id, image in chosen.items() if image]
    if services:
        say(f"starting {', '.join(services)}")
        with sandbox.started(this, model, services, volumes, chosen) as box:
            box.stop()
    return services


def record(found: Found, *, good: bool, whole: bool, why: str = "") -> None:
    """Note the outcome in the set."""
    outcome = {"time": folder.stamp(time.time()), "good": good, "whole": whole, "why": why}
    with suppress(OSError):
        folder.note(found.path, folder.DRILLED, outcome)
