"""What `rm` and `prune` have in common: look, show what would be lost, ask, remove."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaffold.cli import console
from scaffold.cli.volumes import shared, text
from scaffold.errors import NEEDS_YOU, ScaffoldError

if TYPE_CHECKING:
    from scaffold.cli.volumes.shared import View
    from scaffold.engine.removal import Candidate, Outcome, Usage
    from scaffold.engine.rows import Row


@dataclass(frozen=True, slots=True)
class Flags:
    """What the command line of such a verb said."""

    project: str | None
    to: str | None
    repository: str | None
    dry_run: bool
    yes: bool
    force: bool
    as_json: bool


def candidates(view: View, rows: Sequence[Row], flags: Flags) -> list[Candidate]:
    """The volumes with what speaks against removing them, and what would be lost with them."""
    from scaffold.engine.removal import Candidate, barred, unsaved

    bars = {row.name: barred(row, view.known, view.state, view.others) for row in rows}
    backups = shared.backups_of(view.known, view.ops, flags.to, flags.repository)
    found = usages(view.ops, [row for row in rows if not bars[row.name]])
    listed = []
    for row in rows:
        usage = found.get(row.name) or unseen()
        # Of what may not go anyhow nobody has to know how safe it is.
        backup, reasons = (None, ()) if bars[row.name] else unsaved(row, backups, usage)
        listed.append(Candidate(row, bars[row.name], reasons, usage, backup))
    return listed


def usages(folder: Path | None, rows: Sequence[Row]) -> dict[str, Usage]:
    """What volumes hold, told by the project's own `ops` in a folder."""
    from scaffold.engine.removal import usage_of

    there = [row for row in rows if row.held is not None]
    if folder is None:
        return {row.name: usage_of(None, shared.NO_OPS) for row in there}
    found = _looked(folder, there)
    # One that cannot be looked into must not hide the others.
    alone = {row.name: found[row.name] if row.name in found else _looked(folder, [row])[row.name] for row in there}
    return {row.name: _same(row, alone[row.name]) for row in there}


def _looked(folder: Path, rows: Sequence[Row]) -> dict[str, Usage]:
    """What one run of `ops usage` says; of a single volume also why it says nothing."""
    from scaffold.engine.removal import usage_of
    from scaffold.project import ops

    if not rows:
        return {}
    if console.interactive():
        console.note(f"looking into {', '.join(row.name for row in rows)} …")
    document, why = ops.ask(folder, "usage", *(row.name for row in rows))
    said = {each["name"]: usage_of(each) for each in (document or {}).get("volumes") or []}
    return said or ({rows[0].name: usage_of(None, why)} if len(rows) == 1 else {})


def _same(row: Row, usage: Usage) -> Usage:
    """What was seen, if it was seen in the same volume: `ops` asks the engine by way of the `docker` command."""
    from scaffold.engine.removal import Usage, seconds

    if usage.reason or usage.created == (seconds(row.held.created) if row.held else None):
        return usage
    return Usage(reason="`docker`, which `ops` asks, leads to another volume of that name")


def unseen() -> Usage:
    """Of a volume into which nobody looked."""
    from scaffold.engine.removal import Usage

    return Usage(reason="not looked into")


def content(usage: Usage) -> dict[str, Any] | None:
    """What a volume holds, for other programs."""
    if usage.reason:
        return None
    return {
        "size": usage.size,
        "entries": usage.entries,
        "changed": usage.changed.isoformat() if usage.changed else None,
        "folders": [{"path": path, "size": size} for path, size in usage.folders],
    }


def refusal(candidate: Candidate) -> ScaffoldError:
    """Why a volume that was named is not removed."""
    name = candidate.row.name
    if candidate.barred:
        fix = "docker compose down, then this again" if candidate.row.uses else "scaffold volumes --all"
        return ScaffoldError(f"volume `{name}` stays, and nothing was removed", candidate.barred[0], fix)
    fix = "python3 ops backup && python3 ops verify, then this again; --force removes it without"
    return ScaffoldError(f"volume `{name}` stays, and nothing was removed", candidate.unsaved[0], fix)


def run(view: View, listed: Sequence[Candidate], flags: Flags) -> int:
    """Show the list, ask, and remove what may go of it. The exit code of the command."""
    chosen = [each for each in listed if each.allowed(force=flags.force)]
    left = [each for each in listed if each not in chosen]
    if not flags.as_json:
        for each in listed:
            _show(each, flags)
    outcome = None
    if chosen and not flags.dry_run:
        _verify(view, chosen, flags)
        outcome = _carry_out(view, _asked(chosen, flags), flags)
    if flags.as_json:
        console.document(_document(view, listed, outcome, flags))
    for name, why in (outcome.failed if outcome else {}).items():
        console.failure(f"volume `{name}` was not removed", why, "look again: scaffold volumes")
    return NEEDS_YOU if left or (outcome and outcome.failed) else 0


def _show(candidate: Candidate, flags: Flags) -> None:
    row, usage, now = candidate.row, candidate.usage, datetime.now(UTC)
    verb = "would be removed" if candidate.allowed(force=flags.force) else "stays"
    console.heading(f"{row.name}  {verb}")
    facts = [
        ("status", f"{row.status}, {row.attached}"),
        ("responsibility", row.responsibility),
        ("holds", text.holds(usage) or (usage.reason if not candidate.barred else "")),
        ("changed", text.ago(usage.changed, now) if usage.changed else ""),
        ("backup", f"set {candidate.backup.id}, {text.ago(candidate.backup.started, now)}" if candidate.backup else ""),
        ("then", "the next `up` makes it anew, empty" if row.declared else ""),
    ]
    console.table(fact for fact in facts if fact[1])
    for line in candidate.barred:
        console.note(f"refused: {line}")
    for line in candidate.unsaved:
        console.note(f"{'lost' if flags.force else 'refused'}: {line}")


def _verify(view: View, chosen: Sequence[Candidate], flags: Flags) -> None:
    """Have the sets that are relied on checked now: once verified is not still there. Raises ScaffoldError."""
    from scaffold.project import ops

    sets = dict.fromkeys(each.backup.id for each in chosen if each.backup and not each.unsaved)
    for id in sets:
        console.note(f"checking set {id} once more …")
        assert view.ops is not None, "that a set is there was told by it"
        document, why = ops.ask(view.ops, "verify", id, *shared.sets_in(flags.to, flags.repository))
        if document is None or document["exit_code"] or not (document.get("verified") or {}).get("good"):
            raise ScaffoldError(
                f"backup set {id} is not good any more, so nothing was removed", why, "python3 ops backup, then verify"
            )


def _asked(chosen: Sequence[Candidate], flags: Flags) -> list[Candidate]:
    """Those whose names were typed again. Raises ScaffoldError when nobody is there to type."""
    if flags.yes:
        return list(chosen)
    if flags.as_json or not console.interactive():
        names = [each.row.name for each in chosen]
        said = [*(["--project", flags.project] if flags.project else []), *(["--force"] if flags.force else [])]
        raise ScaffoldError(
            "nobody is there to confirm, so nothing was removed",
            fix=shlex.join(["scaffold", "volumes", "rm", *names, *said, "--yes"]),
        )
    from scaffold.cli import prompts

    agreed = []
    for each in chosen:
        name = each.row.name
        answer = prompts.text(f"To remove it for ever, type {name} (empty: it stays)", "", _is(name))
        agreed += [each] if answer == name else []
    return agreed


def _is(name: str) -> Callable[[str], str | None]:
    return lambda said: None if said in {"", name} else f"that is not {name}"


def _carry_out(view: View, chosen: Sequence[Candidate], flags: Flags) -> Outcome:
    from scaffold.engine.removal import carry_out

    said = (lambda _: None) if flags.as_json else console.note
    return carry_out(view.engine, chosen, said)


def _document(view: View, listed: Sequence[Candidate], outcome: Outcome | None, flags: Flags) -> dict[str, Any]:
    from scaffold.engine import rows

    return {
        "project": view.known.name,
        "dry_run": flags.dry_run,
        "volumes": [
            {
                **rows.document(each.row),
                "content": content(each.usage),
                "backup_set": each.backup.id if each.backup else None,
                "removable": each.allowed(force=flags.force),
                "refused": list(each.barred),
                "unsaved": list(each.unsaved),
            }
            for each in listed
        ],
        "removed": outcome.removed if outcome else [],
        "failed": outcome.failed if outcome else {},
    }
