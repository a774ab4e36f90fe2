"""`scaffold volumes prune`: remove what a project no longer needs."""

from __future__ import annotations

from typing import Any

import click

from scaffold.cli import console
from scaffold.cli.volumes import removing, shared
from scaffold.errors import ScaffoldError


@click.command(short_help="Remove volumes that are no longer needed.")
@click.argument("names", nargs=-1, metavar="[VOLUME]...")
@shared.removing
def command(names: tuple[str, ...], **given: Any) -> int:
    """Remove the retired, orphaned and anonymous volumes of one project; with VOLUME, those of them.

    Declared volumes stay, and so does what a container mounts, and without --force what is in no verified backup set.
    Each name has to be typed again; a script says --yes and the names, so that it removes what somebody has seen.

    \b
      scaffold volumes prune --dry-run
      scaffold volumes prune my-app_redis_data --yes
    """
    from scaffold.engine.removal import PRUNED

    flags = removing.Flags(**given)
    if flags.yes and not names and not flags.dry_run:
        raise ScaffoldError(
            "--yes needs the names of the volumes", "what is to go may be another list by then", "see it: --dry-run"
        )
    with shared.connected() as engine:
        view = shared.view(engine, flags.project)
        rows = [row for row in view.rows if row.status in PRUNED]
        if names:
            named = list({row.name: row for row in map(view.row, names)}.values())
            others = [row for row in named if row not in rows]
            if others:
                raise ScaffoldError(
                    f"`{others[0].name}` is {others[0].status}: prune leaves it alone",
                    fix=f"scaffold volumes rm {others[0].name}",
                )
            rows = named
        if not rows and not flags.as_json:
            console.note(f"nothing to prune: {view.known.name} has no retired, orphaned or anonymous volume")
        return removing.run(view, removing.candidates(view, rows, flags), flags)
