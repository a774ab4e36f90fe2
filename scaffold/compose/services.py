"""The services of a Compose file in one way of writing each key, so that two files can be laid over each other."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import Any

from scaffold.compose.load import Raw, Tagged, plain
from scaffold.compose.mounts import mount

_LISTS = ("volumes", "secrets", "configs", "profiles")


def canonical(body: Raw, folder: str) -> Raw:
    """A service's keys, where a list that is a mapping became one, and paths count from the project's folder."""
    if not isinstance(body.get("build"), dict | Tagged | None):
        body = {**body, "build": {"context": body["build"]}}
    return {str(key): _value(key, value, folder) for key, value in body.items()}


def misshapen(body: Raw) -> str:
    """The first key of a service that holds something else than the list that it has to; empty when none does."""
    return next((key for key in _LISTS if not isinstance(plain(body.get(key)), list | None)), "")


def _value(key: str, value: Any, folder: str) -> Any:
    if isinstance(value, Tagged):
        return Tagged(value.tag, _value(key, value.value, folder))
    if key in _FORMS:
        return _FORMS[key](value)
    if key == "build" and isinstance(value, dict):
        return _build(value, folder)
    if key in {"env_file", "label_file"}:
        return [_path(item, folder) for item in (value if isinstance(value, list) else [value]) if item]
    if key == "extends" and isinstance(value, dict) and "file" in value:
        return {**value, "file": joined(folder, str(value["file"]))}
    return value


def _build(value: Raw, folder: str) -> Raw:
    context = value.get("context", ".")
    return {
        **{key: _pairs(item) if key in {"args", "labels"} else item for key, item in value.items()},
        "context": context if isinstance(context, Tagged) else joined(folder, str(context)),
    }


def _path(item: Any, folder: str) -> Any:
    if isinstance(item, dict):
        return {**item, "path": joined(folder, str(item.get("path", "")))}
    return joined(folder, str(item))


def joined(folder: str, path: str) -> str:
    """A path as it counts from the project's folder; addresses, absolute paths and variables stay as they are."""
    if "://" in path or path.startswith(("/", "~", "$", "git@")):
        return path
    return posixpath.normpath(posixpath.join(folder, path))


def _pairs(value: Any) -> Any:
    """`[A=1, B]` as `{A: 1, B: null}`."""
    if not isinstance(value, list):
        return value
    split = (str(item).partition("=") for item in value)
    return {key: text if equals else None for key, equals, text in split}


def _names(empty: Any) -> Callable[[Any], Any]:
    return lambda value: {str(item): empty for item in value} if isinstance(value, list) else value


def _by_target(value: Any) -> Any:
    """Mounts by where they are: a later file's takes the place of an earlier one's at the same path."""
    if not isinstance(value, list):
        return value
    found = ((mount(item), item) for item in value)
    return {where.target if where else str(item): _whole(item) for where, item in found}


def _by_name(value: Any) -> Any:
    """Secrets and configs by the name that the container sees them under."""
    if not isinstance(value, list):
        return value
    return {
        str(item.get("target") or item.get("source")) if isinstance(item, dict) else str(item): _whole(item)
        for item in value
    }


def _whole(item: Any) -> Any:
    # A tuple is no mapping: one that lies over another replaces it.
    return (item,)


_FORMS: dict[str, Callable[[Any], Any]] = {
    "environment": _pairs,
    "labels": _pairs,
    "annotations": _pairs,
    "sysctls": _pairs,
    "depends_on": _names({"condition": "service_started"}),
    "networks": _names(None),
    "volumes": _by_target,
    "secrets": _by_name,
    "configs": _by_name,
    "tmpfs": lambda value: value if isinstance(value, list) else [value],
}
