"""What is known about container images, by version. images.toml alone says it; entries are tested against it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("images.toml")


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What an image does, for the versions from `since` up to, without, `before` (None: no limit)."""

    repositories: tuple[str, ...]
    version: re.Pattern[str]
    since: int | None
    before: int | None
    volumes: tuple[str, ...]
    state: tuple[str, ...]
    user: str
    owner: str
    tools: tuple[str, ...]
    missing: tuple[str, ...]
    source: str

    def covers(self, tag: str) -> bool:
        """Whether these facts hold for `tag`."""
        match = self.version.search(tag)
        if match is None:
            return False
        version = int(match[1])
        return (self.since is None or version >= self.since) and (self.before is None or version < self.before)


def lookup(reference: str) -> ImageFacts | None:
    """The facts about an image reference like `postgres:18-trixie`, or None when nothing is known."""
    repository, _, tag = reference.rpartition(":")
    return next((facts for facts in _all() if repository in facts.repositories and facts.covers(tag)), None)


@cache
def _all() -> tuple[ImageFacts, ...]:
    with _FILE.open("rb") as file:
        tables = tomllib.load(file)["image"]
    return tuple(
        ImageFacts(
            repositories=tuple(table["repositories"]),
            version=re.compile(table["version"]),
            since=table.get("since"),
            before=table.get("before"),
            volumes=tuple(table["volumes"]),
            state=tuple(table["state"]),
            user=table["user"],
            owner=table["owner"],
            tools=tuple(table["tools"]),
            missing=tuple(table["missing"]),
            source=table["source"],
        )
        for table in tables
    )
