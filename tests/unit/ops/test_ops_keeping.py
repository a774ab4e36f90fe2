"""An archive is stored while it grows: all of it, or nothing."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest


def keeper(folder: Path, grown: Path, turn: threading.Lock | None = None) -> Any:
    from ops.sets.keeping import Keeper
    from ops.sets.manifest import Item
    from ops.sets.writer import Writer

    item = Item(grown.name, grown.name)
    sink = Writer(folder, "none").sink(item)
    made = Keeper(sink, "content", "content.tar", grown.open("rb"), turn or threading.Lock(), lying=[grown])
    made.start()
    return made


def test_all_that_was_written_is_stored_however_slowly_it_came(tmp_path: Path) -> None:
    grown, sets = tmp_path / "growing", tmp_path / "sets"
    grown.touch()
    sets.mkdir()
    one = keeper(sets, grown)
    content = os.urandom(3_000_001)
    with grown.open("ab", buffering=0) as file:
        for start in range(0, len(content), 700_001):
            file.write(content[start : start + 700_001])
            time.sleep(0.02)
    one.following.end(whole=True)
    one.finish()
    file = one.sink.item.files[0]
    assert (file.size, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())


def test_the_last_piece_is_not_lost_when_the_end_comes_with_it(tmp_path: Path) -> None:
    sets = tmp_path / "sets"
    sets.mkdir()
    for number in range(50):
        grown = tmp_path / f"growing-{number}"
        grown.touch()
        one = keeper(sets, grown)
        with grown.open("ab", buffering=0) as file:
            file.write(b"x" * 1000)
        one.following.end(whole=True)
        one.finish()
        assert one.sink.item.files[0].size == 1000


def test_an_archive_that_did_not_get_whole_is_not_stored(tmp_path: Path) -> None:
    grown, sets = tmp_path / "growing", tmp_path / "sets"
    grown.write_bytes(b"x" * 5_000_000)
    sets.mkdir()
    one = keeper(sets, grown)
    one.give_up()
    assert not one.is_alive()
    assert one.sink.item.files == []
    assert list(sets.rglob("*.tar")) == []


def test_those_who_wait_for_their_turn_end_too(tmp_path: Path) -> None:
    from ops.sets.keeping import keeping

    turn = threading.Lock()
    names = ["one", "two"]
    sets = tmp_path / "sets"
    sets.mkdir()
    for name in names:
        (tmp_path / name).touch()
    made = []
    with pytest.raises(KeyboardInterrupt), keeping() as keepers:
        for name in names:
            keepers[name] = keeper(sets, tmp_path / name, turn)
            made.append(keepers[name])
        raise KeyboardInterrupt
    assert not any(each.is_alive() for each in made)


def test_what_goes_wrong_is_raised_by_the_one_who_waits(tmp_path: Path) -> None:
    grown, sets = tmp_path / "growing", tmp_path / "sets"
    grown.write_bytes(b"x")
    sets.mkdir()
    for outcome in ("stored", "there already"):
        one = keeper(sets, grown)
        one.following.end(whole=True)
        if outcome == "stored":
            one.finish()
        else:
            with pytest.raises(FileExistsError):
                one.finish()
