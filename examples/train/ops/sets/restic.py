# Managed by scaffold: updates merge this file.
"""The `restic` command: the only place that starts it.

The address and the password reach it by its environment: either may hold what nobody else should read.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ops.errors import UNABLE, OpsError
from ops.volumes.freeze import undisturbed

PREFIX = "restic:"
PASSWORD = "RESTIC_PASSWORD"
PASSWORDS = (f"{PASSWORD}_FILE", f"{PASSWORD}_COMMAND", PASSWORD)
UNREADABLE, NO_REPOSITORY, LOCKED, WRONG_PASSWORD = 3, 10, 11, 12
# Before 0.17 restic exits with 1 for all of these. That a config cannot be opened is also said when nobody answers.
SAID = {
    NO_REPOSITORY: re.compile(r"unable to open config file: .*(no such file|not exist|not found|NotFound|NoSuch|404)"),
    LOCKED: re.compile(r"already locked|unable to create lock"),
    WRONG_PASSWORD: re.compile(r"wrong password|an empty password"),
}
DAMAGE = ("repository contains errors", "error for tree", "ciphertext verification failed", "hash mismatch")
CREDENTIALS = re.compile(r"//[^/@\s]*@")
REMOTE = re.compile(r"(s3|sftp|rest|rclone|b2|azure|gs|swift|opendal):", re.IGNORECASE)
PATIENCE = 30  # seconds for restic to put its lock away
TAIL = 1 << 16  # bytes of what it says of a long run


@dataclass(frozen=True)
class Answer:
    """What restic said."""

    code: int
    output: bytes
    errors: str

    @property
    def line(self) -> str:
        """Return the line that says most, without credentials that an address has in it."""
        lines = [line.strip() for line in self.errors.splitlines() if line.strip()]
        fatal = [line for line in lines if line.startswith("Fatal: ")]
        said = fatal[-1][len("Fatal: ") :] if fatal else lines[-1] if lines else f"exit code {self.code}"
        return hidden(said)

    @property
    def meaning(self) -> int:
        """Return the exit code as versions from 0.17 on give it."""
        for code, words in SAID.items():
            if self.code == 1 and words.search(self.errors):
                return code
        return self.code


@dataclass(frozen=True)
class Restic:
    """A repository, as restic is asked about it."""

    address: str

    def ask(self, *arguments: str, doing: str = "read", keep: int | None = None) -> bytes:
        """Run a command that has to succeed and return its output."""
        answer = self.attempt(*arguments, keep=keep)
        if answer.code:
            raise self.failed(answer, doing)
        return answer.output

    def attempt(self, *arguments: str, keep: int | None = None) -> Answer:
        """Run a command; where a lock is in the way, once more without those whose processes are gone."""
        answer = self.run(*arguments, keep=keep)
        if answer.meaning == LOCKED:
            self.run("unlock")
            answer = self.run(*arguments, keep=keep)
        return answer

    def run(self, *arguments: str, keep: int | None = None) -> Answer:
        """Run a command, whatever comes of it; the file `keep` stays open, and locked, as long as restic lives."""
        command = [program(), *arguments]
        kept = () if keep is None else (keep,)
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                command, env=self.environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=errors, pass_fds=kept
            )
            code = waited(process)
            return Answer(code, tail(output) if kept else whole(output), tail(errors).decode("utf-8", "replace"))

    def environment(self) -> dict[str, str]:
        """Return what restic is told without anybody else reading it."""
        if not any(os.environ.get(name) for name in PASSWORDS):
            fix = f"set {PASSWORDS[0]} or {PASSWORDS[1]} in the environment"
            raise OpsError("there is no password for the repository", "", fix, cause="missing-secret")
        said = {**os.environ, "RESTIC_REPOSITORY": self.address}
        said.pop("RESTIC_REPOSITORY_FILE", None)
        # In JSON it would tell of its progress 60 times a second.
        said.setdefault("RESTIC_PROGRESS_FPS", "0.1")
        return said

    def failed(self, answer: Answer, doing: str) -> OpsError:
        """Say what restic could not do, and what helps."""
        shown = hidden(self.address)
        fixes = {
            UNREADABLE: ("", "changed"),
            NO_REPOSITORY: (f"make it once: RESTIC_REPOSITORY='{shown}' restic init", "not-found"),
            LOCKED: ("wait for the other restic to end", "locked"),
            WRONG_PASSWORD: (f"see what {' or '.join(PASSWORDS[:2])} gives", "missing-secret"),
        }
        fix, cause = fixes.get(answer.meaning, ("", ""))
        if not cause and any(word in answer.errors for word in DAMAGE):
            cause = "damaged"
        return OpsError(f"restic cannot {doing} `{shown}`", answer.line, fix, UNABLE, cause)


def address(said: str) -> str:
    """Return a repository as restic takes it from any folder; empty when something else is meant."""
    if not said.startswith(PREFIX) or said == PREFIX:
        fix = (
            "restic:/path, restic:sftp:user@host:/path, restic:s3:https://…: what restic itself takes, after `restic:`"
        )
        raise OpsError(f"`{hidden(said)}` is no repository", fix=fix)
    place = said[len(PREFIX) :]
    if REMOTE.match(place):
        return place
    if place.startswith("local:"):
        place = place[len("local:") :]
    return str(Path(place).expanduser().absolute())


def hidden(text: str) -> str:
    """Return a text without the credentials of addresses in it."""
    return CREDENTIALS.sub("//…@", text)


def program() -> str:
    """Return where restic is."""
    found = shutil.which("restic")
    if not found:
        fix = "install it: apt-get install restic, brew install restic, or your system's package `restic`"
        raise OpsError("there is no `restic` command", fix=fix, code=UNABLE, cause="missing-tool")
    return found


def waited(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end; who is interrupted has restic end as well, and put its lock away."""
    try:
        return process.wait()
    except BaseException:
        with undisturbed():
            process.send_signal(signal.SIGINT)
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        raise


def whole(file: IO[bytes]) -> bytes:
    """Return what was written to a file."""
    file.seek(0)
    return file.read()


def tail(file: IO[bytes]) -> bytes:
    """Return the end of what was written to a file."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - TAIL))
    return file.read()
