"""Whether a project's volumes stay where they are: what the answers put elsewhere would leave its data behind."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scaffold.catalog import placement
from scaffold.catalog.index import load
from scaffold.catalog.resolve import resolve
from scaffold.compose.project import files_in, read_project
from scaffold.errors import ScaffoldError
from scaffold.project.existing import Existing


def check(project: Existing, root: Path, answers: Mapping[str, Any], *, force: bool) -> None:
    """Make sure that the template at `root` can place volumes as `answers` say, and that none moves; unless `force`.

    Nobody asks the engine whether a volume is there yet: who knows that it is not, says so with `force`.
    Raises ScaffoldError.
    """
    if not answers.get(placement.KEY) and not project.answers.get(placement.KEY):
        return
    catalog = load(root)
    stack = resolve(catalog, answers)
    placement.check(stack, answers, project.answers.get(placement.KEY))
    declared = {name: volume.settings for name, volume in read_project(files_in(project.folder)).volumes.items()}
    moved = placement.moved(resolve(catalog, project.answers), stack, declared)
    if moved and not force:
        raise _stays(moved, answers.get(placement.KEY, {}))


def _stays(moved: list[placement.Moved], placed: object) -> ScaffoldError:
    first = moved[0]
    others = f", and {len(moved) - 1} more" if len(moved) > 1 else ""
    place = next((text for name, text in placement.lines(placed) if name == first.volume), "PLACE")
    return ScaffoldError(
        f"volume `{first.volume}` would move from {first.before} to {first.after}{others}",
        "the project has it already: its data would stay behind, and Compose would offer to delete it",
        f"take the data along: scaffold volumes move {first.volume} --place {place}; leave it where it is: --place "
        f"{first.volume}=local; or, if nothing was ever written to it, --force",
    )
