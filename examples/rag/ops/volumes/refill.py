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
from ops.volumes import helper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops.project import Project

SAFETY = "ops.safety"
PATIENCE = 86400  # seconds
TOUCHED, COPIED = "touched", "copied"


@dataclass
class Refill:
    """A restore under way. `volumes` is the journal: one document for each volume, by its name in the engine."""

    this: Project
    project: str
    set_id: str
    image: str
    volumes: dict[str, dict[str, Any]] = field(default_factory=dict)
    containers: dict[str, Any] = field(default_factory=dict)
    done: bool = False

    def save(self) -> None:
        """Write the journal."""
        document = {
            "set": self.set_id,
            "project": self.project,
            "image": self.image,
            "volumes": self.volumes,
            "stopped": self.containers,
            "done": self.done,
        }
        state.save(self.this.root, state.RESTORE, document)

    def note(self, volume: str, **facts: Any) -> None:
        """Note in the journal what is about to happen to a volume, or has happened."""
        self.volumes.setdefault(volume, {}).update(facts)
        self.save()

    def create(self, volume: str, command: Sequence[str]) -> None:
        """Make a volume that is not there."""
        self.note(volume, created=True)
        docker.ask(["volume", "create", *command, volume])

    def secure(self, volume: str) -> str:
        """Copy what a volume holds to a safety volume; return its name, or nothing when there is nothing to copy."""
        with helper.mounted(self.this.name, [self.image], [volume]) as at:
            if at.empty(volume):
                self.note(volume, empty=True)
                return ""
        safety = f"{volume}-before-{self.set_id.rpartition('-')[2]}-{state.token()}"
        say(f"copying {volume} to {safety}")
        self.note(volume, safety=safety, step=TOUCHED)
        docker.ask(["volume", "create", "--label", f"{SAFETY}={volume}", safety])
        with helper.mounted(self.this.name, [self.image], [volume, safety], write=[safety]) as at:
            duplicate(at, volume, safety)
        self.note(volume, step=COPIED)
        return safety

    def clear(self, volume: str) -> None:
        """Empty a volume."""
        self.note(volume, step=self.volumes.get(volume, {}).get("step", COPIED), emptied=True)
        with helper.mounted(self.this.name, [self.image], [volume], write=[volume]) as at:
            wipe(at, volume)

    def fill(self, volume: str, stream: IO[bytes], *more: str) -> int:
        """Unpack an archive into a volume; return how many entries it holds now."""
        say(f"filling {volume}")
        with helper.mounted(self.this.name, [self.image], [volume], write=[volume]) as at:
            try:
                at.unpack(volume, stream, *more)
            except docker.CommandError as error:
                raise failed(f"volume `{volume}` cannot be filled", error.said) from None
            return at.count(volume)

    def finish(self) -> None:
        """Forget the journal: the new content counts from here on."""
        self.done = True
        self.save()
        state.clear(self.this.root, state.RESTORE)

    def safeties(self) -> dict[str, str]:
        """Return the safety volumes, by the volume they were copied from."""
        return {name: each["safety"] for name, each in self.volumes.items() if each.get("safety")}


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
    )


def undo(refill: Refill) -> list[str]:
    """Bring every volume back to what it was; return the names of those that could not be."""
    failed = []
    for volume, facts in refill.volumes.items():
        try:
            # An earlier attempt may have brought it back, and its safety volume may be gone since.
            if not facts.get("back"):
                undo_one(refill, volume, facts)
                refill.note(volume, back=True)
            discard(facts.get("safety", ""))
        except (OpsError, OSError):
            failed.append(volume)
    return failed


def undo_one(refill: Refill, volume: str, facts: dict[str, Any]) -> None:
    """Bring one volume back; its safety volume stays until that is noted."""
    safety = facts.get("safety", "")
    if facts.get("created"):
        answer = docker.run(["volume", "rm", "--force", volume])
        if answer.code:
            raise OpsError(f"volume `{volume}` cannot be removed again", answer.last_error(), code=UNABLE)
        return
    if not facts.get("emptied"):
        return
    volumes = [volume, safety] if safety else [volume]
    with helper.mounted(refill.this.name, [refill.image], volumes, write=[volume]) as at:
        wipe(at, volume)
        if safety:
            duplicate(at, safety, volume)


def discard(safety: str) -> None:
    """Remove a safety volume whose content is in its own place again."""
    if safety:
        docker.run(["volume", "rm", "--force", safety])


def failed(what: str, answer: docker.Answer) -> OpsError:
    """Say what a program complained of; a full disk above all."""
    full = answer.no_space()
    return OpsError(what, full or answer.last_error(), code=UNABLE, cause="no-space" if full else "")


def duplicate(at: helper.Helper, source: str, target: str) -> None:
    """Copy one volume into another, empty one; every entry has to be there in the end."""
    answer = at.run(
        "cp", "--archive", "--sparse=always", f"{at.where(source)}/.", f"{at.where(target)}/", patience=PATIENCE
    )
    if answer.code:
        raise failed(f"volume `{source}` cannot be copied", answer)
    if at.count(source) != at.count(target):
        raise OpsError(f"the copy of volume `{source}` is not whole", code=UNABLE)
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
