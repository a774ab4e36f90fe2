"""`scaffold add`: more services for a project that is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from scaffold.cli import change, console, options
from scaffold.errors import ScaffoldError

if TYPE_CHECKING:
    from scaffold.catalog.index import Catalog
    from scaffold.project.existing import Existing


@click.command(short_help="Add services to a project.")
@click.argument("services", nargs=-1, metavar="SERVICE...")
@click.option("--preset", "presets", multiple=True, metavar="NAME", help="Add the services of a preset. Repeatable.")
@options.settings
@options.places
@options.defaults
@options.changing
def command(
    services: tuple[str, ...],
    presets: tuple[str, ...],
    settings: tuple[str, ...],
    places: tuple[str, ...],
    defaults: bool,
    **given: Any,
) -> int:
    """Add services to the project in this folder, from the version of its template that it is at.

    Your edits stay, and so do data and secrets: a service that was there before finds its volumes again.

    \b
      scaffold add redis
      scaffold add postgres --set postgres_major=17
      scaffold add redis mlflow --dry-run
      scaffold add ollama --place ollama_models=block:device=/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0abc
    """
    from scaffold.catalog import placement
    from scaffold.catalog.index import load
    from scaffold.project import answers as answering

    flags = change.Flags(**given)
    project, _ = change.opened(flags)
    with change.template_of(project, flags) as template:
        catalog = load(template.root)
        answering.check_offered(catalog, project.answers, project.version)
        added = answering.merged_services(catalog, presets, services)
        if not added and not places:
            raise ScaffoldError("no service was named", fix="name one; `scaffold list` shows what there is")
        chosen = project.answers["services"]
        for id in (id for id in added if id in chosen):
            console.note(f"note: `{id}` is there already")
        if set(added) <= set(chosen) and not places:
            return change.nothing(project, flags)
        ask = not defaults and flags.somebody_there
        answers = _answers(project, catalog, added, answering.from_flags(settings), ask=ask)
        if places:
            answers[placement.KEY] = placement.merged(answers.get(placement.KEY), placement.from_flags(places))
        return change.apply(project, template, answers, flags)


def _answers(
    project: Existing, catalog: Catalog, added: list[str], given: dict[str, Any], *, ask: bool
) -> dict[str, Any]:
    """The project's answers with more services, and what those ask."""
    from scaffold.project import answers as answering

    services = [id for id in catalog.entries if id in {*project.answers["services"], *added}]
    if ask:
        from scaffold.cli import wizard

        asked = wizard.ask_rest(catalog, {**project.answers, **given, "services": services})
        given = {key: value for key, value in asked.items() if key not in project.answers}
    return answering.changed(catalog, project.answers, services, given)
