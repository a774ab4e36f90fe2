"""Make a corpus in /data, the same one each time, or print a digest of what is there. Runs in a container, alone."""

from __future__ import annotations

import hashlib
import json
import os
import random
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

DATA = Path("/data")
MIB = 1 << 20
# What the writer of a volume keeps writing to: no part of the corpus.
BEAT = ".beat"


def weights(count: str, mebibytes: str) -> None:
    """Files of random bytes: what no compressor makes smaller."""
    for number in range(int(count)):
        source = random.Random(number)
        with (DATA / f"model-{number:05}.safetensors").open("wb") as file:
            for _ in range(int(mebibytes)):
                file.write(source.randbytes(MIB))


def database(mebibytes: str) -> None:
    """An SQLite file and JSON lines, each of that size: rows of words and numbers with identifiers among them."""
    enough = int(mebibytes) * MIB
    rows = records(random.Random(1))
    with (DATA / "events.jsonl").open("w") as file:
        written = 0
        while written < enough:
            written += file.write(json.dumps(next(rows)) + "\n")
    base = sqlite3.connect(DATA / "app.db")
    base.execute("PRAGMA journal_mode = WAL")
    base.execute("CREATE TABLE event (id INTEGER PRIMARY KEY, key TEXT, score REAL, vector BLOB, body TEXT)")
    base.execute("CREATE INDEX by_key ON event (key)")
    while (DATA / "app.db").stat().st_size < enough:
        batch = [next(rows) for _ in range(5000)]
        values = [(row["key"], row["score"], bytes.fromhex(str(row["hash"])), row["body"]) for row in batch]
        base.executemany("INSERT INTO event (key, score, vector, body) VALUES (?, ?, ?, ?)", values)
        base.commit()
        base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    base.close()


def records(source: random.Random) -> Iterator[dict[str, object]]:
    """Rows without end, that compress about as well as those of an application."""
    words = ["".join(source.choices("aeiourstlnmdkp", k=source.randint(3, 10))) for _ in range(4000)]
    while True:
        yield {
            "key": f"{source.getrandbits(128):032x}",
            "score": source.random(),
            "hash": f"{source.getrandbits(256):064x}",
            "body": " ".join(source.choices(words, k=60)),
        }


def files(count: str) -> None:
    """Small JSON files, a hundred to a folder."""
    rows = records(random.Random(2))
    for number in range(int(count)):
        folder = DATA / f"{number // 100:04}"
        if number % 100 == 0:
            folder.mkdir()
        body = [next(rows) for _ in range(3)]
        (folder / f"{number:06}.json").write_text(json.dumps(body, indent=1) + "\n")


def digest() -> None:
    """Print a digest of all names and contents."""
    whole = hashlib.sha256()
    for folder, below, names in os.walk(DATA):
        below.sort()
        for name in sorted(set(names) - {BEAT}):
            path = Path(folder, name)
            with path.open("rb") as file:
                whole.update(f"{path} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    print(whole.hexdigest())


def main(kind: str, *arguments: str) -> None:
    """Do what the first word says, with the others."""
    kinds: dict[str, Callable[..., None]] = {"weights": weights, "database": database, "files": files, "digest": digest}
    kinds[kind](*arguments)
    os.sync()


if __name__ == "__main__":
    main(*sys.argv[1:])
