"""How a model is trained: put your own in place of this. services/serve/app/model.py loads what it writes."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from app import tracking

# Smaller keeps the model simpler.
C = float(os.environ.get("TRAIN_C", "1.0"))


def train(data: Path, weights: Path) -> dict[str, Any]:
    """Read the folder `data`, write into the folder `weights`. What is returned is kept beside it, as the result.

    Readers see `weights` when this has returned, and not before; when it raises, they never do.
    """
    columns, measures, labels = _read(data / "train.csv")
    model = make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=1000))
    model.fit(measures, labels)
    # Not as a pickle: loading one runs whatever is in it.
    skops.io.dump(model, weights / "model.skops")
    (weights / "columns.json").write_text(json.dumps(columns) + "\n", encoding="utf-8")
    _, measures, labels = _read(data / "test.csv")
    return {"C": C, "test_rows": len(labels), "accuracy": model.score(measures, labels) if labels else None}


def published(generation: str, about: Mapping[str, Any]) -> None:
    """Hear of a generation that readers see from now on."""
    tracking.record(generation, about)


def _read(path: Path) -> tuple[list[str], Any, list[str]]:
    """The names of the measures, the measures, and what each row is."""
    with path.open(newline="", encoding="utf-8") as file:
        head, *rows = csv.reader(file)
    measures = np.array([row[:-1] for row in rows], dtype=float).reshape(len(rows), len(head) - 1)
    return head[:-1], measures, [row[-1] for row in rows]
