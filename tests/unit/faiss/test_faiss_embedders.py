"""Vectors of two embedders never meet: not in an index, and not in a search."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.faiss.helpers import Place, contents

TEXTS = {"a.txt": "alpha beta", "b.txt": "gamma delta", "c.txt": "alpha omega"}


@pytest.fixture
def full(place: Place) -> Place:
    for name, text in TEXTS.items():
        place.put(name, text)
    return place


def calls(place: Place) -> list[int]:
    """How many texts the model was asked for, call by call."""
    path = place.root / "model.calls"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, ("model-a", 1024)),
        (("model-a", 1024), None),
        (("model-a", 1024), ("model-b", 1024)),
        (("model-a", 1024), ("model-b", 768)),
        (("model-a", 1024), ("model-a", 768)),
    ],
)
def test_another_embedder_builds_everything_anew(
    full: Place, before: tuple[str, int] | None, after: tuple[str, int] | None
) -> None:
    full.model(*before) if before else full.no_model()
    full.build_all()
    assert contents(full) == TEXTS
    full.model(*after) if after else full.no_model()
    full.put("d.txt", "new")
    assert full.build_all() == 1
    assert contents(full) == TEXTS | {"d.txt": "new"}
    said = full.current()
    assert (said["embedder"], said["dimension"]) == (after or ("hashing-words-2048-v1", 2048))
    assert full.search("gamma") == ["b.txt"]


def test_a_reader_with_another_model_refuses_until_the_worker_is_done(full: Place) -> None:
    full.model("model-a")
    full.build_all()
    full.model("model-b")
    with pytest.raises(LookupError, match="was built with model-a, and this service has model-b: the FAISS worker has"):
        full.search("alpha")
    full.clients("faiss_worker").check()
    full.build_all()
    assert full.search("gamma") == ["b.txt"]


def test_a_reader_without_a_model_refuses_an_index_of_one(full: Place) -> None:
    full.model("model-a")
    full.build_all()
    full.no_model()
    with pytest.raises(LookupError, match="this service has hashing-words-2048-v1"):
        full.search("alpha")


def test_a_reader_with_a_model_searches_an_index_of_words(full: Place) -> None:
    full.build_all()
    full.model("model-a", away=True)
    assert full.search("gamma") == ["b.txt"]
    assert calls(full) == []


def test_a_model_of_the_same_name_and_another_dimension_is_refused(full: Place) -> None:
    full.model("model-a", 1024)
    full.build_all()
    full.model("model-a", 768)
    with pytest.raises(LookupError, match="model-a has changed since the index was built"):
        full.search("alpha")


def test_only_what_is_new_is_embedded(full: Place) -> None:
    full.model("model-a")
    full.build_all()
    assert calls(full) == [3]
    full.put("d.txt", "new")
    full.build_all()
    assert calls(full) == [3, 1]
    (full.uploads / "a.txt").unlink()
    full.build_all()
    full.build_all()
    assert calls(full) == [3, 1]


def test_batches_are_small(place: Place) -> None:
    place.model("model-a")
    for number in range(70):
        place.put(f"{number}.txt", "text")
    place.build_all()
    assert calls(place) == [32, 32, 6]


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        ({"away": True}, ConnectionError),
        ({"answer": []}, ValueError),
        ({"answer": [[1.0, 2.0]]}, ValueError),
        ({"answer": [1.0, 2.0, 3.0, 4.0]}, ValueError),
        ({"answer": [[1.0], [1.0, 2.0], [], []]}, ValueError),
    ],
)
def test_a_model_in_trouble_leaves_the_index_as_it_is(
    full: Place, trouble: dict[str, Any], kind: type[Exception]
) -> None:
    full.model("model-a")
    full.build_all()
    before = (full.store / "CURRENT").read_bytes()
    full.model("model-a", **trouble)
    for number in range(4):
        full.put(f"new{number}.txt", "text")
    (full.uploads / "a.txt").unlink()
    for _ in range(2):
        with pytest.raises(kind):
            full.build()
        assert ((full.store / "CURRENT").read_bytes(), full.leftovers()) == (before, [])
    full.model("model-a")
    assert set(full.search("alpha")) == {"a.txt", "c.txt"}
    assert full.build_all() == 1
    assert len(contents(full)) == 6


def test_numbers_that_are_none_find_nothing_and_stop_nobody(full: Place) -> None:
    bad = json.loads("[[NaN, 1, 0], [Infinity, 0, 0], [0, 0, 0]]")
    full.model("model-a", answer=bad)
    assert full.build_all() == 1
    assert full.current()["pieces"] == 3
    full.clients("faiss_worker").check()
    full.model("model-a", answer=[[0, 1, 0]])
    assert full.search("anything") == ["a.txt"]
