# Managed by scaffold: updates merge this file.
"""SQLite databases among the files of a volume: copied at one instant, and opened from the copy to see that it is good.

A copy of one instant is what a power cut would leave: the log or the journal beside a database makes it whole again.
"""

from __future__ import annotations

import math
import re
import shutil
import tempfile
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ops.errors import UNABLE, OpsError
from ops.sets import archive
from ops.stores.base import Store

try:
    import sqlite3

    MISSING = ""
except ImportError:  # a Python may have been built without
    MISSING = "not looked into: this Python has no `sqlite3`"

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Iterator

    from ops.sets.manifest import Item
    from ops.stores.base import Source

CONTENT = "content"
DATABASE = b"SQLite format 3\0"
# What a log (in two byte orders) and a journal begin with; one that begins with zeros was cleared and undoes nothing.
BESIDE = {"-wal": (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83"), "-journal": (b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7",)}
BUDGET = 120.0  # seconds for looking into all databases of a volume while a backup is made
LARGEST = 4 << 30  # bytes of a database to look into then; `verify --deep` looks into any
STEPS = 100_000  # of SQLite's machine between looks at the clock
SPARE = 64 << 20  # bytes to leave free where databases are extracted
# What only the application that made a database has, and what this SQLite is too old for: no sign of damage.
FOREIGN = re.compile(r"no such (collation|module|function|tokenizer)|unknown tokenizer|unsupported file format")
SCHEMA = "malformed database schema"


class SQLite(Store):
    """Databases that are files: paused writers leave a log or a journal from which SQLite recovers."""

    live = False

    def after_copy(self, item: Item, source: Source, scratch: Path) -> None:
        """Count the rows of every table, as far as the time goes, and refuse a copy that is not sound."""
        looks = looked(source, scratch, time.monotonic() + BUDGET)
        for look in looks:
            if look.wrong:
                why = f"`{look.name}`: {look.wrong}"
                fix = "see whether the application itself still opens it; then run this again"
                raise OpsError("a SQLite database in the copy is damaged", why, fix, UNABLE, "damaged")
        item.facts["databases"] = [look.name for look in looks]
        item.counts = {key: number for look in looks for key, number in look.rows.items()}
        item.warnings += [f"`{look.name}`: {look.unsure}" for look in looks if look.unsure]
        if not looks:
            item.warnings.append("no SQLite database is in it")

    def problems(self, item: Item, source: Source, scratch: Path) -> list[str]:
        """Open every database of the copy, check all of it and count again."""
        looks = looked(source, scratch, math.inf)
        found = [f"`{look.name}`: {look.wrong or look.unsure}" for look in looks if look.wrong or look.unsure]
        rows = {key: number for look in looks for key, number in look.rows.items()}
        unsure = tuple(f"{look.name}:" for look in looks if look.unsure)
        for key, number in (item.counts or {}).items():
            if rows.get(key) != number and not key.startswith(unsure):
                found.append(f"{key}: {rows.get(key, 'no')} rows, {number} when it was stored")
        return found


@dataclass
class Look:
    """What was seen in one database: what is wrong with it, or why that could not be told."""

    name: str
    wrong: str = ""
    unsure: str = ""
    rows: dict[str, int] = field(default_factory=dict)


def looked(source: Source, scratch: Path, until: float) -> list[Look]:
    """Look into every database of a copy."""
    with tempfile.TemporaryDirectory(dir=scratch, prefix="sqlite-") as folder:
        found = Extract(Path(folder), math.inf if until == math.inf else LARGEST)
        with source.open(source.item.file(CONTENT)) as stream:
            archive.walk(stream, found.take)
        return [*found.skipped, *(look_into(name, path, until) for name, path in found.databases())]


class Extract:
    """Puts databases and what belongs to them into a folder, under names of our own."""

    def __init__(self, folder: Path, largest: float) -> None:
        """Begin with nothing."""
        self.folder = folder
        self.largest = largest
        self.paths: dict[str, Path] = {}
        self.skipped: list[Look] = []

    def take(self, name: str, member: tarfile.TarInfo, stream: IO[bytes]) -> None:
        """Keep a file when it is a database, a log or a journal: the archive has them in any order."""
        head = stream.read(len(DATABASE))
        suffix = next((end for end in BESIDE if name.endswith(end)), "")
        if not (head == DATABASE or (suffix and head.startswith(BESIDE[suffix]))):
            return
        why = self.beyond(member.size)
        if why:
            self.skipped.append(Look(name.removeprefix("./"), unsure=f"not looked into: {why}"))
            return
        path = self.paths[name.removeprefix("./")] = self.folder / str(len(self.paths))
        with path.open("xb") as file:
            file.write(head)
            shutil.copyfileobj(stream, file, 1 << 20)

    def beyond(self, size: int) -> str:
        """Say why a file of a size is not kept, if it is not."""
        if size > self.largest:
            return f"larger than {LARGEST >> 30} GiB; `python3 ops verify --deep` does"
        if shutil.disk_usage(self.folder).free < size + SPARE:
            return f"no space for it in `{self.folder.parent}`"
        return ""

    def databases(self) -> Iterator[tuple[str, Path]]:
        """Give every database, with its log and journal beside it."""
        left = {look.name for look in self.skipped}
        for name, path in list(self.paths.items()):
            if any(name + end in left for end in BESIDE) or not path.exists() or not is_database(path):
                continue
            for end in BESIDE:
                if name + end in self.paths:
                    self.paths[name + end].rename(f"{path}{end}")
            yield name, path


def is_database(path: Path) -> bool:
    """Tell a database from a log that has none."""
    with path.open("rb") as file:
        return file.read(len(DATABASE)) == DATABASE


def look_into(name: str, path: Path, until: float) -> Look:
    """Check one database and count its rows."""
    look = Look(name, unsure=MISSING)
    if MISSING:
        return look
    try:
        with closing(opened(path, until)) as database:
            look.wrong = unsound(database)
            if not look.wrong:
                look.rows = {f"{name}:{table}": number for table, number in rows(database)}
    except sqlite3.Error as error:
        line = " ".join(str(error).split())
        if line == "interrupted":
            if time.monotonic() <= until:
                # Ctrl-C got in while SQLite was asked to go on, and SQLite passes no exceptions.
                raise KeyboardInterrupt from None
            look.unsure = f"not checked to its end: it took more than {BUDGET:.0f} seconds"
        elif FOREIGN.match(line) or (line.startswith(SCHEMA) and newer(path, sqlite3.sqlite_version_info)):
            look.unsure = f"cannot be checked here: {line}"
        else:
            look.wrong = line
    finally:
        for end in ("", "-wal", "-shm", "-journal"):
            with suppress(FileNotFoundError):
                Path(f"{path}{end}").unlink()
    return look


def opened(path: Path, until: float) -> sqlite3.Connection:
    """Open a copy to read it: what is in it may be anybody's, so its schema is not trusted with functions."""
    database = sqlite3.connect(str(path), isolation_level=None)
    database.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    database.execute("PRAGMA trusted_schema = OFF")
    # Without it Ctrl-C would have to wait as well.
    database.set_progress_handler(lambda: int(time.monotonic() > until), STEPS)
    return database


def unsound(database: sqlite3.Connection) -> str:
    """Return what SQLite finds wrong with a database; empty when it is sound."""
    said = [str(row[0]) for row in database.execute("PRAGMA integrity_check(3)")]
    return "" if said == ["ok"] else "; ".join(" ".join(line.split()) for line in said) or "no answer"


def rows(database: sqlite3.Connection) -> Iterator[tuple[str, int]]:
    """Count the rows of every table that SQLite itself keeps; of one with an odd name, nobody knows."""
    tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
    for (table,) in database.execute(tables).fetchall():
        quoted = str(table).replace('"', '""')
        try:
            yield str(table), int(database.execute(f'SELECT count(*) FROM "{quoted}"').fetchone()[0])
        except (UnicodeEncodeError, sqlite3.OperationalError) as error:
            if str(error) == "interrupted":
                raise


def newer(path: Path, here: tuple[Any, ...]) -> bool:
    """Tell whether a newer SQLite than this one wrote the database last: the number is in its head."""
    with path.open("rb") as file:
        number = int.from_bytes(file.read(100)[96:100], "big")
    return (number // 1_000_000, number // 1000 % 1000, number % 1000) > tuple(here[:3])
