"""What `scaffold new` shows: the plan before, and what came of it after."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold.cli import console

if TYPE_CHECKING:
    from scaffold.catalog.resolve import Stack
    from scaffold.project.create import Draft, Outcome
    from scaffold.project.source import Template


def show(answers: Mapping[str, Any], stack: Stack) -> None:
    """The plan: services, volumes with their responsibilities, ports, and the other answers."""
    console.heading(answers["project_name"])
    console.table((about["id"], f"{about['title']}: {about['summary']}") for about in stack["about"])
    for brought in stack["brought"]:
        console.note(f"note: `{brought['id']}` comes too: {' and '.join(brought['by'])} needs it")
    _section("volumes", ((volume["name"], volume["class"], volume["responsibility"]) for volume in stack["volumes"]))
    _section(
        "ports",
        ((f"127.0.0.1:{port['default']}", port["what"], f"{port['variable']} in .env") for port in stack["ports"]),
    )
    _section("where they live", ((one["name"], one["where"]) for one in stack["volumes"] if one.get("where")))
    others = {key: value for key, value in answers.items() if key not in {"project_name", "services", "placement"}}
    _section("answers", ((key, console.words(value)) for key, value in others.items()))


def _section(heading: str, rows: Iterable[tuple[str, ...]]) -> None:
    rows = list(rows)
    if rows:
        console.heading(heading)
        console.table(rows)


def show_files(draft: Draft) -> None:
    """What a dry run would have done to each file."""
    placement = draft.placement
    console.heading(f"files in {draft.destination}")
    console.table(
        (verb, str(file))
        for verb, files in (("create", placement.created), ("merge", placement.merged), ("keep", placement.kept))
        for file in files
    )


def tell(draft: Draft, outcome: Outcome, stack: Stack, *, with_git: bool) -> None:
    """What was done, what needs the user, and the next command."""
    placement = draft.placement
    console.note(f"created {len(placement.created)} files in {draft.destination}")
    for file in placement.kept:
        console.note(f"  {file} was there already and stays as it is")
    for file in placement.merged:
        console.note(f"  {file} got the lines it lacked")
    if not outcome.identity:
        console.note("  git knows no name of yours: the first commit is by `scaffold`; set user.name and user.email")
    if with_git and not outcome.committed:
        console.note("  nothing was committed: this folder is part of a repository of yours")
    for line in outcome.ops.get("notes", []):
        console.note(f"  {line}")
    console.note("next:")
    for line in next_commands(draft, outcome, stack):
        console.say(f"  {line}")


def next_commands(draft: Draft, outcome: Outcome, stack: Stack) -> list[str]:
    """The commands that go on from here."""
    lines = [] if draft.destination == Path.cwd() else [f"cd {shlex.quote(str(draft.destination))}"]
    if outcome.ops["exit_code"]:
        return [*lines, "python3 ops init"]
    # A template before 0.2.0 knows of no pulls, one before 0.5.0 of no jobs.
    pulls = [f"docker compose run --rm {service}" for service in stack.get("pulls", [])]
    first = [f"docker compose run --rm {job['service']}" for job in stack.get("jobs", []) if job["start"]]
    return [*lines, *pulls, *first, "docker compose up -d --wait"]


def report(
    template: Template, answers: Mapping[str, Any], stack: Stack, draft: Draft, outcome: Outcome | None
) -> dict[str, Any]:
    """All of it as one document for other programs."""
    placement = draft.placement
    return {
        "dry_run": outcome is None,
        "project": answers["project_name"],
        "path": str(draft.destination),
        "template": {"source": template.url, "version": template.ref if template.updatable else None},
        "answers": dict(answers),
        "services": stack["services"],
        "brought": stack["brought"],
        "volumes": stack["volumes"],
        "ports": stack["ports"],
        "files": {kind: [str(file) for file in getattr(placement, kind)] for kind in ("created", "merged", "kept")},
        "committed": bool(outcome and outcome.committed),
        "ops": dict(outcome.ops) if outcome else None,
        "next": next_commands(draft, outcome, stack) if outcome else [],
    }
