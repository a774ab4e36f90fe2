# Managed by scaffold: updates merge this file.
"""Carry a move out: stop, copy, compare, start; or bring everything back. Where content comes from is only read."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from ops import docker
from ops.beside import beside
from ops.errors import UNABLE, OpsError
from ops.moving import users as using
from ops.progress import say
from ops.text import size
from ops.volumes import digest, freeze, helper, made, presence, rollback, starting
from ops.volumes.refill import PATIENCE, Refill, duplicate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops.errors import Problem
    from ops.moving.plan import Move
    from ops.moving.users import Users
    from ops.project import Project


@dataclass
class Moving:
    """One run, of one or more moves: all of them, or none."""

    this: Project
    moves: Sequence[Move]
    users: Users
    images: Sequence[str]
    kept: dict[str, bool]  # of each source, whether it is in nobody's use from now on
    work: Refill = field(init=False)
    digests: dict[str, digest.Digest] = field(default_factory=dict)

    def run(self) -> list[Problem]:
        """Do all of it; on any failure everything is as it was before. Return what does not start afterwards."""
        with helper.mounted(self.this.name, self.images, []) as at:
            image = at.image
        self.work = Refill(self.this, self.this.name, "move", image, verb="move")
        self.work.containers = freeze.journal(self.users.stopped, freeze.STOP)
        self.work.after = dict(self.users.after())
        self.work.save()
        try:
            for each in self.users.stopped:
                freeze.still(each, freeze.STOP)
            for move in self.moves:
                if move.was:
                    self.make_anew(move)
                else:
                    self.take(move)
            self.unchanged()
            self.work.moved = [self.record(move) for move in self.moves]
            with freeze.undisturbed():
                self.work.settle()
        except BaseException as error:
            with freeze.undisturbed():
                raise rollback.rolled_back(self.work, error) from None
        return starting.conclude(self.work)

    def take(self, move: Move) -> None:
        """Fill a volume, new or emptied, from where its content comes."""
        if move.there:
            # Of an empty one, whose its root is and its mode: a copy that is taken back would leave others there.
            if self.work.secure(move.target, root=True):
                self.work.clear(move.target)
            else:
                self.work.note(move.target, emptied=True)
        else:
            self.work.create(move.target, move.how.arguments())
            self.look(move)
        self.fill(move, move.source, move.path)

    def make_anew(self, move: Move) -> None:
        """Bring a volume's content to a safety volume, make the volume as it is wanted, and bring the content back."""
        assert move.was is not None
        self.work.note(move.target, was=move.was.arguments())
        safety = self.work.secure(move.target, strict=True)
        with self.work.helper(move.target, safety) as at:
            self.same(at, f"volume `{move.target}`", at.where(move.target), at.where(safety))
        for each in self.users.removed:
            if each.active:
                self.work.removed[each.service] = self.work.removed.get(each.service, 0) + 1
        self.work.save()
        for each in self.users.removed:
            self.must(["rm", "--force", each.id], f"container `{each.name}` cannot be removed")
        self.work.note(move.target, removed=True)
        self.must(["volume", "rm", move.target], f"volume `{move.target}` cannot be removed")
        self.must(["volume", "create", *move.how.arguments(), move.target], f"volume `{move.target}` cannot be made")
        self.look(move)
        self.fill(move, safety)

    def fill(self, move: Move, source: str, path: str = "") -> None:
        """Copy a tree into a volume that holds nothing, and compare the two."""
        say(f"copying {source}{path} to {move.target}, {size(move.size)}")
        self.work.note(move.target, filling=True)
        with self.work.helper(source, move.target, write=[move.target]) as at:
            origin, goal = f"{at.where(source)}{path}", at.where(move.target)
            before = digest.stamp(at, origin)
            own = at.run("test", "-e", f"{goal}/lost+found").code == 0
            duplicate(at, source, move.target, path, strict=True)
            if not own and at.run("rmdir", f"{goal}/lost+found").code == 0:
                at.ask("touch", f"--reference={origin}", goal)
            if digest.stamp(at, origin) != before:
                raise changed(source + path)
            say(f"comparing {source}{path} with {move.target}")
            self.digests[move.target] = self.same(at, f"`{source}{path}`", origin, goal)
            if digest.stamp(at, origin) != before:
                raise changed(source + path)
            at.ask("sync", "--file-system", goal, patience=PATIENCE)

    def same(self, at: helper.Helper, named: str, origin: str, goal: str) -> digest.Digest:
        """Compare a copy with what it was copied from."""
        with beside(partial(digest.of, at, goal)) as copied:
            found = digest.of(at, origin)
            difference = found.differs(copied())
        if difference:
            fix = "the other place may not be able to keep it; nothing is lost"
            raise OpsError(f"the copy of {named} is not the same", difference, fix, UNABLE, "damaged")
        return found

    def look(self, move: Move) -> None:
        """Look at a volume that was just made; one on the engine's own disk is there, and empty."""
        if move.how.options or move.how.driver != made.LOCAL:
            self.reach(move.target)
            self.refuse_full(move)

    def reach(self, volume: str) -> None:
        """See that a volume that was just made can be mounted; its driver finds out no sooner."""
        name = f"{self.this.name}-ops-{secrets.token_hex(4)}"
        command = [
            "run", "--rm", "--pull", "never", "--network", "none", "--log-driver", "none", "--name", name,
            "--label", f"{docker.HELPER}={self.this.name}", "--mount", presence.mount(volume, 0, write=False),
            "--entrypoint", "tar", self.work.image, "--version",
        ]  # fmt: skip
        answer = docker.run(command)
        if answer.code:
            fix = "look at its driver and options in `compose.yaml`"
            raise OpsError(f"volume `{volume}` cannot be mounted", answer.first_error(), fix, UNABLE)

    def refuse_full(self, move: Move) -> None:
        """Refuse a volume that is new and holds something: it leads to a place that is in use."""
        with self.work.helper(move.target) as at:
            if not at.empty(move.target):
                what = f"where volume `{move.target}` is to be, something is already"
                raise OpsError(what, fix="give it a place of its own", cause="not-empty")

    def must(self, command: list[str], what: str) -> None:
        """Run a command that has to succeed."""
        answer = docker.run(command)
        if answer.code and "no such" not in answer.errors.lower():
            raise OpsError(what, answer.last_error(), code=UNABLE)

    def unchanged(self) -> None:
        """See that nobody began to use what was moved meanwhile, such as a container that was made anew."""
        late = [each for each in docker.containers(None) if each.active and using.touches(each, self.moves)]
        if late:
            what = f"container `{late[0].name}` was started on what is moved"
            raise OpsError(what, fix=f"docker stop {late[0].name}, then run this again", code=UNABLE, cause="changed")

    def record(self, move: Move) -> dict[str, Any]:
        """Return what is remembered of a move."""
        found = self.digests[move.target]
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return {
            "from": move.source,
            "path": move.path,
            "to": move.target,
            "when": when,
            "entries": found.entries,
            "bytes": found.bytes,
            "kept": self.kept.get(move.source, False),
        }


def changed(source: str) -> OpsError:
    """Say that somebody wrote to what was being copied."""
    fix = "stop what writes to it, then run this again"
    return OpsError(f"`{source}` was changed while it was copied", fix=fix, code=UNABLE, cause="changed")
