"""What `scaffold` shows before it changes a project: what becomes of data, settings and containers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from scaffold.cli import console

if TYPE_CHECKING:
    from scaffold.compose.project import Volume
    from scaffold.project.impact.recreate import Recreated
    from scaffold.project.impact.report import Impact, Redefined, Variable

_MAJORS = {"up": "newer major", "down": "older major", "unknown": "major cannot be told", "same": "same major"}


def show(impact: Impact) -> None:
    """Print the report in groups, without those that have nothing to say; nothing at all when nothing changes."""
    _section("before `up`", _needed(impact))
    _section("volumes", _volumes(impact))
    _section("images", ((one.service, f"{one.before} -> {one.after}", _MAJORS[one.major]) for one in impact.images))
    _section("secrets", _secrets(impact))
    _section("variables", _variables(impact))
    _section("containers", _containers(impact))
    for path in impact.unread:
        console.note(f"note: {path} is included and cannot be read: what it declares is not in this report")


def _section(heading: str, rows: Iterable[tuple[str, ...]]) -> None:
    rows = list(rows)
    if rows:
        console.heading(heading)
        console.table(rows)


def _needed(impact: Impact) -> Iterator[tuple[str, str]]:
    """What a person has to do or decide, each with what it is about."""
    for one in impact.broken:
        yield f"{one.place.file}:{one.place.line} {one.service}", f"{one.what}: {one.fix}"
    if impact.renamed:
        old, new = impact.renamed
        yield (
            f"name {old or '(the folder)'} -> {new or '(the folder)'}",
            "every volume's name begins with it: all data stays in the old ones, unless .env sets COMPOSE_PROJECT_NAME",
        )
    for change in impact.images:
        if change.todo:
            yield f"{change.service} ({', '.join(change.volumes)})", change.todo
    for move in impact.moved:
        yield f"{move.service} {move.target}: {move.before} -> {move.after}", move.fix
    yield from (
        (f"{mount.service} {mount.volume}: {mount.before} -> {mount.after or 'not mounted'}", mount.fix)
        for mount in impact.mounts
        if mount.kind in {"path", "dropped"} and mount.fix
    )
    for volume in impact.redefined:
        yield f"{volume.volume} ({', '.join(one.key for one in volume.settings)})", _redefined(volume)


def _redefined(volume: Redefined) -> str:
    if volume.elsewhere:
        return "another volume is used from now on, and the data stays in the old one: copy it over, or change it back"
    return (
        "Compose keeps the old settings, or asks to make the volume anew; answering yes, and `up -y`, deletes its "
        "data: back it up first"
    )


def _volumes(impact: Impact) -> Iterator[tuple[str, str, str]]:
    for volume in impact.volumes_added:
        yield "added", volume.name, _what(volume)
    for volume in impact.volumes_orphaned:
        yield "retired", volume.name, _stays(volume, gone=volume.owner in impact.services_removed)
    for mount in impact.mounts:
        if mount.kind in {"read-only", "writable"}:
            yield mount.kind, mount.volume, f"for {mount.service}: {mount.fix}"
        if not mount.fix:
            yield "unmounted", mount.volume, f"{mount.service} only read it"


def _what(volume: Volume) -> str:
    return f"{volume.responsibility} ({volume.klass})" if volume.klass else volume.responsibility


def _stays(volume: Volume, *, gone: bool) -> str:
    if str(volume.settings.get("external", "false")) != "false":
        return "it was made outside this project and stays"
    if gone:
        return f"it stays in the engine with its data; adding `{volume.owner}` again uses it again"
    return "it stays in the engine with its data; declaring it again uses it again"


def _secrets(impact: Impact) -> Iterator[tuple[str, str, str]]:
    for secret in impact.secrets_added:
        yield "added", secret.name, f"opens {secret.volume}" if secret.volume else ""
    for secret in impact.secrets_gone:
        yield "gone", secret.name, f"secrets/{secret.name} stays"


def _variables(impact: Impact) -> Iterator[tuple[str, str, str]]:
    for one in impact.variables_added:
        yield "added", one.name, "in .env already" if one.set_here else f"={one.after}"
    for one in impact.variables_gone:
        yield "gone", one.name, "its line in .env does nothing any more" if one.set_here else ""
    for one in impact.defaults:
        yield "default", one.name, _default(one)


def _default(one: Variable) -> str:
    return f"{one.before} -> {one.after}" + ("; .env has a value of its own" if one.set_here else "")


def _containers(impact: Impact) -> Iterator[tuple[str, str, str]]:
    for name in impact.services_added:
        yield "new", name, ""
    for one in impact.recreated:
        yield "recreated", one.service, _why(one)
    for built in impact.rebuilt:
        if not built.by_up:
            command = f"`up` goes on with the old image: docker compose build {built.service}"
            yield "to build", built.service, f"{', '.join(built.reasons)}; {command}"
    for name in impact.services_removed:
        yield "removed", name, "its container goes on running until docker compose up -d --remove-orphans"


def _why(one: Recreated) -> str:
    extra = ["by Compose 2.24 only"] if one.old_compose_only else []
    extra += [f"in profile {' or '.join(one.profiles)}"] if one.profiles else []
    return ", ".join(one.reasons) + (f" ({'; '.join(extra)})" if extra else "")
