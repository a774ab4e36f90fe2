"""Where a declared volume and what the engine has of it are not the same."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from scaffold.compose.project import Service, Volume
from scaffold.engine.known import Known, external
from scaffold.engine.state import Container, Held, Use


def found(known: Known, volume: Volume, held: Held | None, containers: Sequence[Container]) -> Iterator[str]:
    """What differs, in sentences; `containers` are those of the engine."""
    name = known.engine_name(volume)
    if not name:
        yield "its name holds a variable, so that it cannot be looked for"
        return
    if held is None:
        if external(volume):
            yield f"it is declared external, and the engine has no `{name}`: `up` will refuse"
        return
    if not external(volume):
        yield from _ownership(known, volume, held)
        yield from _settings(volume, held)
    for container in containers:
        service = known.project.services.get(container.service) if known.project else None
        # A job that has ended is made anew when it is asked for again.
        over = service is not None and service.profiles and container.state != "running"
        if service is not None and container.project == known.name and not over:
            yield from _mounts(service, volume, container, name)


def _ownership(known: Known, volume: Volume, held: Held) -> Iterator[str]:
    if held.project and held.project != known.name:
        yield f"the engine has it of project `{held.project}`, by its label: two projects mean the same volume"
    elif not held.project:
        yield "the engine has it without Compose's label: something else made it"
    elif held.key != volume.name:
        yield f"the engine has it under the key `{held.key}`, by its label"


def _settings(volume: Volume, held: Held) -> Iterator[str]:
    if "$" not in volume.driver and volume.driver != held.driver:
        yield f"the engine's has driver `{held.driver}`, the file says `{volume.driver}`"
    declared = volume.options
    for key in sorted(declared.keys() | held.options.keys()):
        said, has = declared.get(key), held.options.get(key)
        if said != has and "$" not in (said or ""):
            # The values may hold a password.
            words = "is another" if said and has else "is not in the file" if has else "is in the file only"
            yield f"driver option `{key}` {words}"


def _mounts(service: Service, volume: Volume, container: Container, name: str) -> Iterator[str]:
    uses = [use for use in container.uses if use.volume == name]
    for use in uses:
        yield from _mount(service, volume, use)
    if not uses and any(mount.volume == volume.name for mount in service.mounts):
        yield f"container `{container.name}` does not mount it, service `{service.name}` does in the file"


def _mount(service: Service, volume: Volume, use: Use) -> Iterator[str]:
    mounts = [mount for mount in service.mounts if mount.volume == volume.name]
    targets = {mount.target for mount in mounts}
    if any("$" in target for target in targets):
        return
    if not targets:
        yield f"container `{use.container}` mounts it, service `{service.name}` does not in the file"
    elif posixpath.normpath(use.target) not in targets:
        wanted = " and ".join(sorted(targets))
        yield f"container `{use.container}` has it at {use.target}, the file says {wanted}"
    elif use.writable and all(mount.read_only for mount in mounts):
        yield f"container `{use.container}` may write to it, the file says read-only"
