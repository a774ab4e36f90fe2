"""Streams of pieces that a store puts together and looks into."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ops.errors import OpsError  # isort: skip
from ops.stores.streams import Last, chunks, stream  # isort: skip


@pytest.mark.parametrize("step", [1, 3, 100])
def test_first_and_last_bytes(step: int) -> None:
    sent = bytes(range(256)) * 4
    last = Last(10)
    pieces = [sent[at : at + step] for at in range(0, len(sent), step)]
    assert b"".join(last.of(pieces)) == sent
    assert (last.head, last.tail) == (sent[:10], sent[-10:])


def test_a_stream_of_pieces_is_read_in_any_amounts_and_raises_what_they_raise() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"ab"
        yield b""
        yield b"c" * 1000
        raise OpsError("broken")

    made = stream(pieces())
    assert made.read(1) == b"a"
    assert made.read(500) == b"b" + b"c" * 499
    with pytest.raises(OpsError, match="broken"):
        made.read()
    assert b"".join(chunks(stream(iter([b"x"] * 5)))) == b"xxxxx"
