# Managed by scaffold: updates merge this file.
"""What can go wrong, as what, why and what to do; and the exit codes."""

from __future__ import annotations

import errno
from dataclasses import dataclass

DONE = 0
ATTENTION = 1  # done or looked, and something needs you
REFUSED = 2  # usage, bad input or safety
UNABLE = 3  # engine, disk or network; nothing changed
INTERRUPTED = 130

# The finer cause, in the last line and in `--json`. Scripts may rely on these words.
CAUSES = {
    "partial": "some of it is done, some is not",
    "locked": "another run has the project",
    "not-found": "no such volume, set or path",
    "not-empty": "there is data where data would go",
    "in-use": "something else uses the volume",
    "wrong-version": "the server here cannot take this data",
    "newer-format": "written by a newer `ops`",
    "damaged": "what is stored is not what was stored",
    "hostile": "an archive that no backup of ours would be",
    "no-space": "the disk is full, or would be",
    "missing-tool": "a program is not installed here",
    "missing-secret": "a secret is needed first",
    "changed": "it changed while it was copied",
    "down": "a server that is needed does not answer",
    "unhealthy": "what was started does not get healthy",
    "rolled-back": "it failed, and all is as it was before",
    "rollback-failed": "it failed, and what was there before waits in a safety volume",
    "unfinished": "a run that was killed left something to put right",
    "interrupted": "stopped by a signal",
    "no-engine": "Docker could not be asked",
}


def cause_of(error: OSError) -> str:
    """Return the word for what the file system refused; most of it has none."""
    return "no-space" if error.errno in {errno.ENOSPC, errno.EDQUOT} else ""


@dataclass(frozen=True)
class Problem:
    """One thing that needs the user."""

    what: str
    why: str = ""
    fix: str = ""
    cause: str = ""  # one stable word, for scripts

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

    def __init__(self, what: str, why: str = "", fix: str = "", code: int = REFUSED, cause: str = "") -> None:
        """Keep the three answers, the code and the word for scripts; constructors print nothing."""
        super().__init__(what)
        self.problem = Problem(what, why, fix, cause)
        self.code = code


class NoEngineError(OpsError):
    """Docker could not be asked."""

    def __init__(self, what: str, why: str = "", fix: str = "") -> None:
        """Fill in the hint that fits most machines, and the code for it."""
        fix = fix or "start Docker and see that `docker version` shows a server, then run this again"
        super().__init__(what, why, fix, UNABLE, "no-engine")
