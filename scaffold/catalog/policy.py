"""Whether an entry's files, as they are rendered, keep to a team's policy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scaffold.catalog import dockerfile
from scaffold.catalog.finding import Finding
from scaffold.catalog.fragment import Fragment, Service
from scaffold.catalog.standard import Standard


def escaped(value: str) -> str:
    """A value as it stands in a Compose file, where a `$` begins a variable."""
    return value.replace("$", "$$")


def wanted(team: Standard, id: str) -> dict[str, Any]:
    """The keys that each service of an entry has to have, beside its image's registry."""
    limits = team.limits_of(id)
    keys: dict[str, Any] = {"labels": {name: escaped(value) for name, value in team.labels.items()}}
    return {key: value for key, value in (keys | {"mem_limit": limits.memory, "cpus": limits.cpus}).items() if value}


def find(team: Standard, id: str, parts: list[Fragment]) -> Iterator[Finding]:
    """Where an entry's Compose file, and what lies over it, do not have what the policy wants."""
    known: set[str] = set()
    for part in parts:
        for name, service in part.services.items():
            # What lies over compose.yaml may leave a key out, and not change it.
            yield from _service(team, id, part, name, service, complete=name not in known)
        known |= set(part.services)


def _service(
    team: Standard, id: str, part: Fragment, name: str, service: Service, *, complete: bool
) -> Iterator[Finding]:
    for key, value in wanted(team, id).items():
        have = service.get(key)
        if key == "labels":
            for label, text in value.items():
                given = have.get(label) if isinstance(have, dict) else None
                if (complete or given is not None or isinstance(have, list)) and given != text:
                    yield part.finding(name, "labels", f"the policy wants {label}: {text}", "write it so")
        elif (complete or have is not None) and not _same(have, value):
            yield part.finding(name, key, f"the policy wants {key}: {value}", f"or set policy.limits.{id}")
    limits: Any = service
    for inner in ("deploy", "resources", "limits"):
        limits = limits.get(inner) if isinstance(limits, dict) else None
    if limits and {"mem_limit", "cpus"} & set(wanted(team, id)):
        why = "it has limits of its own, and Compose refuses both"
        yield part.finding(name, "deploy", why, f"take them out, and set policy.limits.{id}")
    yield from _images(team, part, name, service)


def _images(team: Standard, part: Fragment, name: str, service: Service) -> Iterator[Finding]:
    if not team.registry:
        return
    if "image" in service and not str(service["image"]).startswith(f"{team.registry}/"):
        yield part.finding(name, "image", f"`{service['image']}` is not from {team.registry}", "write it on one line")
    build = service.get("build") or {}
    if ":" in str(build.get("context", "") if isinstance(build, dict) else build):
        yield part.finding(name, "build", f"what it is built from elsewhere need not be from {team.registry}")
    if isinstance(build, dict):
        for key in ("dockerfile_inline", "additional_contexts"):
            if key in build:
                yield part.finding(name, f"build.{key}", f"nobody sees whether it is from {team.registry}")
        file = str(build.get("dockerfile", "Dockerfile")).rpartition("/")[2]
        if not file.startswith("Dockerfile"):
            yield part.finding(name, "build.dockerfile", "the policy reaches files named Dockerfile only", "rename it")


def in_dockerfile(team: Standard, file: str, text: str) -> Iterator[Finding]:
    """Where a Dockerfile takes images of another registry."""
    for reference in dockerfile.references(text) if team.registry else ():
        if not reference.image.startswith(f"{team.registry}/"):
            why = f"`{reference.image}` is not from {team.registry}"
            yield Finding(file, 0, "", why, "write the image itself, on one line")


def _same(have: object, value: str) -> bool:
    try:
        return have == value or float(str(have)) == float(value)
    except ValueError:
        return False
