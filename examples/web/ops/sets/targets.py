# Managed by scaffold: updates merge this file.
"""What a restore will do with each item of a set, and every reason not to, before anything is touched."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from ops import docker, secret_files, stores
from ops.errors import UNABLE, OpsError
from ops.sets import plan
from ops.text import size
from ops.volumes import bare, helper, images, made, place
from ops.volumes.table import ABSENT, PRESENT, RETIRED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops.compose import Model
    from ops.docker import Container
    from ops.project import Project
    from ops.sets.manifest import Item, Manifest
    from ops.stores.base import Store

FILES, LOAD = "files", "load"
SPARE = 64 << 20  # bytes


@dataclass
class Target:
    """One item and the volume that it goes into."""

    item: Item
    store: Store
    key: str
    volume: str  # its name in the engine
    state: str  # absent, present, or retired
    how: str
    service: str = ""  # the server that a dump is loaded into
    image: str = ""
    used: int = 0  # bytes on the disk before
    options: place.Options = field(default_factory=dict)  # where it lives, when that is not the engine's disk

    @property
    def empty(self) -> bool:
        """Tell whether nothing is lost by filling it."""
        return not self.used

    @property
    def unseen(self) -> bool:
        """Tell whether the engine does not have it, and its place may be full all the same."""
        return self.state == ABSENT and place.outlives(self.options)


def choose(manifest: Manifest, only: Sequence[str]) -> list[Item]:
    """Return the items that are meant."""
    items = manifest.stored()
    known = {name: item for item in items for name in (item.name, item.volume)}
    for name in only:
        if name not in known:
            listed = ", ".join(item.volume for item in items) or "nothing"
            raise OpsError(f"set `{manifest.id}` has no volume `{name}`", f"it has: {listed}", cause="not-found")
    wanted = {known[name].volume for name in only}
    return [item for item in items if not only or item.volume in wanted]


def make(this: Project, model: Model, items: Sequence[Item], project: str) -> list[Target]:
    """Find the volume, and where one is needed the server, for every item."""
    held = {each.name for each in docker.volumes()}
    return [target(this, model, item, project, held) for item in items]


def target(this: Project, model: Model, item: Item, project: str, held: set[str]) -> Target:
    """Find where one item goes."""
    declared = model.volumes.get(item.volume)
    name = declared if declared and project == this.name else f"{project}_{item.volume}"
    state = PRESENT if name in held else ABSENT if declared else RETIRED
    store = stores.of(item.backup)
    how = LOAD if item.method == plan.DUMP else FILES
    found = Target(item, store, item.volume, name, state, how)
    if project == this.name:
        # In a project of another name it is a volume like any: in the same place it would be the same data.
        found.options = place.declared(model).get(item.volume, {})
    if store.dumps:
        services = [id for id, writes in model.mounting(item.volume).items() if writes]
        found.service = item.owner if item.owner in services else next(iter(services), "")
        found.image = images.present(model.image(found.service)) if found.service else ""
    return found


def refuse(this: Project, model: Model, targets: Sequence[Target], users: Sequence[Container], replace: bool) -> None:
    """Raise the first reason not to restore; `users` are the containers that mount a target."""
    for each in targets:
        refuse_server(this, model, each)
        if not each.empty and not replace:
            what = f"volume `{each.volume}` holds {size(each.used)}"
            fix = "--replace puts the set's content there and keeps a copy of the present one; or --to-project NAME"
            raise OpsError(what, "a restore would replace it", fix, cause="not-empty")
    paused = [each for each in users if each.state == "paused"]
    if paused:
        what = f"container `{paused[0].name}` is paused on a volume of this restore, with the old content in its memory"
        raise OpsError(what, fix=f"docker unpause {paused[0].name}, then run this again", code=UNABLE, cause="in-use")
    foreign = [each for each in users if each.active and each.project != this.name]
    if foreign:
        what = f"container `{foreign[0].name}` of another project uses a volume of this restore"
        raise OpsError(what, fix=f"docker stop {foreign[0].name}, then run this again", code=UNABLE, cause="in-use")


def refuse_server(this: Project, model: Model, target: Target) -> None:
    """Refuse what the present server cannot take, or cannot be asked to."""
    owner = target.service or target.item.owner
    if not target.service and target.how == LOAD:
        what = f"volume `{target.key}` was dumped by service `{owner}`, which this project does not have"
        raise OpsError(what, fix="add the service again: a dump needs a server", cause="wrong-version")
    if owner in model.services:
        refuse_version(target, model.image(owner))
    if not target.service:
        return
    reference = model.image(target.service)
    if not target.image:
        fix = f"docker compose pull {target.service}, or docker compose build {target.service}"
        raise OpsError(f"image `{reference}` is not here", "it loads what is restored", fix, UNABLE, "missing-tool")
    for secret in this.secrets:
        if secret_files.state(this, secret) != "kept" and not secret_files.unresolved(secret):
            why = f"service `{target.service}` is started to take what is restored"
            fix = f"put `{secret.file}` back, or `python3 ops init` makes a new one"
            raise OpsError(f"secret `{secret.name}` is missing", why, fix, cause="missing-secret")


def refuse_version(target: Target, reference: str) -> None:
    """Refuse an item that the present server cannot take."""
    why = target.store.fits(target.item, reference, partial(images.variable, reference))
    if why:
        fix = "restore it with the version that it was made with"
        raise OpsError(f"volume `{target.key}` does not fit the present server", why, fix, cause="wrong-version")


def measure(project: str, helpers: Sequence[str], targets: Sequence[Target]) -> bool:
    """Look how much each target holds, and refuse when the disk has no room for old and new together.

    Return whether what is put there will be all of it.
    """
    there = [each for each in targets if each.state == PRESENT or (each.state == RETIRED and exists(each.volume))]
    free: int | None = None
    for each in targets:
        if each.unseen:
            look_beneath(project, helpers, each)
    names = [each.volume for each in there]
    with helper.mounted(project, helpers, names) as at:
        if not at.lossless:
            bare.accept_new([each.item for each in targets if each.how == FILES], names)
        for each in there:
            each.used = 0 if at.empty(each.volume) else max(1, at.survey(each.volume).bytes)
        own = [each for each in there if place.outlives(each.options)]
        for each in own:
            refuse_small(each, at.free(each.volume))
        if len(there) > len(own):
            free = min(at.free(each.volume) for each in there if each not in own)
    need = sum(each.item.plain_size for each in targets if not place.outlives(each.options))
    if free is not None and need > free + SPARE:
        what = f"the engine's disk has {size(free)} free, the restore needs {size(need)}"
        raise OpsError(what, "the present content is kept beside the new one", "make room there", UNABLE, "no-space")
    return at.lossless


def look_beneath(project: str, helpers: Sequence[str], target: Target) -> None:
    """Look what is in the place of a volume that the engine does not have."""
    with (
        place.beneath(project, target.options) as volume,
        helper.mounted(project, helpers, [volume]) as at,
    ):
        target.used = 0 if at.empty(volume) else max(1, at.survey(volume).bytes)
        if at.lossless:
            refuse_small(target, at.free(volume))


def refuse_small(target: Target, free: int) -> None:
    """Refuse a volume whose own place has no room: what is there now goes first, to the engine's disk."""
    need = target.item.plain_size
    if need > free + target.used:
        what = f"{place.shown(target.options)} has {size(free + target.used)} for volume `{target.key}`"
        raise OpsError(what, f"the set has {size(need)} of it", "make room there", UNABLE, "no-space")


def exists(volume: str) -> bool:
    """Tell whether the engine holds a volume; one that does not answer is no answer: what is there would be lost."""
    return any(each.name == volume for each in docker.volumes())


def creation(model: Model, key: str, project: str, *, own: bool) -> list[str]:
    """Return how Compose would make a volume: its labels and, in this project itself, its driver and options.

    With the same options a volume of a drill, or of a project of another name, would be this project's data.
    """
    wanted = made.wanted(model, key, project)
    return (wanted if own else replace(wanted, driver=made.LOCAL, options={})).arguments()
