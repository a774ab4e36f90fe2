# Managed by scaffold: updates merge this file.
"""Replace what volumes hold, so that at any moment either the old content or the new one can be had.

Each step is in a journal before it happens. The old content is copied to a safety volume first; the volume itself,
its name and its labels stay the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from ops import docker, state
from ops.errors import UNABLE, OpsError
from ops.progress import say
from ops.volumes import helper, presence

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from ops.project import Project

SAFETY = "ops.safety"
PATIENCE = 86400  # seconds
TOUCHED, COPIED = "touched", "copied"


@dataclass
class Refill:
    """A restore or a move under way. `volumes` is the journal: a document for each volume, by its name in the engine.

    `after` is what is set going when all is in place, and `moved` what is then remembered.
    """

    this: Project
    project: str
    set_id: str
    image: str
    volumes: dict[str, dict[str, Any]] = field(default_factory=dict)
    containers: dict[str, Any] = field(default_factory=dict)
    done: bool = False
    verb: str = "restore"
    removed: dict[str, int] = field(default_factory=dict)  # services without their containers, and how many those were
    after: dict[str, Any] = field(default_factory=dict)
    moved: list[dict[str, Any]] = field(default_factory=list)

    @property
    def what(self) -> str:
        """Name it in a message."""
        return "the move" if self.verb == "move" else f"the restore of set `{self.set_id}`"

    def save(self) -> None:
        """Write the journal."""
        document = {
            "set": self.set_id,
            "project": self.project,
            "image": self.image,
            "volumes": self.volumes,
            "stopped": self.containers,
            "done": self.done,
            "verb": self.verb,
            "removed": self.removed,
            "after": self.after,
            "moved": self.moved,
        }
        state.save(self.this.root, state.RESTORE, document)

    def note(self, volume: str, **facts: Any) -> None:
        """Note in the journal what is about to happen to a volume, or has happened."""
        self.volumes.setdefault(volume, {}).update(facts)
        self.save()

    def create(self, volume: str, command: Sequence[str], *, placed: bool = False) -> None:
        """Make a volume that is not there; `placed` is one whose content may be, and outlives it."""
        self.note(volume, created=True, placed=placed)
        docker.ask(["volume", "create", *command, volume])

    def helper(self, *volumes: str, write: Sequence[str] = ()) -> AbstractContextManager[helper.Helper]:
        """Start a helper of the image that has served already."""
        return helper.mounted(self.this.name, [self.image], volumes, write=write, proven=True)

    def secure(self, volume: str, *, strict: bool = False, root: bool = False) -> str:
        """Copy what a volume holds to a safety volume; return its name, or nothing when there is nothing to copy.

        With `strict` an empty volume is copied too, for its root's owner and mode, and nothing may get lost; with
        `root` those of an empty one are noted.
        """
        with self.helper(volume) as at:
            if not strict and at.empty(volume):
                self.note(volume, empty=True, **({"root": at.root(volume)} if root else {}))
                return ""
        safety = f"{volume}-before-{self.set_id.rpartition('-')[2]}-{state.token()}"
        say(f"copying {volume} to {safety}")
        # An `ops` from before moves removes what it finds under `safety`, and could not make the volume as it was.
        self.note(volume, **{"kept" if strict else "safety": safety, "step": TOUCHED})
        docker.ask(["volume", "create", "--label", f"{SAFETY}={volume}", safety])
        with self.helper(volume, safety, write=[safety]) as at:
            duplicate(at, volume, safety, strict=strict)
        self.note(volume, step=COPIED)
        return safety

    def clear(self, volume: str) -> None:
        """Empty a volume."""
        self.note(volume, step=self.volumes.get(volume, {}).get("step", COPIED), emptied=True)
        with self.helper(volume, write=[volume]) as at:
            wipe(at, volume)

    def fill(self, volume: str, stream: IO[bytes], *more: str) -> int:
        """Unpack an archive into a volume; return how many entries it holds now."""
        say(f"filling {volume}")
        with self.helper(volume, write=[volume]) as at:
            try:
                at.unpack(volume, stream, *more)
            except docker.CommandError as error:
                raise failed(f"volume `{volume}` cannot be filled", error.said) from None
            return at.count(volume)

    def settle(self) -> None:
        """Note that the new content counts from here on."""
        self.done = True
        self.save()

    def finish(self) -> None:
        """Forget the journal: nothing is left to do."""
        self.settle()
        state.clear(self.this.root, state.RESTORE)

    def safeties(self) -> dict[str, str]:
        """Return the safety volumes, by the volume they were copied from."""
        return {name: safety_of(each) for name, each in self.volumes.items() if safety_of(each)}


def load(this: Project, document: dict[str, Any]) -> Refill:
    """Take up the journal of a run that was killed."""
    return Refill(
        this,
        str(document.get("project")),
        str(document.get("set")),
        str(document.get("image")),
        dict(document.get("volumes") or {}),
        dict(document.get("stopped") or {}),
        bool(document.get("done")),
        str(document.get("verb") or "restore"),
        dict(document.get("removed") or {}),
        dict(document.get("after") or {}),
        list(document.get("moved") or []),
    )


def safety_of(facts: dict[str, Any]) -> str:
    """Return the safety volume that a journal has for a volume; empty when it has none."""
    return str(facts.get("safety") or facts.get("kept") or "")


def discard(safety: str) -> None:
    """Remove a safety volume whose content is in its own place again."""
    if safety:
        docker.run(["volume", "rm", "--force", safety])


def failed(what: str, answer: docker.Answer) -> OpsError:
    """Say what a program complained of; a full disk above all."""
    full = answer.no_space()
    return OpsError(what, full or answer.last_error(), code=UNABLE, cause="no-space" if full else "")


def duplicate(at: helper.Helper, source: str, target: str, path: str = "", *, strict: bool = False) -> None:
    """Copy one volume, or a folder in it, into another, empty one; every entry has to be there in the end.

    With `strict`, attributes that the other place cannot keep are a failure, and the caller compares more than entries.
    """
    named = f"folder `{source}`" if presence.is_folder(source) else f"volume `{source}`"
    # What its root has, such as a group that is inherited, would stay with the folders in it (seen). `cp` sets it anew.
    at.ask("chmod", "00700", at.where(target))
    options = ["--archive", "--sparse=always", *(["--preserve=xattr"] if strict else [])]
    answer = at.run("cp", *options, f"{at.where(source)}{path}/.", f"{at.where(target)}/", patience=PATIENCE)
    if answer.code:
        raise failed(f"{named} cannot be copied", answer)
    if not strict and at.count(source) != at.count(target):
        raise OpsError(f"the copy of {named} is not whole", code=UNABLE)
    at.ask("sync", "--file-system", at.where(target), patience=PATIENCE)


def wipe(at: helper.Helper, volume: str) -> None:
    """Remove everything in a volume; `lost+found` belongs to its file system."""
    if at.empty(volume):
        return
    where = at.where(volume)
    find = ["find", where, "-mindepth", "1", "-maxdepth", "1", "!", "-name", "lost+found"]
    at.ask(*find, "-exec", "rm", "-rf", "--", "{}", "+", patience=PATIENCE)
    if not at.empty(volume):
        raise OpsError(f"volume `{volume}` cannot be emptied", code=UNABLE)
