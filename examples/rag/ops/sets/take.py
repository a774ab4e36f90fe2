# Managed by scaffold: updates merge this file.
"""Carry a plan out: dump or copy every volume into a set that gets its name when all is in it."""

from __future__ import annotations

import shutil
import sys
import tempfile
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ops import docker
from ops.beside import beside
from ops.errors import UNABLE, OpsError, Problem, cause_of
from ops.progress import say
from ops.sets import plan
from ops.sets.header import shown
from ops.sets.keeping import Keeper, keeping
from ops.sets.manifest import FAILED
from ops.sets.writer import ItemSource
from ops.stores.server import Server
from ops.volumes import bare, freeze, helper, scratch, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ops.project import Project
    from ops.sets.keeping import Following
    from ops.sets.manifest import File
    from ops.sets.plan import Job, Plan
    from ops.sets.writer import Writer
    from ops.volumes.freeze import Freeze
    from ops.volumes.helper import Helper

ROLE, NAME = "content", "content.tar"
LIVE_CHANGED = 1  # tar's exit code when a file changed under it


@dataclass
class Taking:
    """One run: what it writes to, whose images may help, and how long a pause may last."""

    this: Project
    images: list[str]
    freeze_limit: int
    writer: Writer
    turn: threading.Lock = field(default_factory=threading.Lock)

    def all(self, work: Plan) -> list[Problem]:
        """Back up everything of a plan; what fails is noted in its item, and the rest goes on."""
        problems = [error.problem for _, error in work.failed]
        for job in work.dumps:
            problems += self.attempt([job], self.dump)
        for group in work.groups:
            problems += self.attempt(group, self.copy)
        return problems

    def attempt(self, group: list[Job], way: Callable[[list[Job]], None]) -> list[Problem]:
        """Back up one group; a failure is kept, except those that end the run."""
        try:
            way(group)
        except OpsError as error:
            if error.problem.cause in {"unfinished", "no-engine"}:
                raise
            for job in group:
                self.fail(job, error.problem.what + (f": {error.problem.why}" if error.problem.why else ""))
            return [error.problem]
        except OSError as error:
            problem = disk(error, self.writer.folder)
            for job in group:
                self.fail(job, problem.what)
            return [problem]
        return []

    def fail(self, job: Job, why: str) -> None:
        """Leave nothing of an item that failed but the reason."""
        job.item.state, job.item.why = FAILED, why
        job.item.files.clear()
        shutil.rmtree(self.writer.folder / job.item.volume, ignore_errors=True)

    def dump(self, group: list[Job]) -> None:
        """Have the server of a store write its dump."""
        for job in group:
            assert job.server is not None
            say(f"dumping {job.entry.key}")
            job.item.driver = table.driver(job.entry.name)
            job.store.dump(Server(job.server.id, job.server.service), self.writer.sink(job.item), job.item)

    def copy(self, group: list[Job]) -> None:
        """Copy the volumes of a group at one instant; once more when something came in between."""
        try:
            self.copy_once(group, self.how(group))
        except TooLongError:
            self.stop_instead(group, f"a pause would have lasted over {self.freeze_limit} seconds")
        except freeze.UnpausableError as error:
            self.stop_instead(group, error.problem.what)
        except OpsError as error:
            if error.problem.cause != "changed":
                raise
            for job in group:
                self.again(job)
            self.copy_once(group, self.how(group))

    def stop_instead(self, group: list[Job], why: str) -> None:
        """Copy a group that cannot be paused, or not for so long."""
        say(f"{why}: stopping instead")
        for job in group:
            self.again(job)
            job.item.warnings.append(f"{why}: stopped instead")
        self.copy_once(group, freeze.STOP)

    def again(self, job: Job) -> None:
        """Forget a first try."""
        job.item.files.clear()
        shutil.rmtree(self.writer.folder / job.item.volume, ignore_errors=True)

    def how(self, group: list[Job]) -> str:
        """Return the most careful method that one of a group needs."""
        wanted = {job.how for job in group}
        return next(each for each in (freeze.STOP, freeze.PAUSE, plan.LIVE) if each in wanted)

    def copy_once(self, group: list[Job], how: str) -> None:
        """Copy while still, then compress while everything runs again."""
        names = [job.entry.name for job in group]
        with ExitStack() as until_kept:
            with helper.mounted(self.this.name, self.images, names, scratch=self.writer.folder) as at:
                self.prefer(at, group)
                halves = {job.entry.name: self.survey(job, at) for job in group}
                need = sum(job.item.bytes for job in group)
                spare = until_kept.enter_context(scratch.place(at, self.writer.folder, need, halves))
                keepers = until_kept.enter_context(keeping())
                self.still(group, how, at, spare, keepers)
                if spare and not at.scratch:
                    self.keep(group, spare, keepers)
            # What lies on this machine needs no helper any more: that goes while the rest is compressed.
            if spare and at.scratch:
                self.keep(group, spare, keepers)
        for job in group:
            if not self.writer.filters:
                self.look(job, ItemSource(self.writer.folder, job.item))
            elif not spare:
                job.item.warnings.append(f"volume `{job.entry.key}` was encrypted on its way: not looked into")

    def survey(self, job: Job, at: Helper) -> tuple[str, ...]:
        """Note what a volume takes and where it lives; return the half of its folders that a second tar could take."""
        with beside(partial(table.driver, job.entry.name)) as driver:
            found = at.survey(job.entry.name)
            refuse_device(job, found.device)
            job.item.driver = driver()
        job.item.bytes = found.bytes
        # A second tar writes beside the first, and only on this machine the two can be read as one.
        return found.half if at.scratch else ()

    def look(self, job: Job, source: ItemSource) -> None:
        """Let a store look at its copy."""
        with tempfile.TemporaryDirectory(dir=self.writer.folder, prefix=".look-") as place:
            job.store.after_copy(job.item, source, Path(place))

    def still(
        self, group: list[Job], how: str, at: Helper, spare: scratch.Scratch | None, keepers: dict[str, Keeper]
    ) -> None:
        """Archive every volume of a group while its writers stand still; `keepers` store it as it grows."""
        names = {job.entry.name for job in group}
        stopped = [] if how == plan.LIVE else freeze.writers(docker.containers(None), names)
        with freeze.frozen(self.this.root, stopped, how) as pause:
            for job in group:
                say(f"copying {job.entry.key}")
                job.store.peek(partial(at.read, job.entry.name), job.item)
                if spare:
                    self.archive(job, spare, pause, keepers)
                else:
                    self.stream(job, at)
        if how != plan.LIVE:
            self.unchanged(names, {each.id for each in stopped})
        for job in group:
            job.item.frozen_ms = pause.milliseconds if stopped else 0
            job.item.method = how if stopped or how == plan.LIVE else plan.COLD

    def archive(self, job: Job, spare: scratch.Scratch, pause: Freeze, keepers: dict[str, Keeper]) -> None:
        """Write a plain archive to the scratch place: the fastest way out of a pause."""
        limit = self.freeze_limit if pause.containers and pause.how == freeze.PAUSE else scratch.PATIENCE
        name = job.entry.name
        following = None
        try:
            # A live copy may change under tar, which then says nothing of links.
            if spare.halves[name] and pause.how != plan.LIVE and spare.archive_halves(name, limit):
                self.follow(job, spare, keepers, whole=True)
                return
            if spare.begin(name):
                following = self.follow(job, spare, keepers)
            answer = spare.archive(name, limit)
        except docker.SlowError:
            raise TooLongError from None
        if answer.code:
            self.judge(job, answer)
        if following:
            following.end(whole=True)

    def follow(self, job: Job, spare: scratch.Scratch, keepers: dict[str, Keeper], *, whole: bool = False) -> Following:
        """Begin to store an archive that lies on this machine, whole or not."""
        name = job.entry.name
        # Windows gives a file that is open no other name.
        plain = not self.writer.filters and sys.platform != "win32"
        join = partial(spare.join, name) if spare.in_two(name) else None
        sink, lying = self.writer.sink(job.item), spare.lying(name)
        keeper = Keeper(sink, ROLE, NAME, spare.open(name), self.turn, lying=lying, plain=plain, join=join)
        keepers[name] = keeper
        if whole:
            keeper.following.end(whole=True)
        keeper.start()
        return keeper.following

    def judge(self, job: Job, answer: docker.Answer) -> None:
        """Take tar at its word: only a live copy may have changed under it."""
        said, full = answer.last_error(), answer.no_space()
        if answer.code == LIVE_CHANGED and job.how == plan.LIVE:
            job.item.warnings.append(f"changed while it was copied: {said}")
        else:
            what = f"volume `{job.entry.key}` cannot be copied"
            cause = "no-space" if full else "changed" if answer.code == LIVE_CHANGED else ""
            raise OpsError(what, full or said, code=UNABLE, cause=cause)

    def stream(self, job: Job, at: Helper) -> None:
        """Compress while still: there is no room for a plain archive first."""
        with docker.reading(at.reading(job.entry.name)) as pipe:
            self.writer.sink(job.item).add(ROLE, NAME, pipe)

    def unchanged(self, names: set[str], stopped: set[str]) -> None:
        """See that nobody but who was kept still writes now, such as a container that was made anew meanwhile."""
        late = [each for each in freeze.writers(docker.containers(None), names) if each.id not in stopped]
        if late:
            what = f"container `{late[0].name}` began to write to {', '.join(sorted(names))} while that was copied"
            raise OpsError(what, code=UNABLE, cause="changed")

    def keep(self, group: list[Job], spare: scratch.Scratch, keepers: dict[str, Keeper]) -> None:
        """Store what was copied, or wait for those who have begun to."""
        for job in group:
            say(f"storing {job.entry.key}")
            if job.entry.name in keepers:
                keepers[job.entry.name].finish()
            else:
                with spare.reading(job.entry.name) as plain:
                    self.writer.sink(job.item).add(ROLE, NAME, plain)
            if self.writer.filters:
                # What is stored cannot be read here any more.
                self.look(job, PlainSource(self.writer.folder, job.item, spare=spare))
            spare.drop(job.entry.name)

    def prefer(self, at: Helper, group: list[Job]) -> None:
        """Try first, for the next group, what worked for this one; it may be less than a group needs."""
        if not at.lossless:
            bare.accept([job.item for job in group])
            return
        self.images.remove(at.image)
        self.images.insert(0, at.image)


@dataclass(frozen=True)
class PlainSource(ItemSource):
    """The plain archive of a volume, in place of the file that was made of it."""

    spare: scratch.Scratch | None = None

    @contextmanager
    def open(self, file: File) -> Iterator[IO[bytes]]:
        """Yield the archive."""
        assert self.spare is not None
        with self.spare.reading(self.item.name) as stream:
            yield stream


class TooLongError(Exception):
    """A pause outlasts its limit."""


def refuse_device(job: Job, path: str) -> None:
    """Refuse what no restore would put back, rather than store a set that is refused later."""
    if path:
        what = f"volume `{job.entry.key}` holds a device file, {shown(path)}"
        fix = "remove it; or, for a volume that can be made anew, `backup: none` in its description"
        raise OpsError(what, "a restore makes none: it would be a way into the machine", fix, UNABLE)


def disk(error: OSError, folder: Path) -> Problem:
    """Say what the file system refused."""
    fix = "make room there, or give another folder: --to DIR"
    return Problem(f"cannot write to `{folder.parent}`", error.strerror or "", fix, cause_of(error))
