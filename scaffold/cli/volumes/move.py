"""`scaffold volumes move`: data into a volume, or a volume to another place. The project's own `ops` copies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from scaffold.cli import console, options
from scaffold.cli.volumes.text import size
from scaffold.errors import INTERRUPTED, ScaffoldError

_WAYS = (
    "with a volume's name alone it goes where the Compose files put it; else say one of "
    "--place PLACE, --rename NEW, --from-project OLD, --split PATH --into NEW, --bind DIR --into NEW"
)


@dataclass(frozen=True, slots=True)
class Flags:
    """What the command line said."""

    names: tuple[str, ...]
    place: str | None
    rename: str | None
    from_project: str | None
    split: str | None
    bind: Path | None
    into: str | None
    replace: bool
    start: Path
    dry_run: bool
    yes: bool
    as_json: bool

    @property
    def somebody_there(self) -> bool:
        """Whether somebody reads along and can be asked."""
        return console.interactive() and not self.as_json


@click.command(short_help="Move data into a volume, or a volume to another place.")
@click.argument("names", nargs=-1, metavar="[VOLUME]...")
@click.option("--place", metavar="PLACE", help="Have it live there, as `--place` of `scaffold add` says it.")
@click.option("--rename", metavar="NEW", help="Fill the volume NEW, which takes VOLUME's place.")
@click.option("--from-project", metavar="OLD", help="Fetch volumes that this project had under the name OLD.")
@click.option("--split", metavar="PATH", help="Copy the folder PATH of VOLUME into another one.")
@click.option(
    "--bind",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Copy a folder of this machine, such as that of a bind mount.",
)
@click.option("--into", metavar="NEW", help="With --split and --bind: the volume to fill.")
@click.option("--replace", is_flag=True, help="Fill what holds something too; a copy of that is kept.")
@options.project
@options.dry_run
@click.option("--yes", is_flag=True, help="Do not ask before stopping anything.")
@options.as_json
def command(**given: Any) -> int:
    """Move data into a volume of this project by copying it: verified, and kept where it was until you let go of it.

    What writes to it is stopped meanwhile. Interrupted or killed, all is as before; run it again to go on.

    \b
      scaffold volumes move --from-project my-rag              after the folder or `name:` was changed
      scaffold volumes move features --rename training_data    after you renamed it in your Compose file
      scaffold volumes move user_uploads --split images --into images
      scaffold volumes move --bind ./data --into datasets
      scaffold volumes move datasets                           to the driver and options of your Compose file
      scaffold volumes move user_uploads --place nfs:server=nas.example.org,export=/srv/ml
    """
    from scaffold.project import existing

    flags = Flags(**given)
    _check(flags)
    folder = existing.folder_of(flags.start.resolve())
    if flags.place is not None:
        return _place(folder, flags.place, flags)
    if flags.rename is not None:
        _check_rename(folder, flags.names[0], flags.rename)
    return carry_out(folder, _arguments(flags), flags)


def _place(folder: Path, place: str, flags: Flags) -> int:
    """Write the new place into the answers and files, then move what the volume holds. Run again, it goes on."""
    from scaffold.cli.volumes import placed

    look = partial(_possible, folder, flags=flags)
    written = placed.carry_out(flags.start, flags.names[0], place, look, dry_run=flags.dry_run, yes=flags.yes)
    if written and flags.dry_run:
        console.note(f"then it would move what `{flags.names[0]}` holds")
        return 0
    try:
        code = carry_out(folder, _arguments(flags), flags)
        if written and code == INTERRUPTED:
            console.note(
                f"the files have the new place: scaffold volumes move {flags.names[0]}, or take them back with git"
            )
        return code
    except ScaffoldError as error:
        if written:
            error.fix = "; ".join(filter(None, [error.fix, f"then again: scaffold volumes move {flags.names[0]}"]))
        raise


def _check(flags: Flags) -> None:
    """Make sure that the flags mean one thing. Raises ScaffoldError."""
    ways = [flags.place, flags.rename, flags.from_project, flags.split, flags.bind]
    if sum(way is not None for way in ways) > 1 or (not flags.names and not any(way is not None for way in ways)):
        raise ScaffoldError("what is to be moved, and how?", fix=_WAYS)
    if flags.from_project is None and len(flags.names) != (0 if flags.bind is not None else 1):
        raise ScaffoldError(
            "--bind takes no name of a volume" if flags.bind is not None else "which volume is to be moved?",
            fix="see scaffold volumes move --help",
        )
    if (flags.into is None) != (flags.split is None and flags.bind is None):
        raise ScaffoldError(
            "--into goes with --split and --bind, and they with it", fix="name the volume to fill: --into NEW"
        )


def _arguments(flags: Flags) -> list[str]:
    """What the project's `ops move` is told."""
    replace = ["--replace"] if flags.replace else []
    if flags.from_project is not None:
        return ["--from-project", flags.from_project, *(["--only", *flags.names] if flags.names else []), *replace]
    if flags.bind is not None:
        # From where the command was given, as the shell completes it.
        return ["--folder", str(flags.bind.absolute()), "--into", str(flags.into), *replace]
    if flags.rename is None and flags.split is None:
        return ["--anew", flags.names[0]]
    path = ["--path", flags.split] if flags.split is not None else []
    return ["--volume", flags.names[0], *path, "--into", str(flags.into or flags.rename), *replace]


def _check_rename(folder: Path, old: str, new: str) -> None:
    """Make sure that the Compose files have the new name. Raises ScaffoldError that says what to do there."""
    from scaffold.compose.project import ROOT, files_in, read_project

    project = read_project(files_in(folder))
    declared = project.volumes.get(old)
    if declared is None:
        return
    where = f"{declared.place.file}, line {declared.place.line}"
    text = (folder / ROOT).read_text(encoding="utf-8").splitlines()
    mark = next((at for at, line in enumerate(text, 1) if line.strip() == "# your own volumes below this line"), 0)
    if declared.place.file == ROOT and declared.place.line < mark:
        raise ScaffoldError(
            f"`{old}` cannot be renamed: it is a volume of the template",
            f"its name comes from the catalogue ({where}), and the next update would bring it back",
            "only volumes of your own can be renamed",
        )
    users = sorted(name for name, each in project.services.items() if old in {one.source for one in each.mounts})
    raise ScaffoldError(
        f"`{old}` is still declared",
        f"{where}" + (f"; mounted by {', '.join(users)}" if users else ""),
        f"write `{new}` instead of `{old}` there, where it is mounted and described, then run this again",
    )


def carry_out(folder: Path, arguments: Sequence[str], flags: Flags) -> int:
    """Show what `ops move` would do, ask, let it do that, and say what came of it."""
    from scaffold.project import ops

    plan = _planned(folder, arguments, flags)
    if not flags.as_json:
        _show(plan)
    if plan["exit_code"]:
        raise _failure(plan)
    if flags.dry_run or not plan["plan"]:
        return _looked(plan, flags)
    if flags.somebody_there and not flags.yes and not _sure(plan):
        console.note("nothing was changed")
        return INTERRUPTED
    done = ops.run(folder, "move", arguments, watched=flags.somebody_there)
    if "moved" not in done:
        if flags.somebody_there:
            # `ops` has said why.
            return int(done["exit_code"])
        raise _failure(done)
    if flags.as_json:
        console.document({key: value for key, value in done.items() if key != "version"})
    else:
        _tell(done, watched=flags.somebody_there)
    return int(done["exit_code"])


def _planned(folder: Path, arguments: Sequence[str], flags: Flags) -> Mapping[str, Any]:
    """What `ops move` would do; a move that was interrupted is put right first."""
    from scaffold.project import ops

    plan = ops.run(folder, "move", [*arguments, "--dry-run"])
    if plan.get("cause") != "unfinished" or flags.dry_run:
        return plan
    if flags.somebody_there:
        console.note("putting right what a killed run left …")
    done = ops.run(folder, "recover")
    for line in done.get("done", []):
        console.note(f"note: {line}")
    return ops.run(folder, "move", [*arguments, "--dry-run"]) if done["exit_code"] <= 1 else done


def _possible(folder: Path, arguments: Sequence[str], flags: Flags) -> None:
    """Make sure that `ops move` would do it. Raises ScaffoldError with its reason."""
    plan = _planned(folder, arguments, flags)
    if plan["exit_code"]:
        raise _failure(plan)


def _looked(plan: Mapping[str, Any], flags: Flags) -> int:
    if flags.as_json:
        console.document({key: value for key, value in plan.items() if key != "version"})
    elif not plan["plan"]:
        console.note("nothing to do")
    return 0


def _show(plan: Mapping[str, Any]) -> None:
    """The plan, and who stands still meanwhile."""
    for line in plan.get("notes", []):
        console.note(f"note: {line}")
    rows = [
        (one["volume"], f"{one['from']}{'/' if one['path'] else ''}{one['path']}", one["to"], size(one["size"]))
        for one in plan.get("plan", [])
    ]
    if rows:
        console.table([("VOLUME", "FROM", "TO", "SIZE"), *rows])
    if rows and plan["stopped"]:
        console.note(f"stopped meanwhile, for about {plan['seconds']} s: {', '.join(plan['stopped'])}")
    if rows and plan["stays_stopped"]:
        console.note(f"stays stopped: {', '.join(plan['stays_stopped'])}")
    if rows and plan["made_anew"]:
        console.note(f"made anew by Compose afterwards: {', '.join(plan['made_anew'])}")


def _sure(plan: Mapping[str, Any]) -> bool:
    from scaffold.cli import prompts

    volumes = ", ".join(one["to"] for one in plan["plan"])
    return prompts.sure(f"Fill {volumes}?", default=True)


def _tell(done: Mapping[str, Any], *, watched: bool) -> None:
    """What was done, and what is kept."""
    for one in done["moved"]:
        console.note(f"{one['to']}: {one['entries']} entries, {size(one['bytes'])}, compared byte by byte")
    for line in done["notes"]:
        console.note(f"note: {line}")
    for problem in [] if watched else done["problems"]:
        console.failure(problem["what"], problem["why"], problem["fix"])


def _failure(report: Mapping[str, Any]) -> ScaffoldError:
    """The first problem of a report as ours, with its exit code."""
    problem = next(iter(report.get("problems", [])), {"what": "`ops move` failed", "why": "", "fix": ""})
    error = ScaffoldError(problem["what"], problem["why"], problem["fix"])
    error.code = int(report["exit_code"])
    return error
