# Managed by scaffold: updates merge this file.
"""Where sets live: a folder, or a restic repository. To the verbs both are a folder of sets.

Of a repository that folder holds what is known of each set; the content is fetched for as long as it is needed.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from ops.errors import OpsError
from ops.sets import codec, crypt, export, folder, private
from ops.sets.repository import Repository, staged
from ops.sets.restic import Restic, address, hidden

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from ops.project import Project
    from ops.sets.folder import Found


@dataclass(frozen=True)
class Receiver:
    """Where a new set is written, how its files are kept, and what becomes of it when it is complete."""

    home: Path
    codec: str
    filters: Sequence[str] = ()
    closed: bool = False  # others cannot read what is in the set: secrets may be
    keep: Callable[[Path], object] = str
    shown: str = ""  # where it is then, if not where it was written


@dataclass(frozen=True)
class Place:
    """Sets as folders."""

    this: Project
    home: Path
    shown: str

    @contextmanager
    def receiving(self, output: str | None, filters: Sequence[str]) -> Iterator[Receiver]:
        """Yield where a new set goes: here, or into one file or pipe."""
        kept = Receiver(self.home, codec.available(), filters, closed=bool(filters))
        if output:
            kept = replace(kept, home=export.folder(self.this), keep=partial(export.write, output=output), shown=output)
        yield kept

    @contextmanager
    def content(self, found: Found, volumes: Sequence[str] = ()) -> Iterator[Found]:
        """Yield a set with its files, of all volumes or of some."""
        yield found

    def check(self) -> None:
        """Look at more than sets, where there is more."""

    def forget(self, ids: Sequence[str]) -> None:
        """Remove the content of sets; their folders are removed afterwards."""

    def protect(self, id: str, *, wanted: bool) -> None:
        """Mark a set as one to keep, where its folder is not all there is."""


@dataclass(frozen=True)
class ResticPlace(Place):
    """Sets as snapshots."""

    repository: Repository

    @contextmanager
    def receiving(self, output: str | None, filters: Sequence[str]) -> Iterator[Receiver]:
        """Yield where a set is put together for restic, which compresses and encrypts it."""
        if output or filters:
            why = "the repository is encrypted, and takes whole sets only"
            raise OpsError("--repository goes with neither --output nor --recipient", why)
        with staged(self.this) as stage:
            keep = partial(self.repository.store, stage)
            yield Receiver(stage.home, codec.NONE, closed=True, keep=keep, shown=self.shown)

    @contextmanager
    def content(self, found: Found, volumes: Sequence[str] = ()) -> Iterator[Found]:
        """Fetch a set."""
        with self.repository.fetched(found.manifest, volumes) as path:
            yield replace(found, path=path)

    def check(self) -> None:
        """Have restic look at how the repository hangs together."""
        self.repository.check(deep=False)

    def forget(self, ids: Sequence[str]) -> None:
        """Remove snapshots, and what nothing else needs."""
        self.repository.forget(ids)

    def protect(self, id: str, *, wanted: bool) -> None:
        """Mark a snapshot: other machines have no other way to know."""
        self.repository.protect(id, wanted=wanted)


def options(verb: argparse.ArgumentParser, *, made: bool = False) -> None:
    """Declare how a place is named: where sets are `made`, or are already."""
    where = verb.add_mutually_exclusive_group()
    said = "folder for sets, instead of `backups/`" if made else "folder of the sets, as given to `backup`"
    where.add_argument("--to", metavar="DIR", help=said)
    where.add_argument("--repository", metavar="restic:REPO", help="a repository of restic instead of a folder")


def of(this: Project, options: argparse.Namespace) -> Place:
    """Return the place that is meant."""
    if not options.repository:
        home = folder.home(this, options.to)
        return Place(this, home, str(home))
    repository = Repository(this, Restic(address(options.repository)))
    return ResticPlace(this, repository.mirror(), hidden(options.repository), repository)


def with_identity(verb: argparse.ArgumentParser) -> None:
    """Declare how an encrypted set is opened."""
    said = f"private key of `age` for an encrypted set (else ${crypt.IDENTITY})"
    verb.add_argument("--identity", metavar="FILE", help=said)


def opening(found: Found, identity: str | None) -> list[str]:
    """Return the command that decrypts a set, seen to work; none when it is not encrypted."""
    files = [file for item in found.manifest.stored() for file in item.files]
    secrets = private.file_of(found.manifest)
    paths = (found.path / file.path for file in [*([secrets] if secrets else []), *files] if file.encrypted)
    return crypt.decrypting(identity, next((each for each in paths if each.is_file()), None))
