# Managed by scaffold: updates merge this file.
"""What can go wrong, as what, why and what to do; and the exit codes."""

from __future__ import annotations

from dataclasses import dataclass

DONE = 0
ATTENTION = 1  # done or looked, and something needs you
REFUSED = 2  # usage, bad input or safety
UNABLE = 3  # engine, disk or network; nothing changed
INTERRUPTED = 130


@dataclass(frozen=True)
class Problem:
    """One thing that needs the user."""

    what: str
    why: str = ""
    fix: str = ""

    def lines(self) -> list[str]:
        """Say it the way every message of this program is said."""
        said = [f"error: {self.what}"]
        if self.why:
            said.append(f"  cause: {self.why}")
        if self.fix:
            said += ["hint: " + self.fix.replace("\n", "\n      ")]
        return said

    def document(self) -> dict[str, str]:
        """Return it for `--json`."""
        return {"what": self.what, "why": self.why, "fix": self.fix}


class OpsError(Exception):
    """A problem that ends the run with an exit code."""

    def __init__(self, what: str, why: str = "", fix: str = "", code: int = REFUSED) -> None:
        """Keep the three answers and the code; constructors print nothing."""
        super().__init__(what)
        self.problem = Problem(what, why, fix)
        self.code = code


class NoEngineError(OpsError):
    """Docker could not be asked."""

    def __init__(self, what: str, why: str = "", fix: str = "") -> None:
        """Fill in the hint that fits most machines, and the code for it."""
        fix = fix or "start Docker and see that `docker version` shows a server, then run this again"
        super().__init__(what, why, fix, UNABLE)
