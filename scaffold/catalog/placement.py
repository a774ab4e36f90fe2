"""Where volumes live: how it is written in flags, and what the template's own rules say of it.

The rules are in templates/lib/placement.jinja; the resolver puts what they find into the stack.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scaffold.errors import ScaffoldError

if TYPE_CHECKING:
    from scaffold.catalog.resolve import Stack

KEY = "placement"

# The answer: {"classes": {class: place}, "volumes": {name: place}}; a place is {"driver": "nfs", "server": "…", …}.
Place = dict[str, Any]
Placement = dict[str, dict[str, Place]]

_CLASS = "class:"
# In an answer a list; in a flag said once for each, since commas part the keys.
_OPTION, _OPTIONS = "option", "options"
_SYNTAX = "NAME=DRIVER:key=value,…"


def from_flags(pairs: Iterable[str]) -> Placement:
    """What `--place NAME=PLACE` flags say; `class:CLASS` is every volume of a class. Raises ScaffoldError."""
    found: Placement = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not name or not equals:
            raise ScaffoldError(f"cannot read `--place {pair}`", fix=f"write --place {_SYNTAX}")
        kind, key = ("classes", name.removeprefix(_CLASS)) if name.startswith(_CLASS) else ("volumes", name)
        if key in found.setdefault(kind, {}):
            raise ScaffoldError(f"`{name}` is placed twice", fix="keep one --place for it")
        found[kind][key] = parse(text)
    return found


def parse(text: str) -> Place:
    """A place as a flag has it: `local`, or `nfs:server=10.0.0.5,export=/srv/ml,option=hard`.

    Only its form is looked at: what a driver takes, and what fits, is for `check`. Raises ScaffoldError.
    """
    driver, colon, rest = text.partition(":")
    place: Place = {"driver": driver}
    for part in rest.split(",") if colon else []:
        key, equals, value = part.partition("=")
        if not key or not equals:
            raise ScaffoldError(
                f"cannot read `{part}` in the place `{text}`",
                "every part behind the driver is key=value, and commas part them",
                "write nfs:server=10.0.0.5,export=/srv/ml, block:device=/dev/disk/by-id/… or tmpfs:size=4g",
            )
        if key == _OPTION:
            place.setdefault(_OPTIONS, []).append(value)
        elif key in place or key == _OPTIONS:
            fix = "say option= once for each" if key == _OPTIONS else "keep one of the two"
            raise ScaffoldError(f"cannot read `{key}` in the place `{text}`", "", fix)
        else:
            place[key] = value
    return place


def written(place: Mapping[str, Any]) -> str:
    """A place as `parse` reads it."""
    parts = [f"{key}={value}" for key, value in place.items() if key not in {"driver", _OPTIONS}]
    parts += [f"{_OPTION}={option}" for option in place.get(_OPTIONS, [])]
    return f"{place['driver']}{':' if parts else ''}{','.join(parts)}"


def merged(recorded: object, given: Mapping[str, Mapping[str, Place]]) -> Placement:
    """Recorded places with those of `given` over them; a place is taken whole."""
    before: Mapping[str, Any] = recorded if isinstance(recorded, Mapping) else {}
    kinds = [kind for kind in ("classes", "volumes") if before.get(kind) or given.get(kind)]
    return {kind: {**(before.get(kind) or {}), **given.get(kind, {})} for kind in kinds}


def lines(placement: object) -> Iterator[tuple[str, str]]:
    """What the answer says, a row for each place: as in `--place`."""
    for kind, names in placement.items() if isinstance(placement, Mapping) else ():
        for name, place in names.items() if isinstance(names, Mapping) else ():
            shown = written(place) if isinstance(place, Mapping) and "driver" in place else json.dumps(place)
            yield f"{_CLASS if kind == 'classes' else ''}{name}", shown


def check(stack: Stack, answers: Mapping[str, Any], recorded: object = None) -> None:
    """Make sure that volumes can live where the answers put them. Raises ScaffoldError with the first reason not to.

    A volume that nobody knows may have been shared, and be so again: one that is `recorded` already is no fault.
    """
    if not answers.get(KEY):
        return
    if "misplaced" not in stack:
        raise ScaffoldError(
            "this version of the template cannot place volumes",
            "it leaves every volume on the disk of the engine",
            "take a newer version first: scaffold update",
        )
    before = recorded.get("volumes") or {} if isinstance(recorded, Mapping) else {}
    strangers = [fault for fault in stack["strangers"] if fault["at"] not in before]
    for fault in [*stack["misplaced"], *strangers]:
        name = fault["at"].removeprefix(_CLASS)
        at = f"`{fault['at']}`: " if name and f"`{name}`" not in fault["what"] else ""
        raise ScaffoldError(f"{at}{fault['what']}", fault["why"], fault["fix"])


@dataclass(frozen=True, slots=True)
class Moved:
    """A volume that would live in another place than before."""

    volume: str
    before: str
    after: str


def moved(before: Stack, after: Stack, declared: Mapping[str, Mapping[str, Any]]) -> list[Moved]:
    """The volumes that a project declares and that would live elsewhere; `declared` is what Compose is told of them.

    A volume that the answers leave alone counts as where it is, whatever its owner wrote into compose.yaml.
    """
    old = {volume["name"]: volume for volume in before["volumes"]}
    found = []
    for volume in after["volumes"]:
        name, there = volume["name"], volume.get("options") or {}
        was = old.get(name, {})
        same = there == (was.get("options") or {}) or there == (declared.get(name, {}).get("driver_opts") or {})
        if name in declared and not same:
            found.append(Moved(name, was.get("where") or "local", volume["where"] or "local"))
    return found
