# Managed by scaffold: updates merge this file.
"""Take a restore or a move back: every volume holds what it held, is made as it was, and what ran runs again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ops import docker
from ops.errors import INTERRUPTED, UNABLE, OpsError
from ops.volumes import digest, freeze, made, starting
from ops.volumes.refill import discard, duplicate, safety_of, wipe

if TYPE_CHECKING:
    from ops.errors import Problem
    from ops.volumes.refill import Refill


def put_right(work: Refill) -> tuple[str, list[Problem]]:
    """Finish or undo what a killed run left; return what was done, in words, and what it left to the user."""
    if work.done:
        return f"{work.what} was complete", starting.conclude(work)
    with freeze.undisturbed():
        outcome = rolled_back(work, None)
    if outcome.problem.cause != "rolled-back":
        raise outcome
    return f"took {work.what} back: {outcome.problem.why}", []


def rolled_back(work: Refill, error: BaseException | None) -> OpsError:
    """Undo it: volumes first, then the containers that used them."""
    names = [each["name"] for each in work.containers.get("containers") or []]
    hindrance = freeze.hindrance(work.containers, set(work.volumes))
    failed = list(work.volumes) if hindrance else undo(work)
    still = [] if failed else [*freeze.resume(work.containers), *again(work)]
    what, why = told(work, error)
    code = INTERRUPTED if isinstance(error, KeyboardInterrupt) else UNABLE
    if failed or still:
        safe = ", ".join(f"`{volume}`: `{name}`" for volume, name in work.safeties().items() if volume in failed)
        fix = "python3 ops recover tries again" + (f"; the old content is in {safe}" if safe else "")
        listed = ", ".join(f"`{each}`" for each in [*failed, *still])
        why = "; ".join(each for each in (why, hindrance) if each)
        return OpsError(f"{what}, and {listed} could not be brought back", why, fix, code, "rollback-failed")
    work.finish()
    note = "everything is as it was before" + (f"; {', '.join(names)} run again" if names else "")
    fix = error.problem.fix if isinstance(error, OpsError) and work.verb == "move" else ""
    return OpsError(what, f"{why}; {note}" if why else note, fix, code, "rolled-back")


def told(work: Refill, error: BaseException | None) -> tuple[str, str]:
    """Say what ended it, and why."""
    if isinstance(error, OpsError):
        return error.problem.what, error.problem.why
    if isinstance(error, OSError):
        return f"cannot use `{error.filename or 'this folder'}`", error.strerror or type(error).__name__
    if error is None or isinstance(error, KeyboardInterrupt):
        return "interrupted" if error else f"a {work.verb} was interrupted", ""
    return f"unexpected {type(error).__name__}", ""


def again(work: Refill) -> list[str]:
    """Make the containers that were removed anew; return the services whose could not be."""
    if not work.removed:
        return []
    try:
        starting.up(work.this, work.removed)
    except OpsError:
        return list(work.removed)
    return []


def undo(work: Refill) -> list[str]:
    """Bring every volume back to what it was; return the names of those that could not be."""
    failed = []
    for volume, facts in work.volumes.items():
        try:
            # An earlier attempt may have brought it back, and its safety volume may be gone since.
            if not facts.get("back"):
                undo_one(work, volume, facts)
                work.note(volume, back=True)
            discard(safety_of(facts))
        except (OpsError, OSError):
            failed.append(volume)
    return failed


def undo_one(work: Refill, volume: str, facts: dict[str, Any]) -> None:
    """Bring one volume back; its safety volume stays until that is noted."""
    if "was" in facts:
        make_as_it_was(work, volume, facts)
        return
    if facts.get("emptied") and (facts.get("placed") or not facts.get("created")):
        pour_back(work, volume, facts)
    if facts.get("created"):
        now = made.look(volume)
        if now is not None and now.options and facts.get("filling"):
            # Its content lies somewhere that outlives it.
            empty(work, volume)
        remove(volume)


def pour_back(work: Refill, volume: str, facts: dict[str, Any]) -> None:
    """Give a volume its old content; without a safety volume it had none."""
    safety = facts.get("safety", "")
    volumes = [volume, safety] if safety else [volume]
    with work.helper(*volumes, write=[volume]) as at:
        wipe(at, volume)
        if safety:
            duplicate(at, safety, volume)
        elif facts.get("root"):
            owner, mode = facts["root"]
            at.ask("chown", owner, at.where(volume))
            at.ask("chmod", mode, at.where(volume))


def make_as_it_was(work: Refill, volume: str, facts: dict[str, Any]) -> None:
    """Bring back a volume that was made anew, or was about to be: driver and options too."""
    if not facts.get("removed"):
        return
    safety = safety_of(facts)
    now = made.look(volume)
    if now is not None and now.arguments() != facts["was"]:
        if facts.get("filling"):
            empty(work, volume)
        remove(volume)
        now = None
    if now is None:
        docker.ask(["volume", "create", *facts["was"], volume])
    with work.helper(volume, safety, write=[volume]) as at:
        # It may be the old one still, or lie on a disk that outlives it.
        if digest.of(at, at.where(volume)) != digest.of(at, at.where(safety)):
            wipe(at, volume)
            duplicate(at, safety, volume)


def empty(work: Refill, volume: str) -> None:
    """Remove what was put into a volume."""
    with work.helper(volume, write=[volume]) as at:
        wipe(at, volume)


def remove(volume: str) -> None:
    """Remove a volume that a run has made."""
    answer = docker.run(["volume", "rm", "--force", volume])
    if answer.code:
        raise OpsError(f"volume `{volume}` cannot be removed again", answer.last_error(), code=UNABLE)
