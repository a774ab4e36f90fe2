# Managed by scaffold: updates merge this file.
"""Show services and volumes as the engine has them, and what needs you."""

from __future__ import annotations

import os
import re
from dataclasses import asdict
from typing import TYPE_CHECKING

from ops import compose, docker, envfile, files, project, secret_files, unchecked, upkeep
from ops.compose import Running
from ops.errors import ATTENTION, OpsError, Problem
from ops.report import Report, table
from ops.volumes import place
from ops.volumes.table import ANONYMOUS
from ops.volumes.table import table as volume_table

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from ops.compose import Model
    from ops.docker import Container, Volume
    from ops.project import Project
    from ops.volumes.table import Entry

BAD_STATES = {"dead", "restarting"}
# A probe that knows what is missing says so in these words. Nothing else of its output is shown: it may be anything.
ADVICE = re.compile(r"^(.+); fix: (.+)$", re.MULTILINE)
# Ended by the signal that `docker compose stop`, or Ctrl-C, sends: asked for, no failure.
STOPPED = {0, 130, 143}


def run(root: Path, _options: argparse.Namespace) -> Report:
    """Look at the project; what needs no engine comes first and is shown without one too."""
    this = project.load(root)
    report = Report({"project": this.name, "engine": "none"})
    needs_init = [look_at_env(root, report), look_at_secrets(this, report)]
    try:
        upkeep.look(this, report)
        volumes = docker.volumes()
        report.document["engine"] = "reached"
        if unchecked.path_of(this).exists():
            with files.locked(root):
                unchecked.settle(this, volumes, report, ATTENTION)
        if any(needs_init):
            # One variable without a value makes every Compose command fail: init comes first.
            return report
        look_with_compose(this, volumes, report)
        upkeep.look_at_engine(this, report)
    except OpsError as error:
        report.add(error.problem, error.code)
    return report


def look_at_env(root: Path, report: Report) -> bool:
    """Compare `.env` with `.env.example`; True when it is for `init` to act."""
    missing = [entry.key for entry in envfile.missing(root)]
    report.document["env"] = {"missing": missing}
    if missing:
        names = ", ".join(f"`{key}`" for key in missing)
        why = "`.env.example` has it" if len(missing) == 1 else "`.env.example` has them"
        report.add(Problem(f"`.env` lacks {names}", why, "python3 ops init"), ATTENTION)
    return bool(missing)


def look_at_secrets(this: Project, report: Report) -> bool:
    """Look at the secret files; True when it is for `init` to act."""
    absent, states = [], []
    for secret in this.secrets:
        known = not secret_files.unresolved(secret)
        found = secret_files.state(this, secret) if known else "unchecked"
        state = "missing" if found == "unusable" else found
        states.append({"name": secret.name, "state": state, "volume": secret.volume})
        problem = secret_files.problem(secret, found)
        if problem:
            report.add(problem, ATTENTION)
        elif found == "missing":
            absent.append(f"`{secret.file}`")
    report.document["secrets"] = states
    if absent:
        what = f"{', '.join(absent)} {'is' if len(absent) == 1 else 'are'} missing"
        report.add(Problem(what, fix="python3 ops init"), ATTENTION)
    return bool(absent)


def look_with_compose(this: Project, volumes: list[Volume], report: Report) -> None:
    """Show services and volumes."""
    model = compose.described(this)
    containers = docker.containers(this.name)
    look_at_services(model, compose.ps(this), containers, report)
    look_at_volumes(this, model, volumes, containers, report)
    look_at_places(model, volumes, report)
    look_at_folders(this, containers, report)


def look_at_services(
    model: Model,
    running: list[Running],
    containers: list[Container],
    report: Report,
) -> None:
    """Show each service's containers; one that is not started is no problem."""
    started = {each.service for each in running}
    idle = [Running(name, "", "not created") for name in model.services if name not in started]
    shown = sorted([*running, *idle], key=lambda each: (each.service, each.name))
    head = ["SERVICE", "CONTAINER", "STATE", "HEALTH", "PORTS"]
    report.lines += table(
        head,
        [[each.service, each.name, state_of(each), each.health, ", ".join(each.ports)] for each in shown],
    )
    report.document["services"] = [asdict(each) for each in shown]
    advice = {each.name: ADVICE.search(each.complaint) for each in containers}
    for each in running:
        failed = each.state == "exited" and each.exit_code not in STOPPED
        words = each.health if each.state == "running" and each.health else state_of(each)
        known = advice.get(each.name) if each.state == "running" else None
        if known:
            report.add(Problem(f"service `{each.service}` is {words}", known[1], known[2]), ATTENTION)
        elif failed or each.state in BAD_STATES or each.health == "unhealthy":
            fix = f"docker logs --tail 50 {each.name}"
            report.add(Problem(f"service `{each.service}` is {words}", fix=fix), ATTENTION)


def state_of(container: Running) -> str:
    """Return a state in words."""
    return f"exited ({container.exit_code})" if container.state == "exited" else container.state


def look_at_volumes(
    this: Project,
    model: Model,
    volumes: list[Volume],
    containers: list[Container],
    report: Report,
) -> None:
    """Show the declared volumes, then what the engine holds beside them."""
    look_for_anonymous(containers, report)
    found = [described(each) for each in volume_table(this, model, volumes, containers)]
    report.document["volumes"] = found
    columns = ("volume", "responsibility", "class", "owner", "state", "name")
    cells = [[each[column] for column in columns] for each in found]
    report.lines += ["", *table([column.upper() for column in columns], cells)]


def look_at_places(model: Model, volumes: list[Volume], report: Report) -> None:
    """Report a volume whose disk or server is not there, and one that the engine has in another place."""
    for problem in [*place.problems(place.declared(model)).values(), *place.moved(model, volumes)]:
        report.add(problem, ATTENTION)


def described(entry: Entry) -> dict[str, str]:
    """Return a volume for `--json`."""
    said = {
        "volume": entry.key,
        "name": entry.name,
        "responsibility": entry.responsibility,
        "class": entry.kind,
        "owner": entry.owner,
        "backup": entry.backup,
        "state": entry.state,
    }
    return {word: value or "-" for word, value in said.items()}


def look_for_anonymous(containers: list[Container], report: Report) -> None:
    """Report the volumes that have no name: the next `down` and `up` starts without them."""
    for container in containers:
        for target, name in container.volumes.items():
            if ANONYMOUS.fullmatch(name):
                report.add(
                    Problem(
                        f"service `{container.service}` keeps `{target}` in an anonymous volume",
                        f"`{name[:12]}…` is left behind when container `{container.name}` is removed",
                        f"mount a named volume, or a tmpfs, at `{target}`",
                    ),
                    ATTENTION,
                )


def look_at_folders(this: Project, containers: list[Container], report: Report) -> None:
    """Report containers of the same project name that another folder started."""
    here = os.path.realpath(this.root)
    others = {each.folder for each in containers if each.folder}
    for folder in sorted(others):
        if os.path.realpath(folder) != here:
            report.add(
                Problem(
                    f"containers of project `{this.name}` were started from `{folder}`",
                    "two folders of one name share, and replace, each other's containers and volumes",
                    "set another COMPOSE_PROJECT_NAME in the `.env` of one of the two",
                ),
                ATTENTION,
            )
