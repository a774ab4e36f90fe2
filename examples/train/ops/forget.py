# Managed by scaffold: updates merge this file.
"""Remove old sets by rule, never the last good one; or protect a set from being removed."""

from __future__ import annotations

import argparse
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from ops import files, flags, project
from ops.errors import ATTENTION, OpsError, Problem
from ops.report import Report, table
from ops.sets import folder, manifest, places, private, retention
from ops.text import counted, size
from ops.volumes import lock

if TYPE_CHECKING:
    from pathlib import Path

    from ops.sets.folder import Found

PERIODS = {
    "last": "the N newest sets; for this and the next five, `unlimited` or -1 is all",
    "hourly": "the newest set of each of N hours",
    "daily": "the newest set of each of N days",
    "weekly": "the newest set of each of N weeks",
    "monthly": "the newest set of each of N months",
    "yearly": "the newest set of each of N years",
}


def options(verb: argparse.ArgumentParser) -> None:
    """Declare the options."""
    for period, help in PERIODS.items():
        verb.add_argument(f"--keep-{period}", type=count, default=0, metavar="N", help=help)
    verb.add_argument(
        "--keep-within", default="", metavar="DURATION", help="all sets of the time before the newest: 2y5m7d3h"
    )
    verb.add_argument("--protect", metavar="SET", help="never remove this set")
    verb.add_argument("--unprotect", metavar="SET", help="treat this set as any other again")
    flags.ping(verb)
    places.options(verb)
    verb.add_argument("--dry-run", action="store_true", help="say what would be kept, and why; remove nothing")


def count(text: str) -> int:
    """Read how many sets to keep; `unlimited` is restic's own word for all."""
    if text == "unlimited":
        return retention.ALL
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"`{text}` is neither a number nor `unlimited`") from None


def run(root: Path, options: argparse.Namespace) -> Report:
    """Apply a policy to the sets of this project."""
    this = project.load(root)
    place = places.of(this, options)
    report = Report({"project": this.name, "dry_run": options.dry_run})
    with lock.folder_held(this):
        if options.protect or options.unprotect:
            path = folder.find(this, place.home, options.protect or options.unprotect)
            place.protect(path.name, wanted=bool(options.protect))
            return protect(path, bool(options.protect), report)
        counts = {period: getattr(options, f"keep_{period}") for period in PERIODS}
        policy = retention.Policy(**counts, within=options.keep_within)
        sets = readable(place.home, report)
        decisions = retention.decide([dated(each) for each in sets], policy, datetime.now(timezone.utc))  # noqa: UP017 (Python 3.9 has no UTC)
        if not options.dry_run:
            place.forget([each.id for each in decisions if not each.keep])
        carry_out({each.path.name: each for each in sets}, decisions, report, dry=options.dry_run)
    return report


def protect(path: Path, wanted: bool, report: Report) -> Report:
    """Mark a set as one to keep, or take the mark away."""
    folder.mark(path, wanted)
    report.document.update(set=path.name, protected=wanted)
    report.last = f"set {path.name} is {'protected' if wanted else 'no longer protected'}"
    return report


def readable(home: Path, report: Report) -> list[Found]:
    """Return the sets that can be read; others stay, and are named."""
    found = []
    for path in folder.sets(home):
        try:
            found.append(folder.look(path))
        except OpsError as error:
            report.add(error.problem, ATTENTION)
    return found


def dated(found: Found) -> retention.Dated:
    """Return what a policy looks at."""
    good = found.manifest.complete and not found.doubted
    when = datetime.fromtimestamp(folder.seconds(found.manifest.started), timezone.utc)  # noqa: UP017
    return retention.Dated(found.path.name, when, good, found.protected)


def carry_out(sets: dict[str, Found], decisions: list[retention.Decision], report: Report, *, dry: bool) -> None:
    """Remove what is not kept."""
    removed, freed = [], 0
    rows = []
    for each in decisions:
        outcome = "keep" if each.keep else "remove"
        if not each.keep and not dry:
            left = remove(sets[each.id])
            if left:
                report.add(left, ATTENTION)
                outcome = "left"
        if outcome == "remove":
            removed.append(each.id)
            freed += sets[each.id].manifest.size
        rows.append([each.id, outcome, ", ".join(each.reasons)])
    report.lines += table(["SET", "", "WHY"], rows)
    report.document.update(
        kept=[each.id for each in decisions if each.keep],
        removed=removed,
        reasons={each.id: each.reasons for each in decisions},
    )
    would = "would be " if dry else ""
    report.last = f"{counted(len(removed), 'set')} {would}removed, {size(freed)}"


def remove(found: Found) -> Problem | None:
    """Remove a set, but no file that is not of it."""
    secrets = private.file_of(found.manifest)
    stored = [*(file for item in found.manifest.items for file in item.files), *([secrets] if secrets else [])]
    ours = {found.path / name for name in (manifest.NAME, folder.CHECKS, *(file.path for file in stored))}
    # A verify or a drill that was killed may have left a note without its name.
    ours |= set(found.path.glob(f"{files.UNFINISHED}*"))
    strange = [each for each in found.path.rglob("*") if not each.is_dir() and each not in ours]
    if strange:
        why = f"`{strange[0].relative_to(found.path)}` is not of it"
        return Problem(f"set `{found.path.name}` was left", why, "move that elsewhere, then run this again")
    gone = found.path.with_name(f".{found.path.name}.partial")
    found.path.rename(gone)  # from here on it is no set, whatever happens
    folder.discard(gone)
    return None
