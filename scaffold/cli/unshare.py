"""`scaffold unshare`: a shared volume leaves the project's files, and its data stays."""

from __future__ import annotations

from typing import Any

import click

from scaffold.cli import change, console, options
from scaffold.errors import INTERRUPTED


@click.command(short_help="Take a shared volume out of a project; its data stays.")
@click.argument("name")
@options.changing
def command(name: str, **given: Any) -> int:
    """Take the shared volume NAME out of the project in this folder. What is in it stays in the engine.

    It is a retired volume then, which `python3 ops status` names. `scaffold share` with the same name finds it again.

    \b
      scaffold unshare features
    """
    from scaffold.catalog.index import load
    from scaffold.project import answers as answering
    from scaffold.project import shares

    flags = change.Flags(**given)
    project, _ = change.opened(flags)
    with change.template_of(project, flags) as template:
        answering.check_offered(load(template.root), project.answers, project.version)
        before = shares.recorded(project.answers)
        after = shares.without(before, name)
        gone = next(one for one in before if one["name"] == name)
        code = change.apply(project, template, {**project.answers, shares.ANSWER: after}, flags)
        if code == INTERRUPTED:
            return code
        console.note(f"`{name}` keeps its data in the engine; to have it back:")
        console.note(f"  {_again(gone)}")
        return code


def _again(share: dict[str, Any]) -> str:
    """The command that shares it as it was."""
    import shlex

    words = ["scaffold", "share", share["name"], "--path", share["path"], "--writer", share["writer"]]
    for id in share.get("more_writers", []):
        words += ["--writer", id]
    words += ["--multi-writer"] if share.get("more_writers") else []
    for id in share.get("readers", []):
        words += ["--reader", id]
    words += ["--responsibility", share["responsibility"]]
    for key in ("class", "backup"):
        words += [f"--{key}", share[key]] if key in share else []
    return shlex.join(words)
