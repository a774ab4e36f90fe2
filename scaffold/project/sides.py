"""What the template makes of a project without anybody's edits: before an update, and after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from scaffold.project import answers as answering
from scaffold.project.existing import ANSWERS_FILE, Existing
from scaffold.project.render import render
from scaffold.project.source import Template, open_version


@dataclass(frozen=True, slots=True)
class Sides:
    """Both renders, each made when it is first asked for: most updates need neither."""

    project: Existing
    template: Template
    scratch: Path
    online: bool
    folder: Path

    def before(self) -> Path:
        """The folder with the old version and the old answers. Raises as `render` does."""
        folder = self.folder / "before"
        if not folder.is_dir():
            with open_version(self.project.url, self.project.version, online=self.online) as template:
                render(template, _for_copier(self.project.remembered), folder)
        return folder

    def after(self) -> Path:
        """The folder with the new version and the answers that the scratch clone has. Raises as `render` does."""
        folder = self.folder / "after"
        if not folder.is_dir():
            render(self.template, _for_copier(answering.mapping_in(self.scratch / ANSWERS_FILE)), folder)
        return folder


@contextmanager
def sides(project: Existing, template: Template, scratch: Path, *, online: bool) -> Iterator[Sides]:
    """Have a place for both renders for a while."""
    with TemporaryDirectory(prefix="scaffold-sides-") as folder:
        yield Sides(project, template, scratch, online, Path(folder))


def _for_copier(remembered: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in remembered.items() if not key.startswith("_")}
