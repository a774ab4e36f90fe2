# Managed by scaffold: updates merge this file.
"""What a move keeps, and the command that lets go of it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from ops.volumes import presence

if TYPE_CHECKING:
    from ops.compose import Model
    from ops.moving.carry import Moving
    from ops.moving.plan import Move
    from ops.project import Project
    from ops.report import Report


def tell(this: Project, model: Model, moving: Moving, report: Report) -> list[dict[str, str]]:
    """Say it in notes; return it for `--json`."""
    found = [kept(this, model, each, moving) for each in moving.moves]
    for name in moving.work.safeties().values():
        if name not in {each["what"] for each in found}:
            found.append({"what": name, "let_go": f"docker volume rm {name}"})
    for each in found:
        end = f"; when it may go: {each['let_go']}" if each["let_go"] else ""
        report.note(f"`{each['what']}` is kept{end}")
    return found


def kept(this: Project, model: Model, move: Move, moving: Moving) -> dict[str, str]:
    """Return what one move keeps."""
    if move.was:
        name = moving.work.safeties()[move.target]
        return {"what": name, "let_go": f"docker volume rm {name}"}
    if presence.is_folder(move.source):
        return {"what": move.shown, "let_go": f"rm -r {shlex.quote(move.shown)}"}
    if move.path:
        return {"what": move.shown, "let_go": within(model, move)}
    others = [each.project for each in moving.users.stay if each.project != this.name]
    first = f"docker compose -p {others[0]} down; " if others else ""
    return {"what": move.source, "let_go": f"{first}docker volume rm {move.source}" if moving.kept[move.source] else ""}


def within(model: Model, move: Move) -> str:
    """Return a command that removes a folder in a volume, run in a service that has it; empty when none has."""
    key = next((key for key, name in model.volumes.items() if name == move.source), "")
    for service, writes in model.mounting(key).items():
        for mount in (model.document["services"][service].get("volumes") or []) if writes else []:
            if mount.get("source") == key and not mount.get("read_only"):
                path = shlex.quote(f"{mount['target'].rstrip('/')}{move.path}")
                return f"docker compose run --rm --no-deps --user 0 --entrypoint rm {service} -r {path}"
    return ""
