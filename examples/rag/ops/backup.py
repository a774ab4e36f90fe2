# Managed by scaffold: updates merge this file.
"""Back up every volume into one set: dumps where a server can make them, frozen copies elsewhere."""

from __future__ import annotations

import socket
import time
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from ops import compose, docker, flags, project, tidy
from ops.beside import beside
from ops.errors import ATTENTION, UNABLE, OpsError
from ops.report import Report, table
from ops.sets import crypt, export, folder, manifest, places, plan, private
from ops.sets.manifest import FAILED, LEFT_OUT, Manifest
from ops.sets.take import Taking
from ops.sets.writer import Writer
from ops.text import counted, size, span
from ops.volumes import images, lock, place
from ops.volumes.table import table as volume_table

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from pathlib import Path

    from ops.compose import Model
    from ops.errors import Problem
    from ops.project import Project
    from ops.sets.places import Receiver
    from ops.sets.plan import Plan

FREEZE_LIMIT = 30  # seconds
SHRUNK = 10  # times smaller than last time is worth a word


def options(verb: argparse.ArgumentParser) -> None:
    """Declare the options."""
    flags.only(verb)
    verb.add_argument("--mode", choices=plan.MODES, default=plan.AUTO, help="another method than each store's own")
    flags.ping(verb)
    places.options(verb, made=True)
    verb.add_argument("-o", "--output", metavar="FILE", help="write the set as one tar to FILE, or to stdout with `-`")
    verb.add_argument(
        "--recipient", action="append", default=[], metavar="KEY", help="encrypt with `age` for this public key"
    )
    verb.add_argument(
        "--recipients-file", action="append", default=[], metavar="FILE",
        help=f"encrypt for the public keys in FILE (else ${crypt.RECIPIENTS}); secrets are in the set then",
    )  # fmt: skip
    verb.add_argument("--caches", action="store_true", help="what can be filled again as well")
    verb.add_argument(
        "--freeze-limit", type=int, default=FREEZE_LIMIT, metavar="SECONDS", help="stop instead of a longer pause (30)"
    )


def run(root: Path, options: argparse.Namespace) -> Report:
    """Take one set."""
    this = project.load(root)
    project.require_env(this)
    export.refuse_terminal(options.output)
    place = places.of(this, options)
    filters = crypt.encrypting(options.recipient, options.recipients_file)
    with lock.held(this, "backup"), place.receiving(options.output, filters) as receiver:
        report = Report({"project": this.name})
        with beside(partial(compose.described, this)) as model_told:
            for done in tidy.up(this, place.home, receiver.home):
                report.note(done)
            tidy.refuse_unfinished(this)
            containers, volumes = docker.containers(None), docker.volumes()
            model = model_told()
        entries = volume_table(this, model, volumes, containers)
        wish = plan.Wish(options.only, options.mode, options.caches)
        work = plan.make(entries, containers, this.name, wish, places_of(model))
        if not work.jobs() and not work.failed:
            why = "no volume of this project is there yet" if not work.left_out else "all of them can be filled again"
            raise OpsError("there is nothing to back up", why, "docker compose up -d --wait", cause="not-found")
        helpers = images.candidates(model, containers, this.name)
        taking = partial(Taking, this, helpers, options.freeze_limit)
        path = take(this, receiver, work, taking, home=place.home, report=report)
        if path:
            receiver.keep(path)
    return report


def places_of(model: Model) -> plan.Places:
    """Look at the volumes that live elsewhere than on the engine's disk."""
    declared = place.declared(model)
    fleeting = {key: "lives in memory, gone at every stop" for key, each in declared.items() if place.in_memory(each)}
    return plan.Places(fleeting, {key: place.error_of(each) for key, each in place.problems(declared).items()})


def take(
    this: Project, receiver: Receiver, work: Plan, taking: Callable[[Writer], Taking], *, home: Path, report: Report
) -> Path | None:
    """Write the set and publish it; None when nothing could be stored."""
    began = time.time()
    id = folder.new_id(began)
    made = Manifest(id, this.name, folder.stamp(began), host=socket.gethostname(), template=this.template)
    unfinished = folder.begin(receiver.home, id)
    writer = Writer(unfinished, receiver.codec, receiver.filters)
    try:
        with beside(docker.engine_version) as version:
            problems = taking(writer).all(work)
            made.engine = ".".join(map(str, version()))
        made.items = sorted(
            [*(job.item for job in work.jobs()), *work.left_out, *(item for item, _ in work.failed)],
            key=lambda item: item.volume,
        )
        made.secrets = {"included": False, "names": [secret.name for secret in this.secrets]}
        if receiver.closed:
            made.secrets = private.store(this, writer)
        path = None
        if made.stored():
            compare(made, home)
            made.ended = folder.stamp(time.time())
            manifest.save(made, unfinished)
            path = folder.publish(unfinished, id)
    finally:
        folder.discard(unfinished)
    tell(made, receiver.shown or path, problems, time.time() - began, report)
    return path


def compare(made: Manifest, home: Path) -> None:
    """Warn of a volume that has shrunk: an empty backup looks like a good one."""
    last = folder.newest(home, unreadable=str)
    before = {item.volume: item.plain_size for item in last.stored()} if last else {}
    for item in made.stored():
        then = before.get(item.volume, 0)
        if item.plain_size * SHRUNK < then:
            item.warnings.append(f"volume `{item.volume}` holds {size(item.plain_size)}, last time {size(then)}")


def tell(made: Manifest, path: Path | str | None, problems: list[Problem], took: float, report: Report) -> None:
    """Say what was stored, and what was not."""
    head = ["VOLUME", "METHOD", "SIZE", "STORED", "STILL", "STATE"]
    report.lines += table(head, [row(item) for item in made.items])
    for item in made.items:
        for warning in item.warnings:
            report.note(warning)
    stored = made.stored()
    report.document.update(
        set=made.id if path else None,
        path=str(path) if path else None,
        items=[{**asdict(item), "size": item.size} for item in made.items],
        secrets=made.secrets,
        seconds=round(took, 2),
    )
    for problem in problems:
        report.add(problem, ATTENTION if stored else UNABLE)
    if problems and stored:
        report.cause = "partial"
    if path:
        tell_secrets(made.secrets, report)
    report.last = f"{counted(len(stored), 'volume')}, {size(made.size)} in {span(took)}: {path}"


def tell_secrets(said: dict[str, Any], report: Report) -> None:
    """Say which secrets the set lacks: without them a new machine opens nothing."""
    if not said["included"] and said["names"]:
        report.note("secrets are not in this set: keep a copy of `secrets/` and `.env` elsewhere")
    for name in said.get("missing") or []:
        report.note(f"secret `{name}` is not in this set: it has no file here")


def row(item: manifest.Item) -> list[str]:
    """Return one line of the table."""
    if item.state == LEFT_OUT:
        return [item.volume, "-", "-", "-", "-", f"left out: {item.why}"]
    if item.state == FAILED:
        return [item.volume, item.method, "-", "-", "-", f"FAILED: {item.why}"]
    still = span(item.frozen_ms / 1000) if item.frozen_ms else "-"
    return [item.volume, item.method, size(item.plain_size), size(item.size), still, "stored"]
