"""Images that changed, whether their major did, and what that asks for where data is at stake."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from scaffold import facts
from scaffold.compose.project import Project, Service, in_both

Major = Literal["same", "up", "down", "unknown"]

# Data that can be had again: a server that cannot read it fills it anew.
_REPLACEABLE = {"cache", "logs"}
_STORES = {"database", "index"}
_DEFAULT = re.compile(r"\$\{(\w+):?-([^{}$]*)\}")
_UNKNOWN = """\
nothing is known here about these images: read in the documentation whether the new one reads the old one's data, \
and back it up first"""


@dataclass(frozen=True, slots=True)
class ImageChange:
    """A service runs another image, its own or the one it is built on.

    `volumes` hold data that the image writes; `todo` is what has to be done for it before `up`, empty for nothing;
    `source` where that was read; `database`: one of the volumes is a database.
    """

    service: str
    before: str
    after: str
    major: Major
    volumes: tuple[str, ...]
    database: bool
    todo: str
    source: str


def image_changes(before: Project, after: Project) -> Iterator[ImageChange]:
    """The services that are in both and run another image."""
    for old, new in in_both(before, after):
        if (first := _runs(old)) != (second := _runs(new)) and first and second:
            yield _change(before, after, old, (first, second))


def _change(before: Project, after: Project, old: Service, written: tuple[str, str]) -> ImageChange:
    first, second = _resolved(written[0], before), _resolved(written[1], after)
    major, steps = _major(first, second), facts.upgrade(first)
    classes = {
        mount.volume: before.volumes[mount.volume].klass
        for mount in old.mounts
        if mount.volume in before.volumes and not mount.read_only
    }
    volumes = tuple(
        name for name, klass in classes.items() if klass not in _REPLACEABLE and (steps or klass in _STORES)
    )
    todo = ""
    if volumes and major != "same":
        known = steps if major in {"up", "down"} else None
        todo = (known.up if major == "up" else known.down) if known else _UNKNOWN if _is_server(first) else ""
    return ImageChange(
        service=old.name,
        before=written[0],
        after=written[1],
        major=major,
        volumes=volumes,
        database=any(classes[name] == "database" for name in volumes),
        todo=todo,
        source=steps.source if steps and todo and todo != _UNKNOWN else "",
    )


def _runs(service: Service) -> str:
    """The image that a service runs, or that its own is built on."""
    if service.build is None:
        return service.image
    froms = [step.split() for step in service.build.steps if step[:5].upper() == "FROM "]
    words = [word for word in froms[-1][1:] if not word.startswith("--")] if froms else []
    return words[0] if words else service.image


def _resolved(reference: str, project: Project) -> str:
    """The reference with the defaults of variables that .env does not set."""
    here = project.set_here

    def default(found: re.Match[str]) -> str:
        return found[2] if here is not None and found[1] not in here else found[0]

    return _DEFAULT.sub(default, reference)


def _is_server(reference: str) -> bool:
    """Whether an image may have a way of its own of keeping data: a bare Python has not."""
    known = facts.lookup(reference)
    return known is None or bool(known.state) or facts.upgrade(reference) is not None


def _major(first: str, second: str) -> Major:
    if "$" in first or "$" in second:
        return "unknown"
    if _same(first, second):
        return "same"
    if facts.upgrade(first) != facts.upgrade(second):
        return "unknown"
    if facts.upgrade(first) is None and facts.image(first)[0] != facts.image(second)[0]:
        return "unknown"
    old, new = facts.major(first), facts.major(second)
    if old is None or new is None:
        return "unknown"
    if old == new:
        return "same"
    return "up" if _number(new) > _number(old) else "down"


def _same(first: str, second: str) -> bool:
    """Whether two references differ by nothing but where they are fetched from."""
    (one, tag), (other, other_tag) = facts.image(first), facts.image(second)
    short, long = sorted((one, other), key=len)
    host = long.partition("/")[0]
    return (
        bool(tag)
        and tag == other_tag
        and (short == long or (long.endswith(f"/{short}") and bool(set(host) & set(".:"))))
    )


def _number(major: str) -> tuple[int, ...]:
    return tuple(int(part) for part in major.split("."))
