# Managed by scaffold: updates merge this file.
"""Versions of servers: the one that wrote a dump, and the one that an image has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ops import docker

if TYPE_CHECKING:
    from collections.abc import Callable

Version = tuple[int, ...]

DOTTED = re.compile(r"\d+(?:\.\d+)+")


def number(text: str) -> Version:
    """Read `8.0.12`, whatever follows; empty when there is none."""
    return docker.version(text)


def of_image(image: str, ask: Callable[[str], str], *variables: str) -> Version:
    """Return the version of an image's server: what it says itself, else what its tag begins with."""
    for variable in variables:
        # `1:11.8.2+maria~ubu2404`, or the address of an archive: the first number with a dot.
        match = DOTTED.search(ask(variable))
        if match:
            return number(match.group())
    name = image.partition("@")[0].rpartition("/")[2]
    return number(name.partition(":")[2])


def repository(image: str) -> str:
    """Return an image's name without its tag and digest."""
    path, slash, name = image.partition("@")[0].rpartition("/")
    return path + slash + name.partition(":")[0]


def older(have: Version, wanted: Version) -> bool:
    """Tell whether a version is older, as far as both say; patches do not count, and neither does not knowing."""
    length = min(len(have), len(wanted), 2)
    return have[:length] < wanted[:length]


def text(version: Version) -> str:
    """Write a version for people."""
    return ".".join(map(str, version))
