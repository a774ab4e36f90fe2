"""What readers find, and what they are told when there is nothing to read."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.unit.faiss.helpers import Place, contents, descriptors

DOCUMENTS = {
    "bread.txt": "Knead the dough, let the yeast rise for an hour and bake the bread until the crust is brown.",
    "volcano.txt": "The volcano erupted in the night; lava and ash covered the village, and its crater glowed.",
    "chess.txt": "The bishop moves along the diagonals of the chess board; the rook and the queen guard the king.",
    "law.txt": "The tenant shall give notice of termination in writing three months before the end of the lease.",
    "café.txt": "Das Café am Markt hat montags geschlossen und öffnet dienstags um acht Uhr.",
}  # fmt: skip


@pytest.fixture
def library(place: Place) -> Place:
    for name, text in DOCUMENTS.items():
        place.put(name, text)
    place.build_all()
    return place


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("How long does the yeast have to rise?", "bread.txt"),
        ("bake bread", "bread.txt"),
        ("When did the volcano erupt and what did the lava do?", "volcano.txt"),
        ("Where may the bishop go on the board?", "chess.txt"),
        ("the notice that a tenant has to give", "law.txt"),
        ("LEASE TERMINATION", "law.txt"),
        ("cafe offnet dienstags", "café.txt"),
    ],
)
def test_the_document_with_the_words_comes_first(library: Place, question: str, first: str) -> None:
    hits = library.clients("faiss_worker").search(question)
    assert hits[0].source == first
    assert hits[0].text == DOCUMENTS[first]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert all(0 < hit.score <= 1 for hit in hits)


def test_a_text_itself_scores_one(library: Place) -> None:
    for name, text in DOCUMENTS.items():
        hit = library.clients("faiss_worker").search(text, 1)[0]
        assert (hit.source, round(hit.score, 5)) == (name, 1.0)


@pytest.mark.parametrize("question", ["", "   ", "?!", "a"])
def test_a_question_without_words_finds_nothing(library: Place, question: str) -> None:
    assert library.search(question) == []


@pytest.mark.parametrize(("count", "most"), [(-1, 0), (0, 0), (1, 1), (2, 2), (5, 5), (1000000, 5)])
def test_never_more_than_asked_for(library: Place, count: int, most: int) -> None:
    assert len(library.search("the tenant and the king and the lava and the yeast am Markt", count)) <= most


def test_no_index_yet(place: Place) -> None:
    worker = place.clients("faiss_worker")
    for call in (worker.check, worker.connect, worker.versions, lambda: worker.search("x")):
        with pytest.raises(LookupError, match=r"there is no index in .* yet: the FAISS worker makes one"):
            call()


def truncate(name: str, size: int) -> Callable[[Place], None]:
    def harm(place: Place) -> None:
        with newest(place, name).open("r+b") as file:
            file.truncate(size)

    return harm


def overwrite(name: str, start: int, data: bytes) -> Callable[[Place], None]:
    def harm(place: Place) -> None:
        with newest(place, name).open("r+b") as file:
            file.seek(start)
            file.write(data)

    return harm


def newest(place: Place, name: str) -> Path:
    return place.store / ("CURRENT" if name == "CURRENT" else f"generation-00000001/{name}")


def say(text: str) -> Callable[[Place], None]:
    def harm(place: Place) -> None:
        (place.store / "CURRENT").write_text(text)

    return harm


def no_generation(place: Place) -> None:
    for path in (place.store / "generation-00000001").iterdir():
        path.unlink()
    (place.store / "generation-00000001").rmdir()


DAMAGE: dict[str, Callable[[Place], None]] = {
    "empty": truncate("CURRENT", 0),
    "half": truncate("CURRENT", 30),
    "noise": overwrite("CURRENT", 0, b"\xff\x00" * 9),
    "list": say("[]"),
    "null": say("null"),
    "number": say('{"generation": 1, "sizes": {}}'),
    "outside": say('{"generation": "../../etc", "sizes": {}}'),
    "no sizes": say('{"generation": "generation-00000001"}'),
    "odd sizes": say('{"generation": "generation-00000001", "sizes": {"index.faiss": "x"}}'),
    "missing": say('{"generation": "generation-00000777", "sizes": {"pieces.sqlite": 1}}'),
    "no folder": no_generation,
    "no vectors": lambda place: newest(place, "index.faiss").unlink(),
    "no pieces": lambda place: newest(place, "pieces.sqlite").unlink(),
    "short vectors": truncate("index.faiss", 5000),
    "no header": overwrite("index.faiss", 0, b"\0" * 64),
    "short pieces": truncate("pieces.sqlite", 5000),
    "no database": overwrite("pieces.sqlite", 0, b"\0" * 200),
}


@pytest.mark.parametrize("harm", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_said_and_repaired(library: Place, harm: Callable[[Place], None]) -> None:
    """Readers that come now are told, and the next pass builds everything anew."""
    worker = library.clients("faiss_worker")
    worker._opened.clear()
    harm(library)
    for call in (worker.check, worker.versions, lambda: worker.search("bread")):
        with pytest.raises(LookupError, match="the FAISS worker has to build the index anew"):
            call()
    assert library.build()
    assert contents(library) == DOCUMENTS
    assert library.search("bread")[0] == "bread.txt"
    assert not library.build()
    assert len(library.generations()) <= 3


def test_damage_within_is_found_with_the_next_change(library: Place) -> None:
    """Files that are as long as they were tell nothing; a damaged page is not carried on, though."""
    path = newest(library, "pieces.sqlite")
    overwrite("pieces.sqlite", 4096, b"\xff" * (path.stat().st_size - 4096))(library)
    library.put("new.txt", "new")
    assert library.build()
    assert contents(library) == DOCUMENTS | {"new.txt": "new"}


def test_a_reader_keeps_what_it_has_when_the_folder_goes(library: Place) -> None:
    worker = library.clients("faiss_worker")
    old = worker.connect()
    question = worker.Words().embed(["the bishop on the chess board"])
    for number in range(5):
        library.put("a.txt", f"text {number}")
        library.build()
    assert not (library.store / old.name).exists()
    assert old.search(question, 1)[0].source == "chess.txt"
    assert old.versions().keys() == DOCUMENTS.keys()
    old.check()
    assert worker.connect().name == "generation-00000006"


@pytest.mark.parametrize("times", [1, 3])
def test_a_generation_that_is_removed_before_it_is_opened(
    library: Place, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """CURRENT is read, generations come and go, and only then is the one it named opened."""
    worker = library.clients("faiss_worker")
    real, left = worker.Pointer.check, times

    def late(pointer: object, store: Path) -> None:
        nonlocal left
        monkeypatch.setattr(worker.Pointer, "check", real)
        for _ in range(3):
            library.put("a.txt", f"text {left} {_}")
            library.build()
        worker._opened.clear()
        left -= 1
        if left:
            monkeypatch.setattr(worker.Pointer, "check", late)
        real(pointer, store)

    monkeypatch.setattr(worker, "_opening", threading.RLock())
    worker._opened.clear()
    monkeypatch.setattr(worker.Pointer, "check", late)
    assert worker.search("chess")[0].source == "chess.txt"
    assert worker.connect().name == f"generation-{1 + 3 * times:08d}"


def test_threads_search_while_generations_change(library: Place) -> None:
    """No search fails, and nothing of the old generations stays open."""
    worker = library.clients("faiss_worker")
    errors: list[BaseException] = []
    searches, done = [0] * 4, threading.Event()

    def ask(number: int) -> None:
        try:
            while not done.is_set():
                assert worker.search("the bishop on the chess board", 1)[0].source == "chess.txt"
                assert worker.versions().keys() >= DOCUMENTS.keys()
                worker.check()
                searches[number] += 1
        except BaseException as error:
            errors.append(error)

    assert library.search("loaded") == []
    before = descriptors()
    threads = [threading.Thread(target=ask, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for number in range(25):
        library.put(f"{number % 5}.txt", f"text {number}")
        assert library.build()
    done.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert min(searches) > 0
    worker.connect()
    assert descriptors() <= before + 2


def test_a_vector_without_its_piece_is_said(library: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = library.clients("faiss_worker")
    index = worker.connect()
    with closing(sqlite3.connect(":memory:", check_same_thread=False)) as other:
        other.execute("CREATE TABLE pieces (id, file, text)")
        monkeypatch.setattr(index, "_pieces", other)
        with pytest.raises(LookupError, match="has a vector for piece 3, and no such piece"):
            worker.search("the bishop on the chess board")
