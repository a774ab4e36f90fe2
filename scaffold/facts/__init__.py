"""What is known about container images, by version. images.toml alone says it; entries are tested against it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("images.toml")
_HUB = "docker.io"
# Registries where everybody publishes: the path says whose image it is.
_PUBLIC = ("ghcr.io", "quay.io")


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


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What it takes to bring the data of an image to another major: newer (`up`) or older (`down`)."""

    repositories: tuple[str, ...]
    major: re.Pattern[str]
    up: str
    down: str
    source: str

    def major_of(self, reference: str) -> str | None:
        """The part of a reference's tag that is the major; None when the tag does not say it."""
        found = self.major.search(_split(reference)[1])
        return found[1] if found else None


def lookup(reference: str, registry: str = "") -> ImageFacts | None:
    """The facts about an image reference like `postgres:18-trixie`, or None when nothing is known.

    `registry` is where a team mirrors images: below it every image has the name that it has here.
    """
    repository, tag = _split(reference.removeprefix(f"{registry}/"))
    return next((facts for facts in _all() if repository in facts.repositories and facts.covers(tag)), None)


def upgrade(reference: str) -> Upgrade | None:
    """What is known about changing the major of an image, whatever its tag; None when nothing is."""
    repository, _ = _split(reference)
    return next((one for one in _upgrades() if repository in one.repositories), None)


def major(reference: str) -> str | None:
    """The major that a reference's tag says, or what stands for one; None when that is not known."""
    if steps := upgrade(reference):
        return steps.major_of(reference)
    name, tag = _split(reference)
    patterns = (facts.version for facts in _all() if name in facts.repositories)
    return next((found[1] for pattern in patterns if (found := pattern.search(tag))), None)


def image(reference: str) -> tuple[str, str]:
    """The image that a reference names, and its tag. A mirror's `postgres` is `postgres`."""
    return _split(reference)


def _split(reference: str) -> tuple[str, str]:
    """The repository as images.toml has it, or as it is written, and the tag."""
    name, _, _ = reference.partition("@")
    head, _, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    written = f"{head}/{last}" if head else last
    known = {each for facts in _all() for each in facts.repositories}
    return next((each for each in _spellings(written) if each in known), written), tag


def _spellings(written: str) -> Iterator[str]:
    """What a repository may be called here: as written, without Docker Hub's name, without a mirror's."""
    yield written
    host, _, path = written.partition("/")
    if host == _HUB:
        yield path.removeprefix("library/")
    elif host not in _PUBLIC and ("." in host or ":" in host or host == "localhost"):
        # `postgres` on a public registry may be anybody's; on one's own it is a copy.
        while path:
            yield path
            yield f"ghcr.io/{path}"
            path = path.partition("/")[2]


@cache
def _upgrades() -> tuple[Upgrade, ...]:
    versions = {each: facts.version for facts in _all() for each in facts.repositories}
    return tuple(
        Upgrade(
            repositories=tuple(table["repositories"]),
            major=re.compile(table["major"]) if "major" in table else versions[table["repositories"][0]],
            up=table["up"],
            down=table["down"],
            source=table["source"],
        )
        for table in _tables()["upgrade"]
    )


@cache
def _tables() -> dict[str, Any]:
    with _FILE.open("rb") as file:
        return tomllib.load(file)


@cache
def _all() -> tuple[ImageFacts, ...]:
    tables = _tables()["image"]
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
