"""Templates from elsewhere: one that was not used before on this machine is named, and confirmed."""

from __future__ import annotations

from pathlib import Path

import click

from scaffold.cli import console
from scaffold.errors import ScaffoldError


def confirm(url: str, *, yes: bool, quiet: bool = False) -> None:
    """Go on only with a template's address that is known: ours, or one that was confirmed once.

    `yes` confirms it. Raises ScaffoldError when nobody is there to ask, or the answer is no.
    """
    from scaffold.project.source import is_bundled

    if is_bundled(url) or url in _known():
        return
    if not yes:
        if quiet or not console.interactive():
            raise ScaffoldError(
                f"the template at {url} was not used before on this machine",
                "a project runs what its template brings: images, Dockerfiles, and the scripts in ops/",
                "look at it, then confirm it with --yes",
            )
        from scaffold.cli import prompts

        console.note(f"{url} was not used before on this machine.")
        console.note("A project runs what its template brings: images, Dockerfiles, and the scripts in ops/.")
        if not prompts.sure("Use this template?", default=False):
            raise ScaffoldError("the template was not confirmed", "nothing was changed")
    console.note(f"note: {url} is known from now on")
    _remember(url)


def _file() -> Path:
    return Path(click.get_app_dir("scaffold")) / "sources"


def _known() -> list[str]:
    try:
        return _file().read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def _remember(url: str) -> None:
    try:
        _file().parent.mkdir(parents=True, exist_ok=True)
        with _file().open("a", encoding="utf-8") as file:
            file.write(f"{url}\n")
    except OSError as error:
        console.note(f"note: it will be asked again: cannot write {_file()} ({error.strerror})")
