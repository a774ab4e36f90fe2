"""What a model is: put your own in place of this. services/train/app/train.py writes what this loads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import skops.io

LARGEST = 1e300


class Model(NamedTuple):
    """What was trained, and the names of what it wants to know."""

    columns: list[str]
    pipeline: Any


def load(folder: Path) -> Model:
    """Load a generation of the weights. What this raises keeps the model before it in use."""
    columns = json.loads((folder / "columns.json").read_text(encoding="utf-8"))
    # Only types that skops knows are made; name others of your own in `trusted`.
    model = Model(columns, skops.io.load(folder / "model.skops", trusted=[]))
    # One that cannot answer is found out now, not by whoever asks first.
    predict(model, [[0.0] * len(columns)])
    return model


def wrong(model: Model, rows: Any, most: int) -> str:
    """Say what is wrong with the rows that were sent; empty when nothing is."""
    wanted = f'send JSON: {{"rows": [[{", ".join(model.columns)}], …]}}, all numbers'
    if not isinstance(rows, list) or not rows or not all(isinstance(row, list) for row in rows):
        return wanted
    if len(rows) > most:
        return f"send {most} rows at most"
    return "" if all(len(row) == len(model.columns) and all(map(_number, row)) for row in rows) else wanted


def _number(value: Any) -> bool:
    # Neither NaN nor infinite, and no integer that is too large for a float.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST


def predict(model: Model, rows: list[list[float]]) -> list[str]:
    """What each row is."""
    return [str(label) for label in model.pipeline.predict(rows)]
