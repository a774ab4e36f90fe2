# Managed by scaffold: updates merge this file.
"""Carry a restore out: stop, secure, refill, load, start, wait for health; or bring everything back."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from ops import sandbox
from ops.errors import UNABLE, OpsError
from ops.progress import say
from ops.sets import acls, paths, targets
from ops.sets.take import ROLE
from ops.sets.writer import ItemSource
from ops.stores import streams
from ops.stores.server import Server
from ops.volumes import freeze, helper, place, rollback, starting
from ops.volumes.refill import Refill

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ops.compose import Model
    from ops.docker import Container
    from ops.project import Project
    from ops.sets.check import Contents
    from ops.sets.folder import Found
    from ops.sets.targets import Target


@dataclass
class Restoring:
    """One restore."""

    this: Project
    model: Model
    found: Found
    goals: Sequence[Target]
    project: str
    helpers: list[str]
    contents: Contents
    paths: Sequence[str] = ()
    decrypt: Sequence[str] = ()
    work: Refill = field(init=False)
    wanted: Sequence[str] = ()  # the paths, in plain form

    def run(self, running: list[Container]) -> dict[str, str]:
        """Do all of it; return the safety volumes. On any failure everything is as it was before."""
        with helper.mounted(self.this.name, self.helpers, []) as at:
            image = at.image  # one that has been seen to work: there is no looking for it half way
        if self.paths:
            item = self.goals[0].item
            self.wanted = paths.find(ItemSource(self.found.path, item, self.decrypt), item.file(ROLE), self.paths)
        self.work = Refill(self.this, self.project, self.found.manifest.id, image)
        self.work.containers = freeze.journal(running, freeze.STOP)
        self.work.save()
        try:
            for each in running:
                freeze.still(each, freeze.STOP)
            self.refill()
            self.load()
            self.start(running)
        except BaseException as error:
            with freeze.undisturbed():
                raise self.back(error) from None
        self.work.finish()
        return self.work.safeties()

    def refill(self) -> None:
        """Give every volume its new content, or none where a server loads it."""
        for goal in self.goals:
            there = targets.exists(goal.volume)
            placed = place.outlives(goal.options)
            if not there:
                own = self.project == self.this.name
                command = targets.creation(self.model, goal.key, self.project, own=own)
                self.work.create(goal.volume, command, placed=placed)
            if there or placed:
                self.work.secure(goal.volume)
            if self.paths:
                self.fill_paths(goal)
                continue
            owner = self.owner(goal)
            self.work.clear(goal.volume)
            self.fill(goal, owner)

    def owner(self, goal: Target) -> tuple[int, int]:
        """Return whose a volume's root is."""
        with self.work.helper(goal.volume) as at:
            return at.owner(goal.volume)

    def fill(self, goal: Target, owner: tuple[int, int]) -> None:
        """Unpack an item's files; a store may have others than were stored."""
        source = ItemSource(self.found.path, goal.item, self.decrypt)
        if goal.how == targets.LOAD:
            if goal.store.placed:
                with goal.store.fill(source, owner) as stream:
                    self.work.fill(goal.volume, stream)
            return
        with self.archive(goal) as stream:
            found = self.work.fill(goal.volume, stream)
        wanted = self.contents[goal.key].entries
        if found != wanted:
            raise OpsError(
                f"volume `{goal.volume}` has {found} entries after the restore, the set has {wanted}", code=UNABLE
            )

    def fill_paths(self, goal: Target) -> None:
        """Put some paths back beside what else is there."""
        with self.work.helper(goal.volume) as at:
            # A folder that is gone comes back as it was, one that is there stays as it is.
            gone = [
                each
                for each in paths.above(self.wanted)
                if at.run("test", "-d", f"{at.where(goal.volume)}/{each}").code
            ]
        members = [
            "--no-recursion",
            *(f"./{each}" for each in gone),
            "--recursion",
            *(f"./{each}" for each in self.wanted),
        ]
        self.work.note(goal.volume, emptied=True)
        with self.archive(goal) as stream:
            self.work.fill(goal.volume, stream, "--recursive-unlink", "--no-wildcards", *members)

    @contextmanager
    def archive(self, goal: Target) -> Iterator[IO[bytes]]:
        """Yield the plain archive of an item, as tar unpacks all of it."""
        with ItemSource(self.found.path, goal.item, self.decrypt).open(goal.item.file(ROLE)) as stream:
            yield streams.stream(acls.rewritten(stream)) if self.contents[goal.key].acls else stream

    def load(self) -> None:
        """Load dumps into servers of a sandbox; let servers on restored files take the present password."""
        for goal in self.goals:
            if goal.service and not self.paths:
                say(f"starting {goal.service} on {goal.volume}")
                self.load_one(goal)

    def load_one(self, goal: Target) -> None:
        """Run the server of one volume, and leave it stopped as its image wants it."""
        mounts = self.volumes_of(goal)
        with sandbox.started(self.this, self.model, [goal.service], mounts, {goal.service: goal.image}) as box:
            server = Server(box.container(goal.service), goal.service)
            if goal.how == targets.FILES:
                goal.store.adopt(server)
            else:
                if goal.store.placed:
                    goal.store.settle(server)
                else:
                    goal.store.load(server, ItemSource(self.found.path, goal.item, self.decrypt))
                self.compare(goal, server)
            box.stop()

    def compare(self, goal: Target, server: Server) -> None:
        """See that what was loaded is what was counted when it was dumped."""
        if goal.item.counts is None:
            return
        now = goal.store.counts(server)
        for name, count in goal.item.counts.items():
            if now is not None and now.get(name) != count:
                what = f"`{name}` has {now.get(name, 'no')} records after the restore, {count} were dumped"
                raise OpsError(what, code=UNABLE, cause="damaged")

    def volumes_of(self, goal: Target) -> dict[str, str]:
        """Return the volumes that a server mounts: those of this restore, else the project's own that are there."""
        restored = {each.key: each.volume for each in self.goals}
        mounts = {}
        for key, own in self.model.volumes.items():
            name = restored.get(key) or (own if self.project == self.this.name else f"{self.project}_{key}")
            if goal.service in self.model.mounting(key) and (key in restored or targets.exists(name)):
                mounts[key] = name
        return mounts

    def start(self, running: Sequence[Container]) -> None:
        """Start what ran before, and wait until it is well."""
        starting.start(running)
        starting.wait(running, "the restore")

    def back(self, error: BaseException) -> OpsError:
        """Bring everything back, and say so beside the reason."""
        return rollback.rolled_back(self.work, error)
