# Managed by scaffold: updates merge this file.
"""Store a plain archive while it is still being written: what reads it must not make a freeze any longer."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, cast

from ops.errors import UNABLE, OpsError
from ops.sets import codec, samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from ops.sets.writer import ItemSink

WAIT = 0.01  # seconds


class Following:
    """A file that somebody else may still append to; it ends when that one says so."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.over = threading.Event()
        self.broken = False

    def read(self, size: int = -1) -> bytes:
        """Return what is there, or wait for it."""
        while True:
            over = self.over.is_set()
            if self.broken:
                raise OpsError("the archive did not get whole", code=UNABLE)
            piece = self.file.read(size)
            # Asked before reading: what was written until then is in the piece.
            if piece or over:
                return piece
            self.over.wait(WAIT)

    @property
    def whole(self) -> bool:
        """Tell whether all of it is there."""
        return self.over.is_set() and not self.broken

    def end(self, *, whole: bool) -> None:
        """Say that nothing more comes."""
        self.broken = not whole
        self.over.set()


class Keeper(threading.Thread):
    """Stores one archive as it grows. They take turns: two at once would only share the processors.

    With `plain` the archive's own file may become the stored one. `lying` is where it lies: one that is whole may be in
    two files, which `file` reads as one, and has `join` to make them one and open that.
    """

    def __init__(
        self,
        sink: ItemSink,
        role: str,
        name: str,
        file: IO[bytes],
        turn: threading.Lock,
        *,
        lying: Sequence[Path],
        plain: bool = False,
        join: Callable[[], IO[bytes]] | None = None,
    ) -> None:
        super().__init__(name="ops-keeper", daemon=True)
        self.sink, self.role, self.file_name, self.turn = sink, role, name, turn
        self.lying, self.plain, self.join_halves = lying, plain, join
        self.packs = sink.writer.codec != codec.NONE
        self.following = Following(file)
        self.error: BaseException | None = None

    def run(self) -> None:
        """Hash until the archive ends, and compress it where that pays."""
        try:
            with self.turn:
                if not (self.plain and self.fits() and self.adopted()):
                    self.add()
        except BaseException as error:  # raised by the one who waits
            self.error = error
        finally:
            self.following.file.close()

    def fits(self) -> bool:
        """Tell whether it might stay as it is, as far as one can look by now; then it lies in one file."""
        if self.packs and self.following.whole and samples.across(self.following.file).pays is not False:
            return False
        if self.join_halves:
            self.following.file.close()
            self.following.file, self.join_halves, self.lying = self.join_halves(), None, self.lying[:1]
        return True

    def adopted(self) -> bool:
        """Keep the archive itself when compression would not make it smaller: it is on the disk already."""
        sum, seen, told = codec.Sum(), samples.Samples(), 0
        pays = None if self.packs else False
        file = self.following.file
        for piece in codec.pieces(cast("IO[bytes]", self.following)):
            sum.add(piece)
            if self.packs:
                seen.add(piece)
                pays = seen.pays
            if pays:
                break
            if pays is False:  # who compresses reads it once more
                told = codec.write_behind(file.fileno(), told, sum.size)
        if pays is not False:
            file.seek(0)
            return False
        os.fsync(file.fileno())
        self.sink.adopt(self.role, self.file_name, self.lying[0], sum)
        return True

    def add(self) -> None:
        """Compress it; one that is whole by now can be read by two at once."""
        whole = self.following.whole
        stream = self.following.file if whole else cast("IO[bytes]", self.following)
        self.sink.add(self.role, self.file_name, stream, lying=self.lying if whole else ())

    def finish(self) -> None:
        """Wait for the end, and raise what went wrong."""
        self.join()
        if self.error is not None:
            raise self.error

    def give_up(self) -> None:
        """End without a file."""
        self.following.end(whole=False)
        self.join()


@contextmanager
def keeping() -> Iterator[dict[str, Keeper]]:
    """Yield where keepers are noted, by the volume they store; none outlives a failure."""
    keepers: dict[str, Keeper] = {}
    try:
        yield keepers
    except BaseException:
        for keeper in keepers.values():
            keeper.give_up()
        raise
