"""`scaffold template`: a team's own standard, as a template of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from scaffold.cli import console, findings, options
from scaffold.errors import REFUSED

if TYPE_CHECKING:
    from scaffold.team.build import Plan


@click.group(short_help="Make a team's own template.")
def command() -> None:
    """For who sets a team's standard: own services, presets and files, other defaults, and a policy.

    \b
      scaffold template init ml-standard             a folder to write it in
      scaffold template build --out ../ml-template   an ordinary copier template, with versions
    """


@command.command(short_help="Start a team's folder.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def init(folder: Path) -> None:
    """Start a team's folder in DIR, which is new or empty, on the newest release in this install."""
    from scaffold.project import source
    from scaffold.team.start import start

    version = start(folder.expanduser().absolute(), source.BUNDLE)
    console.note(f"{folder} is a team's folder on release {version}: change template.toml, then")
    console.note(f"  scaffold template build {folder} --out REPOSITORY")


@command.command(short_help="Build a team's template.")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--out", required=True, metavar="REPO", type=click.Path(path_type=Path), help="The template's repository."
)
@click.option("--base", metavar="VERSION", help="The release to build on.  [default: the one in template.toml]")
@click.option("--dry-run", is_flag=True, help="Show what would change and change nothing.")
@options.as_json
def build(folder: Path, out: Path, base: str | None, dry_run: bool, as_json: bool) -> int:
    """Lay the team's folder DIR over a release of the standard template, and add the result to REPO as a version.

    REPO is made when it is absent; a bare repository is extended; a clone has to be clean. Push it yourself.
    Nothing is added when the template is the same as before, or when anything in it is wrong.
    """
    from scaffold.project import source
    from scaffold.team.build import carry_out, planned

    with planned(folder.resolve(), out.expanduser().absolute(), base, source.BUNDLE) as plan:
        done = not plan.findings and not dry_run and carry_out(plan)
        if as_json:
            console.document(_report(plan, done))
        else:
            _say(plan, done)
    if plan.findings:
        why = findings.count(list(plan.findings))
        console.failure("the template was not built", why, "put right what is said above, in the team's folder")
        return REFUSED
    return 0


def _report(plan: Plan, done: bool) -> dict[str, object]:
    return {
        "repository": str(plan.repository.path),
        "base": plan.base,
        "template": plan.version or None,
        "commit": plan.refs.commit or None,
        "unchanged": plan.unchanged,
        "done": done,
        "files": [{"path": path, "change": change} for path, change in plan.files],
        "replaced": plan.laid.replaced,
        "dropped_presets": plan.laid.dropped,
        "findings": findings.data(plan.findings),
    }


def _say(plan: Plan, done: bool) -> None:
    for line in findings.lines(plan.findings):
        console.note(line)
    if plan.findings:
        return
    for name in plan.laid.replaced:
        console.note(f"note: {name} is yours: what the standard improves in it does not arrive")
    for name in plan.laid.dropped:
        console.note(f"note: the preset {name} is left out: it chooses what is forbidden")
    for path, change in plan.files:
        console.say(f"{change}\t{path}")
    where = plan.repository.path
    if plan.unchanged:
        console.note(
            f"{plan.version} in {where} is what this comes to: " + ("finished it" if done else "nothing to do")
        )
    elif done:
        branch = plan.repository.branch.removeprefix("refs/heads/")
        console.note(f"built {plan.version} into {where}; publish it: git -C {where} push --tags URL {branch}")
    else:
        console.note(f"would build {plan.version} into {where}")
