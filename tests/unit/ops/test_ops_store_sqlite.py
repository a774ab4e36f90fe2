"""SQLite databases in a copy of a volume: what is opened, counted and refused."""

from __future__ import annotations

import shutil
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from ops.errors import OpsError
from ops.sets.manifest import File, Item
from ops.stores import sqlite
from ops.stores.sqlite import SQLite


class Copy:
    """A stored copy of a folder, as a restore reads it."""

    def __init__(self, folder: Path, path: Path) -> None:
        with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
            tar.add(folder, ".")
        self.path = path
        size = path.stat().st_size
        content = File("vol/content.tar", "content", "none", size, "", size, "")
        self.item = Item("mlflow_data", "st_mlflow_data", files=[content])

    @contextmanager
    def open(self, file: File) -> Iterator[IO[bytes]]:
        assert file.role == "content"
        with self.path.open("rb") as stream:
            yield stream


class Volume:
    """A folder whose content is copied at one instant: its writers stand still while that happens."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "data"
        self.folder.mkdir()
        self.scratch = tmp_path / "scratch"
        self.scratch.mkdir()
        self.tmp_path = tmp_path

    def database(self, name: str = "app.db", rows: int = 100) -> sqlite3.Connection:
        database = sqlite3.connect(self.folder / name, isolation_level=None)
        database.execute("CREATE TABLE runs (id INTEGER PRIMARY KEY, name TEXT)")
        database.execute("CREATE INDEX by_name ON runs (name)")
        fill(database, rows)
        return database

    def copy(self) -> Copy:
        return Copy(self.folder, self.tmp_path / "content.tar")

    def stored(self) -> Item:
        copy = self.copy()
        SQLite().after_copy(copy.item, copy, self.scratch)
        assert not list(self.scratch.iterdir())
        return copy.item

    def refused(self) -> str:
        with pytest.raises(OpsError) as caught:
            self.stored()
        assert caught.value.problem.cause == "damaged"
        assert not list(self.scratch.iterdir())
        return caught.value.problem.why

    def problems(self, counts: dict[str, int] | None = None) -> list[str]:
        copy = self.copy()
        copy.item.counts = counts
        found = SQLite().problems(copy.item, copy, self.scratch)
        assert not list(self.scratch.iterdir())
        return found


def fill(database: sqlite3.Connection, rows: int) -> None:
    database.execute("BEGIN")
    database.executemany(
        "INSERT INTO runs (name) VALUES (?)", [(f"run {number} " + "x" * 200,) for number in range(rows)]
    )
    database.execute("COMMIT")


def spoil(path: Path, at: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    return Volume(tmp_path)


def test_rows_in_a_log_that_is_not_checkpointed_count(volume: Volume) -> None:
    with closing(volume.database()) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA wal_autocheckpoint = 0")
        fill(database, 50)
        assert (volume.folder / "app.db-wal").stat().st_size > 0
        item = volume.stored()
    assert item.counts == {"app.db:runs": 150}
    assert item.facts["databases"] == ["app.db"]
    assert item.warnings == []


def test_a_transaction_that_was_open_is_undone_by_its_journal(volume: Volume) -> None:
    with closing(volume.database(rows=5000)) as database:
        database.execute("PRAGMA cache_size = 5")  # so that changed pages reach the file before the commit
        before = (volume.folder / "app.db").read_bytes()
        database.execute("BEGIN")
        database.execute("DELETE FROM runs WHERE id > 10")
        assert (volume.folder / "app.db").read_bytes() != before
        assert (volume.folder / "app.db-journal").exists()
        item = volume.stored()
    assert item.counts == {"app.db:runs": 5000}


def test_without_its_journal_the_same_copy_is_refused(volume: Volume) -> None:
    with closing(volume.database(rows=5000)) as database:
        database.execute("PRAGMA cache_size = 5")
        database.execute("BEGIN")
        database.execute("DELETE FROM runs WHERE id % 3 = 0")
        (volume.folder / "app.db-journal").rename(volume.folder / "elsewhere")
        assert volume.refused().startswith("`app.db`: ")


@pytest.mark.parametrize(("at", "content"), [(4096 + 8, b"\xff" * 64), (100, b"\x99" * 20)], ids=["page", "schema"])
def test_a_damaged_page_is_refused(volume: Volume, at: int, content: bytes) -> None:
    volume.database(rows=2000).close()
    spoil(volume.folder / "app.db", at, content)
    assert volume.refused().startswith("`app.db`: ")
    assert [line.partition(":")[0] for line in volume.problems()] == ["`app.db`"]


def test_a_database_that_was_cut_is_refused(volume: Volume) -> None:
    volume.database(rows=2000).close()
    with (volume.folder / "app.db").open("r+b") as file:
        file.truncate(20 * 4096)
    assert volume.refused()


def test_files_of_two_instants_are_refused(volume: Volume) -> None:
    with closing(volume.database(rows=2000)) as database:
        early = (volume.folder / "app.db").read_bytes()
        database.execute("UPDATE runs SET name = 'other ' || id")
        database.execute("DELETE FROM runs WHERE id % 2 = 0")
        late = (volume.folder / "app.db").read_bytes()
    half = len(early) // 8192 * 4096
    (volume.folder / "app.db").write_bytes(early[:half] + late[half:])
    assert volume.refused()


def test_databases_are_told_by_content_wherever_they_are(volume: Volume) -> None:
    (volume.folder / "deep" / "er").mkdir(parents=True)
    volume.database("deep/er/no suffix", 3).close()
    volume.database("odd\nname", 4).close()
    (volume.folder / "notes.db").write_text("no database")
    (volume.folder / "lost.db-wal").write_bytes(b"\x37\x7f\x06\x82" + bytes(100))
    (volume.folder / "empty.db").touch()
    shutil.copy(volume.folder / "odd\nname", volume.folder / "log-wal")
    assert volume.stored().counts == {"deep/er/no suffix:runs": 3, "odd\nname:runs": 4, "log-wal:runs": 4}


def test_a_volume_without_one_is_said(volume: Volume) -> None:
    item = volume.stored()
    assert (item.counts, item.warnings) == ({}, ["no SQLite database is in it"])


def test_tables_with_odd_names_and_of_modules(volume: Volume) -> None:
    with closing(volume.database()) as database:
        database.execute('CREATE TABLE "a ""b"":c" (x)')
        database.execute("CREATE VIRTUAL TABLE words USING fts5(text)")
        database.execute("INSERT INTO words VALUES ('one two')")
        database.execute("CREATE VIEW all_runs AS SELECT * FROM runs")
    counts = volume.stored().counts
    assert counts
    assert {key: counts[key] for key in ("app.db:runs", 'app.db:a "b":c')} == {"app.db:runs": 100, 'app.db:a "b":c': 0}
    assert "app.db:words" not in counts
    assert "app.db:all_runs" not in counts
    assert volume.problems(counts) == []


def test_what_only_the_application_knows_is_no_damage(volume: Volume) -> None:
    with closing(volume.database()) as database:
        database.create_collation("theirs", lambda one, other: (one > other) - (one < other))
        database.execute("CREATE TABLE users (name TEXT COLLATE theirs PRIMARY KEY)")
        database.execute("INSERT INTO users VALUES ('a')")
    item = volume.stored()
    assert item.counts == {}
    assert item.warnings == ["`app.db`: cannot be checked here: no such collation sequence: theirs"]


@pytest.mark.parametrize("newer", [True, False])
def test_a_schema_of_a_newer_sqlite_is_no_damage(volume: Volume, newer: bool) -> None:
    with closing(volume.database()) as database:
        database.execute("PRAGMA writable_schema = ON")
        database.execute("UPDATE sqlite_master SET sql = 'CREATE TABLE runs (id FUTURE SYNTAX !!' WHERE name = 'runs'")
    spoil(volume.folder / "app.db", 96, (9_001_000 if newer else 3_008_000).to_bytes(4, "big"))
    if newer:
        assert "cannot be checked here: malformed database schema" in volume.stored().warnings[0]
    else:
        assert "malformed database schema" in volume.refused()


def test_a_look_that_takes_too_long_ends(volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    volume.database(rows=2000).close()
    monkeypatch.setattr(sqlite, "STEPS", 10)
    monkeypatch.setattr(sqlite, "BUDGET", 0.0)
    item = volume.stored()
    assert item.warnings == ["`app.db`: not checked to its end: it took more than 0 seconds"]
    assert volume.problems() == []  # takes its time


@pytest.mark.parametrize("what", ["size", "space"])
def test_what_cannot_be_extracted_is_said(volume: Volume, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    with closing(volume.database()) as database:
        database.execute("PRAGMA journal_mode = WAL")
        fill(database, 1)
        if what == "size":
            monkeypatch.setattr(sqlite, "LARGEST", 1000)
        else:
            monkeypatch.setattr(sqlite, "SPARE", 1 << 60)
        item = volume.stored()
    assert item.counts == {}
    assert [line.partition(":")[0] for line in sorted(item.warnings)] == ["`app.db-wal`", "`app.db`"]


def test_a_python_without_sqlite_says_so(volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    volume.database().close()
    monkeypatch.setattr(sqlite, "MISSING", "not looked into: this Python has no `sqlite3`")
    assert volume.stored().warnings == ["`app.db`: not looked into: this Python has no `sqlite3`"]


def test_counts_are_compared(volume: Volume) -> None:
    volume.database().close()
    assert volume.problems({"app.db:runs": 100}) == []
    assert volume.problems({"app.db:runs": 101}) == ["app.db:runs: 100 rows, 101 when it was stored"]
    assert volume.problems({"gone.db:runs": 1}) == ["gone.db:runs: no rows, 1 when it was stored"]


def test_ctrl_c_while_sqlite_works_is_no_timeout(volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    volume.database(rows=2000).close()
    monkeypatch.setattr(sqlite, "STEPS", 10)
    real = sqlite3.Connection.set_progress_handler

    class Interrupted(sqlite3.Connection):
        def set_progress_handler(self, *arguments: Any) -> None:
            real(self, lambda: 1, 10)  # what a handler gives SQLite when an exception got into it

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *said, **more: connect(*said, **more, factory=Interrupted))
    with pytest.raises(KeyboardInterrupt):
        volume.stored()
