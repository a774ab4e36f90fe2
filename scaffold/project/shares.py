"""The volumes of their own that people share between services, as they stand in a project's answers.

Whether one can be is for the template's resolver to say, for plain copier too; here is what only a project knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scaffold.catalog.index import Catalog
from scaffold.errors import ScaffoldError, closest

if TYPE_CHECKING:
    from scaffold.compose.project import Project

ANSWER = "shared_volumes"

Share = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants of a shared volume; what is None, or empty, stays as it is recorded."""

    name: str
    path: str | None = None
    writers: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    responsibility: str | None = None
    klass: str | None = None
    backup: str | None = None


def recorded(answers: Mapping[str, Any]) -> list[Share]:
    """The shared volumes of a project. Raises ScaffoldError when its answers hold something else."""
    shares = answers.get(ANSWER) or []
    if not isinstance(shares, list) or not all(isinstance(one, dict) and "name" in one for one in shares):
        raise ScaffoldError(
            f"`{ANSWER}` in .copier-answers.yml is no list of volumes",
            "somebody edited it by hand",
            "bring the lines back: git log -p -- .copier-answers.yml",
        )
    return shares


def check_list(value: object) -> None:
    """Make sure that an answer can be a list of shared volumes. Raises ScaffoldError."""
    if not isinstance(value, list):
        raise ScaffoldError(
            f"`{value}` does not answer `{ANSWER}`", "it is a list", "give it in an answers file, or use scaffold share"
        )


def named(shares: Sequence[Share], name: str) -> Share | None:
    """The shared volume of that name."""
    return next((one for one in shares if one["name"] == name), None)


def users_of(share: Share) -> list[str]:
    """The services that mount it, the writer first."""
    return [share["writer"], *share.get("more_writers", []), *share.get("readers", [])]


def check_known(catalog: Catalog, version: str) -> None:
    """Make sure that a version of the template knows of shared volumes. Raises ScaffoldError."""
    if not known(catalog):
        raise ScaffoldError(
            f"{version} of the template knows no shared volumes", fix="scaffold update, then this again"
        )


def known(catalog: Catalog) -> bool:
    """Whether the template knows of shared volumes."""
    return any("share" in entry for entry in catalog.entries.values())


def with_wish(shares: Sequence[Share], wish: Wish) -> list[Share]:
    """The shared volumes with what somebody wants: one more, or one that is otherwise.

    Raises ScaffoldError when a new one is not described completely.
    """
    if named(shares, wish.name) is None:
        return [*shares, _new(wish)]
    return [_changed(one, wish) if one["name"] == wish.name else one for one in shares]


def _changed(share: Share, wish: Wish) -> Share:
    changed = {key: value for key, value in _given(wish).items() if value}
    if wish.writers:
        share = {key: value for key, value in share.items() if key != "more_writers"}
        # Who writes from now on was a reader until now.
        readers = [id for id in share.get("readers", []) if id not in wish.writers]
        changed = {"readers": readers, **changed} if "readers" in share else changed
    return {**share, **changed}


def _new(wish: Wish) -> Share:
    given = _given(wish)
    flags = {"--path": "path", "--writer": "writer", "--responsibility": "responsibility"}
    missing = [flag for flag, key in flags.items() if not given[key]]
    missing += [] if given["readers"] or given["more_writers"] else ["--reader"]
    if missing:
        raise ScaffoldError(
            f"there is no shared volume `{wish.name}` yet, and a new one needs {' and '.join(missing)}",
            fix=f"scaffold share {wish.name} --path /data/{wish.name} --writer SERVICE --reader SERVICE "
            '--responsibility "What it is for"',
        )
    return {"name": wish.name, **{key: value for key, value in given.items() if value}}


def _given(wish: Wish) -> Share:
    return {
        "path": wish.path,
        "writer": wish.writers[0] if wish.writers else None,
        "more_writers": list(wish.writers[1:]),
        "readers": list(wish.readers),
        "responsibility": wish.responsibility,
        "class": wish.klass,
        "backup": wish.backup,
    }


def without(shares: Sequence[Share], name: str) -> list[Share]:
    """The shared volumes but one. Raises ScaffoldError when there is no such one."""
    if named(shares, name) is None:
        names = [str(one["name"]) for one in shares]
        fix = closest(name, names) if names else "this project has none"
        raise ScaffoldError(f"there is no shared volume `{name}`", fix=fix)
    return [one for one in shares if one["name"] != name]


def remaining(shares: Sequence[Share], stay: Sequence[str]) -> list[Share]:
    """The shared volumes when only some services stay: who goes reads them no more.

    Raises ScaffoldError when nobody is left who writes one: whose it is then is not for us to guess.
    """
    return [_left(share, stay) for share in shares]


def _left(share: Share, stay: Sequence[str]) -> Share:
    writers = [id for id in (share["writer"], *share.get("more_writers", [])) if id in stay]
    readers = [id for id in share.get("readers", []) if id in stay]
    if not writers:
        name, heir = share["name"], readers[0] if readers else "SERVICE"
        raise ScaffoldError(
            f"`{share['writer']}` cannot go: it writes the shared volume `{name}`",
            "the volume would belong to nobody",
            f"take the volume out, its data stays: scaffold unshare {name}; or give it to another: "
            f"scaffold share {name} --writer {heir}",
        )
    left = {**share, "writer": writers[0], "more_writers": writers[1:], "readers": readers}
    return {key: value for key, value in left.items() if value or key in {"readers"} & share.keys()}


def check_own(project: Project, share: Share) -> None:
    """Make sure that a shared volume meets nothing that the project's owner added to its files.

    Raises ScaffoldError naming the file.
    """
    name = share["name"]
    for service in _services(project, share):
        for mount in project.services[service].mounts:
            if mount.volume != name and _meet(mount.target, share["path"]):
                file = project.services[service].place.file
                raise ScaffoldError(
                    f"`{service}` has `{mount.source or mount.kind}` at {mount.target} already",
                    f"{file} says so, and {share['path']} is there too: one of the two would not be seen",
                    "choose another --path, or take that mount out",
                )


def check_free(catalog: Catalog, project: Project, name: str) -> None:
    """Make sure that a new name is free: in the whole catalogue, and among what the project's owner declared.

    Raises ScaffoldError.
    """
    owners = [id for id, entry in catalog.entries.items() if name in (one["name"] for one in entry.get("volumes", []))]
    if owners:
        why = "the two would be one as soon as it is added"
        raise ScaffoldError(f"the catalogue has a volume `{name}`, of `{owners[0]}`", why, "choose another name")
    if name in project.volumes:
        place = project.volumes[name].place
        raise ScaffoldError(
            f"there is a volume `{name}` already",
            f"{place.file}:{place.line} declares it",
            "choose another name; or, to share that one, take out its declaration, its description and its mounts "
            "first: the name stays, and so the data",
        )


def _services(project: Project, share: Share) -> Iterator[str]:
    yield from (id for id in users_of(share) if id in project.services)


def _meet(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def handed_over(catalog: Catalog, before: Share | None, after: Share) -> str:
    """The command that gives what a volume holds to its new writer; empty where that can write there anyway."""
    if before is None or before["writer"] == after["writer"]:
        return ""
    old, new = (catalog.entries[share["writer"]]["share"]["user"] for share in (before, after))
    if new in {old, "0:0"}:
        return ""
    run = "docker compose run --rm --no-deps --user 0:0 --entrypoint chown"
    return f"{run} {after['writer']} -R {new} {after['path']}"
