"""`scaffold new`: choose, look at the plan, create."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from scaffold.cli import console, options, review, sources
from scaffold.errors import INTERRUPTED, NEEDS_YOU, ScaffoldError

if TYPE_CHECKING:
    from scaffold.catalog.index import Catalog
    from scaffold.project.source import Template


@dataclass(frozen=True, slots=True)
class Flags:
    """What the command line said."""

    dest: Path
    presets: tuple[str, ...]
    services: tuple[str, ...]
    settings: tuple[str, ...]
    places: tuple[str, ...]
    answers_file: Path | None
    template: str | None
    defaults: bool
    yes: bool
    dry_run: bool
    as_json: bool
    no_git: bool

    @property
    def somebody_there(self) -> bool:
        """Whether questions can be asked."""
        return console.interactive() and not self.as_json


@click.command(
    short_help="Start a project.",
    epilog="A question without an answer is asked on a terminal, and takes its default elsewhere.",
)
@click.argument("dest", type=click.Path(path_type=Path))
@click.option("--preset", "presets", multiple=True, metavar="NAME", help="Choose the services of a preset. Repeatable.")
@click.option("-s", "--service", "services", multiple=True, metavar="ID", help="Choose a service. Repeatable.")
@options.settings
@options.places
@click.option(
    "--answers",
    "answers_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Take answers from a YAML or JSON file; flags win over it.",
)
@options.template
@options.defaults
@click.option("--yes", is_flag=True, help="Do not ask before creating.")
@options.dry_run
@options.as_json
@click.option("--no-git", is_flag=True, help="Make no repository.")
def command(**given: Any) -> int:
    """Start a project in DEST: an absent or empty folder, or a cloned repository.

    \b
      scaffold new my-app                                  ask everything
      scaffold new my-app --preset web
      scaffold new my-app -s flask -s postgres --set postgres_major=17
      scaffold new . --answers team.yaml --yes             beside the files of a repository
      scaffold new my-app --preset web --place user_uploads=nfs:server=10.0.0.5,export=/srv/ml
    """
    from scaffold.catalog.index import load
    from scaffold.project.source import address_of, open_template

    flags = Flags(**given)
    if flags.template and (url := address_of(flags.template)):
        sources.confirm(url, yes=flags.yes, quiet=flags.as_json)
    with open_template(flags.template) as template:
        if template.updatable:
            sources.confirm(template.url, yes=flags.yes, quiet=flags.as_json)
        catalog = load(template.root)
        return _create(flags, template, catalog, _answers(flags, catalog))


def _answers(flags: Flags, catalog: Catalog) -> dict[str, Any]:
    """Answers from flags, file, questions and defaults; each wins over those after it."""
    from scaffold.catalog import placement
    from scaffold.project import answers as answering

    given = answering.from_file(flags.answers_file) if flags.answers_file else {}
    given |= answering.from_flags(flags.settings)
    if flags.places:
        given[placement.KEY] = placement.merged(given.get(placement.KEY), placement.from_flags(flags.places))
    listed = given.get("services") or []
    if not isinstance(listed, list):
        raise ScaffoldError("`services` is not a list", fix="write services: [flask, mongo]")
    given["services"] = answering.merged_services(catalog, flags.presets, [*map(str, listed), *flags.services])
    if flags.somebody_there and not flags.defaults:
        given = _ask(given, catalog, flags.dest.absolute())
    if not given["services"]:
        raise ScaffoldError(
            "no service was chosen", fix="pass -s SERVICE or --preset NAME; `scaffold list` shows what there is"
        )
    given.setdefault("project_name", answering.suggested_name(flags.dest.absolute()))
    return answering.complete(catalog, given)


def _ask(given: dict[str, Any], catalog: Catalog, destination: Path) -> dict[str, Any]:
    from scaffold.cli import wizard
    from scaffold.project import answers as answering

    if "project_name" not in given:
        given["project_name"] = wizard.ask_name(answering.suggested_name(destination))
    if not given["services"]:
        given["services"] = answering.merged_services(catalog, [], wizard.ask_services(catalog))
    return wizard.ask_rest(catalog, given)


def _create(flags: Flags, template: Template, catalog: Catalog, answers: dict[str, Any]) -> int:
    from scaffold.catalog import placement
    from scaffold.catalog.resolve import resolve

    stack = resolve(catalog, answers)
    placement.check(stack, answers)
    if not flags.as_json:
        review.show(answers, stack)
    if not template.updatable:
        console.note("note: the template is a working tree, not a release: this project cannot be updated from it")
    # copier takes half a second to load: by now there is something to read.
    from scaffold.project import create

    with create.draft(template, answers, flags.dest.expanduser().absolute(), keep=not flags.dry_run) as draft:
        outcome = None
        if not flags.dry_run:
            if flags.somebody_there and not flags.yes and not _confirmed(draft):
                return INTERRUPTED
            outcome = create.carry_out(draft, with_git=not flags.no_git, say=console.note)
        if flags.as_json:
            console.document(review.report(template, answers, stack, draft, outcome))
        elif outcome is None:
            review.show_files(draft)
        else:
            review.tell(draft, outcome, stack, with_git=not flags.no_git)
    return NEEDS_YOU if outcome and outcome.ops["exit_code"] else 0


def _confirmed(draft: Any) -> bool:
    from scaffold.cli import prompts

    placement = draft.placement
    for file in placement.kept:
        console.note(f"note: {file} stays as it is")
    for file in placement.merged:
        console.note(f"note: {file} gets the lines it lacks")
    sure = prompts.sure(f"Create {len(placement.created)} files in {draft.destination}?", default=True)
    if not sure:
        console.note("nothing was changed")
    return sure
