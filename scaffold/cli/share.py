"""`scaffold share`: one volume for several services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from scaffold.cli import change, console, options
from scaffold.errors import ScaffoldError, closest

if TYPE_CHECKING:
    from scaffold.catalog.index import Catalog
    from scaffold.project.existing import Existing
    from scaffold.project.shares import Share, Wish

MANY = "nothing keeps them from writing at once: no lock, the last one wins, and a database file (SQLite) breaks"


_WORDS = ("responsibility", "klass", "backup")


@click.command(short_help="Share a volume between services.")
@click.argument("name")
@click.option("--path", metavar="PATH", help="Where every one of the services finds it, such as /data/features.")
@click.option("--writer", "writers", multiple=True, metavar="SERVICE", help="Who writes it, and owns it.")
@click.option("--reader", "readers", multiple=True, metavar="SERVICE", help="Who reads it. Repeatable.")
@click.option("--responsibility", metavar="TEXT", help="What it is for, in a few words.")
@click.option("--class", "klass", metavar="CLASS", help="What losing it would mean.  [default: files]")
@click.option("--backup", metavar="HOW", help="files, sqlite or none.  [default: files; for the class cache: none]")
@click.option("--place", metavar="PLACE", help="Where a new one lives, as `--place` of `scaffold add` says it.")
@click.option("--multi-writer", is_flag=True, help=f"Allow more than one --writer; {MANY}.")
@options.changing
def command(name: str, multi_writer: bool, place: str | None, **given: Any) -> int:
    """Share the volume NAME between services of the project in this folder: one writes it, others read it.

    Of a volume that is shared already, what is given becomes otherwise, and the rest stays. Data is never moved.

    \b
      scaffold share features --path /data/features --writer flask --reader fastapi --responsibility "Features"
      scaffold share features --reader fastapi --reader mlflow
    """
    from scaffold.catalog import placement
    from scaffold.catalog.index import load
    from scaffold.catalog.resolve import resolve
    from scaffold.project import answers as answering
    from scaffold.project import shares

    wish = _wished(name, given)
    _check_writers(wish, allowed=multi_writer)
    flags = change.Flags(**given)
    project, _ = change.opened(flags)
    with change.template_of(project, flags) as template:
        catalog = load(template.root)
        answering.check_offered(catalog, project.answers, project.version)
        shares.check_known(catalog, project.version)
        before = shares.recorded(project.answers)
        _check_services(wish, resolve(catalog, project.answers)["services"])
        after = shares.with_wish(before, wish)
        if after == before and place is None:
            return change.nothing(project, flags)
        answers = {**project.answers, shares.ANSWER: after}
        if place is not None:
            given_place = placement.from_flags([f"{name}={place}"])
            answers[placement.KEY] = placement.merged(answers.get(placement.KEY), given_place)
        resolve(catalog, answers)
        old, new = (shares.named(some, name) for some in (before, after))
        if new is not None:
            _look(project, catalog, old, new)
        return change.apply(project, template, answers, flags)


def _wished(name: str, given: dict[str, Any]) -> Wish:
    """What is wanted of the volume, taken out of the flags."""
    from scaffold.project.shares import Wish

    writers, readers = (tuple(dict.fromkeys(given.pop(key))) for key in ("writers", "readers"))
    return Wish(name, given.pop("path"), writers, readers, *(given.pop(key) for key in _WORDS))


def _check_services(wish: Wish, services: list[str]) -> None:
    for id in (*wish.writers, *wish.readers):
        if id not in services:
            raise ScaffoldError(f"`{id}` is not in this project", fix=closest(id, services))


def _check_writers(wish: Wish, *, allowed: bool) -> None:
    if len(wish.writers) > 1 and not allowed:
        raise ScaffoldError(
            f"{' and '.join(wish.writers)} would both write `{wish.name}`",
            MANY,
            "give each a volume of its own that the others read; or, if they never touch the same file: --multi-writer",
        )


def _look(project: Existing, catalog: Catalog, old: Share | None, new: Share) -> None:
    """Refuse what meets the owner's own edits, and say what else a change means."""
    from scaffold.compose.project import files_in, read_project
    from scaffold.project import shares

    there = read_project(files_in(project.folder))
    if old is None:
        shares.check_free(catalog, there, new["name"])
    shares.check_own(there, new)
    if new.get("more_writers"):
        console.note(f"note: {' and '.join([new['writer'], *new['more_writers']])} write `{new['name']}`: {MANY}")
    if command := shares.handed_over(catalog, old, new):
        console.note(
            f"note: what is in `{new['name']}` belongs to another user than `{new['writer']}` has; give it over once:"
        )
        console.note(f"  {command}")
