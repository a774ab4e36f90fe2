"""Reading while others write, rotate, delete and put back: every line once, and what is missing is counted."""

from __future__ import annotations

import json
import shutil
import threading
from importlib import import_module
from typing import Any

import pytest

from tests.unit.logs.helpers import Place


class Reader:
    """Reads on and on, and keeps what it got."""

    def __init__(self, place: Place, position: Any = None) -> None:
        self.place = place
        self.position = position
        self.lines: list[tuple[int, bytes]] = []
        self.dropped = self.repeated = 0

    def once(self) -> bool:
        batch = self.place.tail.read(self.place.web, self.position)
        self.lines += enumerate(batch.lines, batch.first)
        self.dropped += batch.dropped
        self.repeated += batch.repeated
        self.position = batch.position
        return bool(batch.more)

    def all(self) -> list[bytes]:
        """Read until there is no more, and return what that was."""
        before = len(self.lines)
        while self.once():
            pass
        return [line for _, line in self.lines[before:]]


@pytest.fixture
def reader(place: Place) -> Reader:
    return Reader(place)


def fill(place: Place, first: int, lines: int, *, size: int = 10_000, count: int = 3) -> list[bytes]:
    """Log lines of 100 bytes with numbers in them."""
    log = place.files(size, count)
    written = [f"{number} ".encode().ljust(99, b"x") for number in range(first, first + lines)]
    for line in written:
        log.write(line + b"\n")
    return written


def test_a_folder_without_a_line_has_none(place: Place, reader: Reader) -> None:
    assert place.tail.services(place.logs) == []
    place.web.mkdir()
    place.files()
    assert not reader.once()
    assert (reader.lines, reader.position) == ([], None)


def test_what_comes_is_read_once_over_files(place: Place, reader: Reader) -> None:
    expected = fill(place, 0, 50, count=10)
    assert reader.all() == expected
    assert reader.all() == []
    for start in range(50, 500, 30):
        assert fill(place, start, 30) == reader.all()
    assert [number for number, _ in reader.lines] == list(range(500))
    assert (reader.dropped, reader.repeated) == (0, 0)
    assert place.tail.services(place.logs) == ["web"]


def test_a_line_is_read_when_it_is_whole(place: Place, reader: Reader) -> None:
    fill(place, 0, 1)
    reader.all()
    with place.paths()[0].open("ab") as half:
        half.write(b"half")
    assert reader.all() == []
    with place.paths()[0].open("ab") as half:
        half.write(b" and half\n")
    assert reader.all() == [b"half and half"]


def test_a_reader_that_stops_goes_on_where_it_was(place: Place) -> None:
    position = None
    seen: list[tuple[int, bytes]] = []
    expected: list[bytes] = []
    for start in range(0, 400, 40):
        expected += fill(place, start, 40, count=10)
        # A new one each time, with a position that was on disk.
        positions = import_module("managed.positions")
        reader = Reader(place, positions.load(place.positions).get("web"))
        assert reader.position == position
        reader.once()
        reader.all()
        position = reader.position
        positions.save(place.positions, {"web": position})
        seen += reader.lines
    assert seen == list(enumerate(expected))


def test_a_reader_that_is_too_slow_counts_what_it_missed(place: Place, reader: Reader) -> None:
    """Each file takes a hundred lines, and three stay."""
    fill(place, 0, 120)
    reader.all()
    fill(place, 120, 1000)
    reader.all()
    kept = [int(path.stem) for path in place.paths()]
    assert kept == [900, 1000, 1100]
    assert reader.dropped == 900 - 120
    assert [number for number, _ in reader.lines] == [*range(120), *range(900, 1120)]
    assert all(line.startswith(f"{number} ".encode()) for number, line in reader.lines)
    assert not reader.repeated


def test_the_first_look_counts_what_was_deleted_before_it(place: Place, reader: Reader) -> None:
    fill(place, 0, 1000)
    reader.all()
    assert (reader.dropped, len(reader.lines)) == (700, 300)


@pytest.mark.parametrize("files", [1000, 4])
def test_reading_while_processes_write_and_rotate(place: Place, reader: Reader, files: int) -> None:
    writers = [place.writer(str(name), 4000, 20_000, files) for name in range(3)]
    # What each says has to be taken, or it stops.
    takers = [threading.Thread(target=writer.communicate) for writer in writers]
    for taker in takers:
        taker.start()
    while any(taker.is_alive() for taker in takers):
        reader.once()
    reader.all()
    assert all(writer.returncode == 0 for writer in writers)
    assert len(reader.lines) + reader.dropped == 12_000
    assert not reader.repeated
    numbers = [number for number, _ in reader.lines]
    assert numbers == sorted(set(numbers)), "each once, and in order"
    said = [json.loads(line) for _, line in reader.lines]
    assert len({(line["writer"], line["number"]) for line in said}) == len(said)
    if files == 1000:
        assert reader.dropped == 0


def test_a_new_volume_is_read_from_its_beginning(place: Place, reader: Reader) -> None:
    """Also when its files have the names and the sizes of those that were read: inodes may be the same, too."""
    fill(place, 0, 250)
    reader.all()
    shutil.rmtree(place.web)
    assert reader.all() == []
    expected = fill(place, 1000, 250)
    assert reader.all() == expected
    assert reader.lines[250][0] == 0
    assert not reader.repeated


def test_a_file_that_became_shorter_is_read_again(place: Place, reader: Reader) -> None:
    """As when the machine lost its power before what was read had reached the disk."""
    lines = fill(place, 0, 50)
    reader.all()
    with place.paths()[0].open("r+b") as file:
        file.truncate(3000)
    assert reader.all() == lines[:30]
    assert reader.repeated == 1
    more = fill(place, 100, 40)
    assert reader.all() == more
    assert reader.repeated == 1


def test_a_file_that_became_shorter_and_grew_again_is_read_again(place: Place, reader: Reader) -> None:
    lines = fill(place, 0, 50)
    reader.all()
    with place.paths()[0].open("r+b") as file:
        file.truncate(3000)
    more = fill(place, 100, 40)
    assert reader.all() == [*lines[:30], *more]
    assert reader.repeated == 1


@pytest.mark.parametrize("later", [0, 1, 20, 333])
def test_a_volume_that_was_restored_is_read_again(place: Place, reader: Reader, later: int) -> None:
    """Its position may be of a file that is not there, or not any more, or by chance again."""
    old = fill(place, 0, 150, count=10)
    shutil.copytree(place.web, place.root / "backup")
    fill(place, 150, 500, count=10)
    reader.all()
    shutil.rmtree(place.web)
    shutil.copytree(place.root / "backup", place.web)
    log = place.files(count=10)
    new = [f"new {number} {'y' * 60}".encode() for number in range(later)]
    for line in new:
        log.write(line + b"\n")
    assert reader.all() == [*old, *new]
    assert reader.repeated == 1
    assert reader.dropped == 0


def test_deleted_between_the_list_and_the_look(place: Place, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(place, 0, 250)
    real = place.tail.numbers

    def numbers(folder: Any) -> list[int]:
        found: list[int] = real(folder)
        monkeypatch.setattr(place.tail, "numbers", real)
        fill(place, 250, 300)
        return found

    monkeypatch.setattr(place.tail, "numbers", numbers)
    assert reader.once()
    assert reader.lines == []
    reader.all()
    assert [number for number, _ in reader.lines] == list(range(300, 550))
    assert reader.dropped == 300


def test_a_file_that_ends_in_half_a_line_ends_in_a_line(place: Place, reader: Reader) -> None:
    fill(place, 0, 100)
    first = place.paths()[0]
    with first.open("ab") as half:
        half.write(b"half")
    (place.web / "000000000000100.log").write_bytes(b"next\n")
    assert reader.all()[-2:] == [b"half", b"next"]
    assert reader.dropped == 0


def test_a_line_without_an_end_does_not_stop_the_rest(place: Place, reader: Reader) -> None:
    fill(place, 0, 1)
    with place.paths()[0].open("ab") as long:
        long.write(b"z" * 3_000_000 + b"\n")
    fill(place, 1, 1, size=10_000_000)
    assert b"".join(reader.all()[1:-1]) == b"z" * 3_000_000
    assert reader.lines[-1][0] == 2
