"""What a change leaves behind that Compose refuses: it then starts nothing of the whole project."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from scaffold.compose.project import Place, Project


@dataclass(frozen=True, slots=True)
class Broken:
    """A service that names what is not there any more: where, what, and what to do."""

    service: str
    place: Place
    what: str
    fix: str


def broken(before: Project, after: Project) -> Iterator[Broken]:
    """What is in order in `before` and not in `after`: mostly lines of the user's about a service that went."""
    already = {(one.service, one.what) for one in _dangling(before)}
    return (one for one in _dangling(after) if (one.service, one.what) not in already)


def _dangling(project: Project) -> Iterator[Broken]:
    for service in project.services.values():
        if not service.image and service.build is None:
            what = "it has neither an image nor a build: only additions to a service that is gone"
            yield Broken(service.name, service.place, what, "take them out")
        for kind, names, declared in (
            ("service", [*(service.config.get("depends_on") or {})], project.services),
            ("volume", [mount.volume for mount in service.mounts if mount.volume], project.volumes),
            ("secret", service.secrets, project.secrets),
        ):
            for name in names:
                if name not in declared and "$" not in name:
                    fix = f"take it out, or declare the {kind} below the line for your own"
                    yield Broken(service.name, service.place, f"it names the {kind} `{name}`, which is gone", fix)
