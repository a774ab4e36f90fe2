# Managed by scaffold: updates merge this file.
"""Encryption of a set with `age`: this machine has public keys only, so it cannot read what it stored."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from ops.errors import UNABLE, OpsError

if TYPE_CHECKING:
    from collections.abc import Sequence

SUFFIX = ".age"
RECIPIENTS = "OPS_AGE_RECIPIENTS_FILE"
IDENTITY = "OPS_AGE_IDENTITY_FILE"
PATIENCE = 60


def encrypting(recipients: Sequence[str], files: Sequence[str]) -> list[str]:
    """Return the command that encrypts, tried once, or none where nobody asked for it."""
    given = os.environ.get(RECIPIENTS, "")
    paths = [*files] if recipients or files else [given] if given else []
    if not recipients and not paths:
        return []
    command = [program(), "--encrypt"]
    for each in recipients:
        command += ["--recipient", each]
    for path in paths:
        command += ["--recipients-file", readable(path, "recipients")]
    done = subprocess.run(command, input=b"", capture_output=True, check=False, timeout=PATIENCE)
    if done.returncode:
        fix = "give public keys (`age1…`, `ssh-ed25519 …`): --recipient KEY, or a file of them: --recipients-file FILE"
        raise OpsError("nothing can be encrypted for these recipients", complaint(done.stderr), fix)
    return command


def decrypting(identity: str | None, stored: Path | None) -> list[str]:
    """Return the command that decrypts; `stored` is an encrypted file to try it on, none when nothing is encrypted."""
    if stored is None:
        return []
    path = identity or os.environ.get(IDENTITY, "")
    if not path:
        fix = f"--identity FILE, or {IDENTITY}: the private key that belongs to one of the recipients"
        raise OpsError("the set is encrypted", "reading it needs a private key", fix, cause="missing-secret")
    command = [program(), "--decrypt", "--identity", readable(path, "identity")]
    why = unopened(command, stored)
    if why:
        fix = "give the private key that belongs to one of the recipients: --identity FILE"
        raise OpsError(f"`{path}` does not open this set", why, fix, cause="missing-secret")
    return command


def unopened(command: Sequence[str], stored: Path) -> str:
    """Say why a command does not decrypt a file; its head and first piece are enough to know."""
    with stored.open("rb") as stream, subprocess.Popen(
        command, stdin=stream, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.read(1)
        if first:
            process.kill()
            return ""
        said = process.stderr.read()
    # Of nothing, nothing comes out.
    return complaint(said) if process.returncode else ""


def program() -> str:
    """Return where `age` is."""
    found = shutil.which("age")
    if not found:
        fix = "install it: apt-get install age, brew install age, or your system's package `age`"
        raise OpsError("there is no `age` command", "it encrypts and decrypts sets", fix, UNABLE, "missing-tool")
    return found


def readable(said: str, what: str) -> str:
    """Return the path of a file that can be read."""
    path = Path(said).expanduser().absolute()
    if not path.is_file() or not os.access(path, os.R_OK):
        cause = "missing-secret" if what == "identity" else "not-found"
        raise OpsError(f"there is no {what} file `{said}` that can be read", cause=cause)
    return str(path)


def complaint(said: bytes) -> str:
    """Return what `age` says is wrong, without its advice to report it."""
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    return next((line[len("age: error: ") :] for line in lines if line.startswith("age: error: ")), "".join(lines[:1]))
