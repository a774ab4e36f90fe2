"""Which services `docker compose up -d` builds anew and which containers it replaces, and why.

Compose replaces a container when the hash of its service's configuration, or its image, is another one. Tried with
2.24.7, 2.40.3 and 5.6.1 (`config --hash`, and on an engine): the hash leaves out `build`, `pull_policy`, `scale`,
`deploy.replicas`, `x-…`, and from some version after 2.24 on `depends_on` and `profiles`; the order of lists counts.
What a network, a config or a secret is declared as counts in none of them: the container stays. Values
are compared as they are written, but for defaults of variables that .env sets: what is written in another way and
means the same is named too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from scaffold.compose.project import Project, Service, in_both

_UNHASHED = {"build", "pull_policy", "scale", "extends"}
_UNHASHED_LATER = {"depends_on", "profiles"}
# Where the order of what was written counts, though it is kept as a mapping.
_ORDERED = {"volumes", "secrets", "configs"}
_NAMES = {"environment", "labels", "annotations"}
_SHARED = ("network_mode", "ipc", "pid")
_SHOWN = 3
_DEFAULT = re.compile(r"\$\{(\w+):?-[^{}$]*\}")


@dataclass(frozen=True, slots=True)
class Recreated:
    """A service whose containers `up` replaces: why, and under which profiles it runs.

    `old_compose_only`: Compose 2.24 does it, new ones do not.
    """

    service: str
    reasons: tuple[str, ...]
    profiles: tuple[str, ...]
    old_compose_only: bool = False


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A service whose image is out of date; `by_up`: plain `up` builds it, since its `pull_policy` is `build`."""

    service: str
    reasons: tuple[str, ...]
    by_up: bool


def rebuilt(before: Project, after: Project, changed: Collection[str]) -> Iterator[Rebuilt]:
    """The services built from something else than before."""
    for old, new in in_both(before, after):
        if reasons := tuple(_other_image(old, new, changed)):
            yield Rebuilt(new.name, reasons, new.config.get("pull_policy") == "build")


def _other_image(old: Service, new: Service, changed: Collection[str]) -> Iterator[str]:
    if new.build is None:
        return
    if old.build is None:
        yield "it is built now"
        return
    if old.build.steps != new.build.steps:
        yield new.build.dockerfile or "dockerfile_inline"
    if _without(old.build.settings, {"dockerfile_inline"}) != _without(new.build.settings, {"dockerfile_inline"}):
        yield "build"
    if old.build.ignored != new.build.ignored:
        yield ".dockerignore"
    used = sorted(path for path in changed if new.build.uses(path) or old.build.uses(path))
    yield from used[:_SHOWN]
    if len(used) > _SHOWN:
        yield f"{len(used) - _SHOWN} more files"


def recreated(
    before: Project, after: Project, changed: Collection[str], built: Collection[Rebuilt]
) -> Iterator[Recreated]:
    """The services whose containers `up` replaces, in the project's order."""
    builds = {one.service for one in built if one.by_up}
    here = (after.set_here if after.set_here is not None else before.set_here) or frozenset()
    reasons: dict[str, list[str]] = {}
    for old, new in in_both(before, after):
        why = list(_reasons(_settled(old, here), _settled(new, here), changed))
        reasons[new.name] = [*why, *(["its image is built anew"] if new.name in builds else [])]
    _spread(after, reasons)
    for old, new in in_both(before, after):
        if why := reasons[new.name]:
            yield Recreated(new.name, tuple(why), new.profiles)
        elif why := [key for key in sorted(_UNHASHED_LATER) if _differ(old, new, key)]:
            yield Recreated(new.name, tuple(why), new.profiles, old_compose_only=True)


def _reasons(old: Service, new: Service, changed: Collection[str]) -> Iterator[str]:
    for key in sorted(old.config.keys() | new.config.keys()):
        if key not in _UNHASHED | _UNHASHED_LATER and not key.startswith("x-") and _differ(old, new, key):
            yield _named(key, old.config.get(key), new.config.get(key))
    if old.build and not new.build:
        yield "it is no longer built"
    yield from (path for path in _files(new) if path in changed)


def _spread(after: Project, reasons: dict[str, list[str]]) -> None:
    """Who lives in another container's namespaces or takes its volumes is replaced with it."""
    waiting = [name for name, why in reasons.items() if why]
    while waiting:
        host = waiting.pop()
        for name, why in reasons.items():
            if not why and host in _hosts(after.services[name]):
                why.append(f"it shares with {host}")
                waiting.append(name)


def _hosts(service: Service) -> set[str]:
    shared = (str(service.config.get(key) or "") for key in _SHARED)
    taken = (str(item) for item in service.config.get("volumes_from") or [])
    return {word.removeprefix("service:") for word in shared if word.startswith("service:")} | {
        word.partition(":")[0] for word in taken
    }


def _settled(service: Service, here: frozenset[str]) -> Service:
    """A service without the defaults of variables that have a value anyhow."""
    return replace(service, config=_without_defaults(service.config, here)) if here else service


def _without_defaults(value: Any, here: frozenset[str]) -> Any:
    if isinstance(value, str) and "$" in value:
        return _DEFAULT.sub(lambda found: f"${{{found[1]}}}" if found[1] in here else found[0], value)
    if isinstance(value, Mapping):
        return {key: _without_defaults(item, here) for key, item in value.items()}
    return type(value)(_without_defaults(item, here) for item in value) if isinstance(value, list | tuple) else value


def _differ(old: Service, new: Service, key: str) -> bool:
    return bool(_hashed(key, old.config.get(key)) != _hashed(key, new.config.get(key)))


def _hashed(key: str, value: Any) -> Any:
    """What of a value Compose's hash sees: nothing, for one that says nothing."""
    if key == "deploy" and isinstance(value, dict):
        return {name: item for name, item in value.items() if name != "replicas"}
    if key in _ORDERED and isinstance(value, dict):
        return list(value.values()) or None
    if key == "networks" and isinstance(value, dict) and value in ({}, {"default": None}, {"default": {}}):
        return None
    return None if value in ({}, []) else value


def _named(key: str, old: Any, new: Any) -> str:
    """The key, with the variables or labels that changed; never their values."""
    if key not in _NAMES or not isinstance(old or {}, dict) or not isinstance(new or {}, dict):
        return key
    first, second = old or {}, new or {}
    names = sorted(name for name in first.keys() | second.keys() if first.get(name, ...) != second.get(name, ...))
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{key}: {', '.join(names[:_SHOWN])}{more}"


def _files(service: Service) -> Iterator[str]:
    """Files whose content becomes part of the configuration."""
    for key in ("env_file", "label_file"):
        for item in service.config.get(key) or []:
            yield str(item.get("path") if isinstance(item, dict) else item)


def _without(settings: Mapping[str, Any], keys: set[str]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key not in keys}
