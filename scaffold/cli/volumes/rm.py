"""`scaffold volumes rm`: remove volumes by name."""

from __future__ import annotations

from typing import Any

import click

from scaffold.cli.volumes import removing, shared


@click.command(short_help="Remove volumes.")
@click.argument("names", nargs=-1, required=True, metavar="VOLUME...")
@shared.removing
def command(names: tuple[str, ...], **given: Any) -> int:
    """Remove volumes of one project: all that are named, or none.

    Each is looked into and shown first, and its name has to be typed again. Refused is what a container mounts, even
    a stopped one; what is not this project's by label, name and file; and, without --force, what is not in a verified
    backup set that was made after its last change.

    \b
      scaffold volumes rm redis_data
      scaffold volumes rm my-app_redis_data --yes      in a script
    """
    flags = removing.Flags(**given)
    with shared.connected() as engine:
        view = shared.view(engine, flags.project)
        rows = list({row.name: row for row in map(view.row, names)}.values())
        listed = removing.candidates(view, rows, flags)
        refused = [each for each in listed if not each.allowed(force=flags.force)]
        if refused and not flags.dry_run:
            raise removing.refusal(refused[0])
        return removing.run(view, listed, flags)
