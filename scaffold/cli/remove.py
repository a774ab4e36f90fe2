"""`scaffold remove`: fewer services, all data kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from scaffold.cli import change, console, options
from scaffold.errors import ScaffoldError, closest

if TYPE_CHECKING:
    from scaffold.catalog.index import Catalog
    from scaffold.project.existing import Existing
    from scaffold.project.update import Draft


@click.command(short_help="Remove services from a project; their data stays.")
@click.argument("services", nargs=-1, metavar="SERVICE...", required=True)
@options.changing
def command(services: tuple[str, ...], **given: Any) -> int:
    """Remove services from the project in this folder. Volumes, secrets and applications' sources stay.

    Volumes stay in the engine as retired ones; `scaffold add` of the same service finds them again, with its secrets
    and the version that wrote them.

    \b
      scaffold remove redis
      scaffold remove mongo --dry-run
    """
    from scaffold.catalog.index import load
    from scaffold.project import answers as answering

    flags = change.Flags(**given)
    project, _ = change.opened(flags)
    with change.template_of(project, flags) as template:
        catalog = load(template.root)
        remaining = _remaining(project, catalog, services)
        answering.check_offered(catalog, {"services": remaining}, project.version)
        answers = _answers(project, catalog, remaining)
        return change.apply(project, template, answers, flags, refuse=None if flags.force else _refuse_edited)


def _remaining(project: Existing, catalog: Catalog, services: tuple[str, ...]) -> list[str]:
    """The choice without `services`. Raises ScaffoldError for one that is not there or that others need."""
    from scaffold.catalog.resolve import resolve

    chosen = project.answers["services"]
    before = resolve(catalog, project.answers)
    brought = {one["id"]: one["by"] for one in before["brought"]}
    for id in services:
        if id in brought:
            raise ScaffoldError(f"`{id}` was not chosen: it is there for {' and '.join(brought[id])}")
        if id not in chosen:
            raise ScaffoldError(f"`{id}` is not in this project", fix=closest(id, chosen))
    remaining = [id for id in chosen if id not in services]
    if not remaining:
        raise ScaffoldError(
            "nothing would be left of the project", fix="to stop it: docker compose down (its data stays)"
        )
    after = resolve(catalog, {**project.answers, "services": remaining, "shared_volumes": []})
    for one in after["brought"]:
        if one["id"] in services:
            raise ScaffoldError(
                f"`{one['id']}` cannot go: {' and '.join(one['by'])} needs it, or has its data there",
                fix=f"remove {' and '.join(one['by'])} as well",
            )
    return remaining


def _answers(project: Existing, catalog: Catalog, remaining: list[str]) -> dict[str, Any]:
    """The project's answers with fewer services; who goes shares no volume any more."""
    from scaffold.catalog.resolve import resolve
    from scaffold.project import answers as answering
    from scaffold.project import shares

    answers = answering.changed(catalog, project.answers, remaining, {})
    before = shares.recorded(answers)
    if not before:
        return answers
    stay = resolve(catalog, {**answers, shares.ANSWER: []})["services"]
    after = shares.remaining(before, stay)
    for share in before:
        for id in (id for id in shares.users_of(share) if id not in stay):
            console.note(f"note: `{id}` leaves the shared volume `{share['name']}`")
    return {**answers, shares.ANSWER: after}


def _refuse_edited(draft: Draft) -> None:
    if draft.edited:
        raise ScaffoldError(
            f"you have edited files that would go: {', '.join(draft.edited)}",
            "they belong to what is removed; git would have them still",
            "look at them, then use --force",
        )
