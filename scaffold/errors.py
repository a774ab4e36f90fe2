"""What the user is told when something cannot be done, and the exit code that goes with it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

NEEDS_YOU = 1
REFUSED = 2
COULD_NOT = 3
INTERRUPTED = 130


class ScaffoldError(Exception):
    """Something was not done: what, why, and what to do about it.

    `what` and `why` are printed as `error:` and `cause:`, `fix` as `hint:`. Nothing in them may be secret.
    """

    code = REFUSED

    def __init__(self, what: str, why: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.fix = fix


class CouldNotError(ScaffoldError):
    """Git, the network, the disk or the engine did not do their part; nothing was changed."""

    code = COULD_NOT


def closest(word: str, known: Iterable[str]) -> str:
    """A hint that names what is nearest to a mistyped word, or everything there is."""
    known = sorted(known)
    near = get_close_matches(word, known, n=3, cutoff=0.5)
    return f"did you mean {_any_of(near)}?" if near else f"there is {', '.join(known)}"


def _any_of(words: list[str]) -> str:
    *head, last = [f"`{word}`" for word in words]
    return f"{', '.join(head)} or {last}" if head else last
