# Managed by scaffold: updates merge this file.
"""Show what volumes hold: how much, how many entries, the last change, and the biggest folders."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ops import compose, docker, project
from ops.errors import OpsError
from ops.progress import say
from ops.report import Report, table
from ops.text import size, span
from ops.volumes import holding, images
from ops.volumes import table as tables
from ops.volumes.refill import SAFETY

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from ops.compose import Model
    from ops.project import Project
    from ops.volumes.table import Entry

TOP = 10


def options(verb: argparse.ArgumentParser) -> None:
    """Declare the options."""
    said = "a volume: its key in `compose.yaml`, or its name in the engine (every one that is there)"
    verb.add_argument("volumes", nargs="*", metavar="VOLUME", help=said)
    verb.add_argument("--top", type=int, default=TOP, metavar="N", help="so many folders of each")


def run(root: Path, options: argparse.Namespace) -> Report:
    """Look into volumes; they are mounted read-only, and nothing stands still for it."""
    this = project.load(root)
    project.require_env(this)
    model = compose.described(this)
    report = Report({"project": this.name})
    helpers = images.candidates(model, docker.containers(None), this.name)
    found: list[dict[str, Any]] = []
    report.document["volumes"] = found
    for name in chosen(this, model, options.volumes):
        say(f"looking into {name}")
        about = holding.look(this, helpers, name, max(0, options.top))
        found.append({"name": name, "created": docker.volume_created(name), **about})
    report.lines += lines(found)
    return report


def chosen(this: Project, model: Model, wanted: Sequence[str]) -> list[str]:
    """Return names in the engine; refuse what is not of this project."""
    ours = names(this, model)
    if not wanted:
        return list(dict.fromkeys(ours.values()))
    for each in wanted:
        if each not in ours:
            what = f"no volume `{each}` of project `{this.name}` in the engine"
            raise OpsError(what, fix="python3 ops status shows what there is", cause="not-found")
    return list(dict.fromkeys(ours[each] for each in wanted))


def names(this: Project, model: Model) -> dict[str, str]:
    """Return the engine's names of this project's volumes, by those names and by their keys."""
    held = docker.volumes()
    # With no containers told, anonymous ones that carry the project's label are among the retired.
    entries = tables.table(this, model, held, ())
    row = f'{{{{.Name}}}}\t{{{{.Label "{SAFETY}"}}}}'
    said = docker.ask(["volume", "ls", "--filter", f"label={SAFETY}", "--format", row]).splitlines()
    safety = [name for name, _, origin in (line.partition("\t") for line in said) if origin in names_of(entries)]
    present = [each for each in entries if each.state != tables.ABSENT]
    return {
        **{each.key: each.name for each in present if each.key},
        **{name: name for name in [*names_of(present), *safety]},
    }


def names_of(entries: Sequence[Entry]) -> list[str]:
    """Return the names in the engine."""
    return [each.name for each in entries]


def lines(found: Sequence[dict[str, Any]]) -> list[str]:
    """Return a table, and below it the folders of each volume."""
    now = time.time()
    rows = [
        [
            each["name"],
            size(each["size"]),
            str(each["entries"]),
            f"{span(max(0, now - each['changed']))} ago" if each["changed"] is not None else "-",
        ]
        for each in found
    ]
    said = table(["VOLUME", "SIZE", "ENTRIES", "CHANGED"], rows)
    for each in found:
        folders = [[size(one["size"]), one["path"]] for one in each["folders"]]
        said += ["", each["name"], *("  " + line for line in table(["SIZE", "FOLDER"], folders))] if folders else []
    return said
