"""What the shipped preprocessing makes of CSV files."""

from __future__ import annotations

import csv
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.unit.pipeline.helpers import PROJECT, Place

HEAD = "width,height,kind\n"


@pytest.fixture
def code(place: Place, monkeypatch: pytest.MonkeyPatch) -> Any:
    place.code("preprocess", (PROJECT / "services/preprocess/app/preprocess.py").read_text())
    monkeypatch.syspath_prepend(place.root / "preprocess")
    return import_module("app.preprocess")


def rows(place: Place, name: str) -> list[list[str]]:
    with (place.processed / f"{name}.csv").open(newline="") as file:
        return list(csv.reader(file))[1:]


def test_the_example_is_split_in_two(place: Place, code: Any) -> None:
    result = code.preprocess(PROJECT / "services/ingest/app/data", place.processed)
    assert result["columns"][-1] == "species"
    assert (result["train"], result["test"], result["dropped"]) == (
        len(rows(place, "train")),
        len(rows(place, "test")),
        0,
    )
    together = {tuple(row) for row in rows(place, "train") + rows(place, "test")}
    assert len(together) == result["train"] + result["test"] == 149, "one of the 150 is there twice"
    assert 20 <= result["test"] <= 40
    assert {row[-1] for row in rows(place, "test")} == {"setosa", "versicolor", "virginica"}


def test_rows_that_are_not_whole_are_dropped_and_counted(place: Place, code: Any) -> None:
    (place.raw / "a.csv").write_text(
        HEAD + "1,2,x\n1,2,x\n 1 , 2 ,x\n1,,x\n1,b,x\n1,2\n1,2,\nnan,2,x\ninf,2,x\n3,4,y\n"
    )
    result = code.preprocess(place.raw, place.processed)
    assert result["dropped"] == 6
    assert sorted(rows(place, "train") + rows(place, "test")) == [["1", "2", "x"], ["3", "4", "y"]]


def test_more_data_moves_no_row_to_the_other_side(place: Place, code: Any) -> None:
    lines = [f"{number},{number % 7},k{number % 3}\n" for number in range(200)]
    (place.raw / "a.csv").write_text(HEAD + "".join(lines[:100]))
    code.preprocess(place.raw, place.processed)
    before = {name: {tuple(row) for row in rows(place, name)} for name in ("train", "test")}
    (place.raw / "b.csv").write_text(HEAD + "".join(lines[100:]))
    code.preprocess(place.raw, place.processed)
    for name, known in before.items():
        assert known < {tuple(row) for row in rows(place, name)}


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"a.csv": HEAD + "1,2,x\n", "b.csv": "other,kind\n1,x\n"}, "b.csv has the columns"),
        ({"a.csv": HEAD}, "no CSV file in .* has a row"),
        ({"a.csv": ""}, "no CSV file in .* has a row"),
        ({"a.txt": HEAD + "1,2,x\n"}, "no CSV file in .* has a row"),
    ],
)
def test_data_that_does_not_fit_is_named(place: Place, code: Any, files: dict[str, str], why: str) -> None:
    for name, text in files.items():
        (place.raw / name).write_text(text)
    with pytest.raises(ValueError, match=why):
        code.preprocess(Path(place.raw), place.processed)
