"""How raw data becomes data to train on: put your own in place of this.

Every CSV file in the raw data has the same columns; the last is what a model is to tell, the others are numbers.
"""

from __future__ import annotations

import csv
import hashlib
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Row = tuple[str, ...]

# How many rows of a hundred are kept from training, to test on.
TEST_PERCENT = int(os.environ.get("PREPROCESS_TEST_PERCENT", "20"))


def preprocess(raw: Path, processed: Path) -> dict[str, Any]:
    """Read the folder `raw`, write into the folder `processed`. What is returned is kept beside it, as the result."""
    columns: Row = ()
    rows: dict[Row, None] = {}
    dropped = 0
    for path in sorted(raw.rglob("*.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            lines = csv.reader(file)
            head = tuple(next(lines, ()))
            if columns and head != columns:
                raise ValueError(f"{path.name} has the columns {head}, and the files before it {columns}")
            columns = head
            for line in lines:
                row = tuple(value.strip() for value in line)
                if _good(row, len(columns)):
                    rows[row] = None
                else:
                    dropped += 1
    if not rows:
        raise ValueError(f"no CSV file in {raw} has a row to train on")
    counts = {name: _write(processed / f"{name}.csv", columns, _part(rows, name)) for name in ("train", "test")}
    return {"columns": columns, **counts, "dropped": dropped}


def _good(row: Row, length: int) -> bool:
    """Whether a row has all its values."""
    try:
        return len(row) == length and row[-1] != "" and all(math.isfinite(float(value)) for value in row[:-1])
    except ValueError:
        return False


def _part(rows: dict[Row, None], name: str) -> Iterator[Row]:
    """The rows to train or to test on. By content: more data moves no row from one side to the other."""
    for row in rows:
        number = int(hashlib.sha256("\0".join(row).encode()).hexdigest(), 16) % 100
        if (number < TEST_PERCENT) == (name == "test"):
            yield row


def _write(path: Path, columns: Row, rows: Iterator[Row]) -> int:
    count = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(columns)
        for row in rows:
            lines.writerow(row)
            count += 1
    return count
