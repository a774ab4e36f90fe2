"""Running git."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scaffold.errors import CouldNotError

# Templates and repositories come from others: none of their hooks is to run.
HARDENED = {"core.hooksPath": os.devnull}

# An author and a time for commits of nobody's: the same tree then gives the same commit on every machine.
NOBODY = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in (("NAME", "scaffold"), ("EMAIL", "scaffold@localhost"), ("DATE", "2000-01-01T00:00:00Z"))
}


def run(*args: str | Path, folder: Path | None = None, environment: Mapping[str, str] | None = None) -> str:
    """Run git and return what it printed, without the last newline.

    Raises CouldNotError with git's own words when it fails or is not installed.
    """
    done = attempt(*args, folder=folder, environment=environment)
    if done.returncode:
        raise CouldNotError(f"git {args[0]} failed", _reason(done.stderr, done.returncode))
    return done.stdout.rstrip("\n")


def attempt(
    *args: str | Path, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run git and return how it went. Raises CouldNotError only when git is not installed."""
    return _finished(args, folder, environment, text=True)


def ask(*args: str, folder: Path, stdin: bytes = b"", environment: Mapping[str, str] | None = None) -> bytes:
    """Run git and return what it printed, as bytes: names need not be UTF-8, and a CR stays one.

    Raises CouldNotError with git's own words when it fails or is not installed.
    """
    done = _finished(args, folder, environment, input=stdin)
    if done.returncode:
        raise CouldNotError(f"git {args[0]} failed", _reason(os.fsdecode(done.stderr), done.returncode))
    printed: bytes = done.stdout
    return printed


def _reason(said: str, code: int) -> str:
    """What stopped git: progress and warnings go before it, and advice may follow."""
    lines = said.strip().splitlines() or [f"exit code {code}"]
    return "; ".join([line for line in lines if line.startswith(("error: ", "fatal: "))][:2]) or lines[-1]


def _finished(
    args: Sequence[str | Path], folder: Path | None, environment: Mapping[str, str] | None, **options: Any
) -> subprocess.CompletedProcess[Any]:
    try:
        return subprocess.run(
            ["git", *map(str, args)],
            cwd=folder,
            # Without optional locks looking at a project writes nothing: `git status` would refresh its index.
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", **(environment or {})},
            capture_output=True,
            check=False,
            **options,
        )
    except FileNotFoundError as error:
        raise CouldNotError(
            "git is not installed", "scaffold reads templates with it", "install git 2.31 or newer"
        ) from error


def settings(values: Mapping[str, str]) -> dict[str, str]:
    """Git settings as environment variables, for a git that somebody else starts (git 2.31 and newer).

    What the caller's environment sets that way already is kept, and comes first.
    """
    start = int(os.environ.get("GIT_CONFIG_COUNT", "0"))
    environment = {"GIT_CONFIG_COUNT": str(start + len(values))}
    for number, (key, value) in enumerate(values.items(), start):
        environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return environment


def toplevel(folder: Path) -> Path | None:
    """The root of the repository that `folder` lies in; the nearest folder above is asked when it does not exist."""
    while not folder.is_dir():
        folder = folder.parent
    done = attempt("rev-parse", "--show-toplevel", folder=folder)
    return Path(done.stdout.rstrip("\n")) if done.returncode == 0 else None


def first_commit(folder: Path, message: str) -> bool:
    """Make `folder` a repository with everything in it committed.

    Returns False when git knows no identity and a stand-in was used for this commit. Raises CouldNotError.
    """
    known = attempt("var", "GIT_COMMITTER_IDENT", folder=folder).returncode == 0
    identity = [] if known else ["-c", "user.name=scaffold", "-c", "user.email=scaffold@localhost"]
    run("-c", "init.defaultBranch=main", "init", "--quiet", folder=folder)
    run("add", "--all", folder=folder)
    # A key to sign with may ask for a passphrase, and hooks are for the commits of people.
    quiet = ["-c", "commit.gpgSign=false", "-c", f"core.hooksPath={os.devnull}"]
    run(*identity, *quiet, "commit", "--quiet", "--message", message, folder=folder)
    return known
