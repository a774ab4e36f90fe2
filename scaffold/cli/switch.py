"""`scaffold switch`: the same project, its template from another address."""

from __future__ import annotations

from pathlib import Path

import click

from scaffold.cli import console, options, sources
from scaffold.errors import ScaffoldError


@click.command(short_help="Follow the template at another address.")
@click.argument("url")
@options.project
@click.option("--yes", is_flag=True, help="Confirm an address that was not used before on this machine.")
@click.option("--force", is_flag=True, help="Also where the old and the new template cannot be compared, or differ.")
@options.as_json
def command(url: str, start: Path, yes: bool, force: bool, as_json: bool) -> int:
    """Have the project in this folder follow the template at URL: a mirror, a fork, a team's own.

    The project's version must exist there, and hold the same template. Nothing else changes; `scaffold update` then
    goes on from the new address.

    \b
      scaffold switch https://git.example.com/platform/template.git
    """
    from scaffold.project import existing, source, switch

    project = existing.find(start.resolve())
    existing.check_repository(project)
    existing.check_clean(project)
    address = source.address_of(url)
    if address is None:
        raise ScaffoldError(f"{url} is a working tree", "its versions are in its repository", f"name that: {url}/.git")
    url = address
    if url == project.url:
        raise ScaffoldError(f"{project.folder} follows {url} already")
    sources.confirm(url, yes=yes, quiet=as_json)
    newest = switch.check(project, url, force=force, say=console.note)[-1]
    switch.carry_out(project, url)
    if as_json:
        template = {"from": project.url, "to": url, "version": project.version, "newest": newest}
        console.document(
            {"project": project.answers["project_name"], "path": str(project.folder), "template": template}
        )
        return 0
    console.note(f"{project.folder} follows {url} now, still at {project.version}")
    console.note("next:")
    console.say(f"  git commit --message 'Follow another template' -- {existing.ANSWERS_FILE}")
    if newest != project.version:
        console.say(f"  scaffold update   # to {newest}")
    return 0
