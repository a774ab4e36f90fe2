"""What a pass makes of the uploads: each file in the index exactly once, as it is now."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.faiss.helpers import Place, contents

LONG = " ".join(f"word{number}" for number in range(1000))


def test_without_uploads_folder_the_index_stays(place: Place) -> None:
    """A volume that is not mounted is not one without files."""
    place.put("a.txt", "alpha")
    assert place.build_all() == 1
    before = place.current()
    place.uploads.rename(place.root / "elsewhere")
    with pytest.raises(FileNotFoundError, match="no folder"):
        place.build()
    assert place.current() == before


def test_no_uploads_make_an_empty_generation_and_only_one(place: Place) -> None:
    assert not place.build()
    assert not place.build()
    assert place.generations() == ["generation-00000000"]
    assert contents(place) == {}
    assert place.search("anything") == []
    place.clients("faiss_worker").check()


def test_first_files_follow_an_empty_generation(place: Place) -> None:
    """Readers and the healthcheck need not wait until a large first upload is embedded."""
    place.put("a.txt", "alpha")
    assert place.build()
    assert place.generations() == ["generation-00000000", "generation-00000001"]


@pytest.mark.parametrize(
    "text", ["alpha", "", "  \n ", "!!! ???", LONG, "é" * 1000, "日本語" * 700, "a" * 999, "b" * 1850, "\ufeffbom"]
)
def test_texts_are_whole_in_the_index(place: Place, text: str) -> None:
    place.put("a.txt", text)
    place.build_all()
    assert contents(place) == {"a.txt": text if text.strip() else None}
    place.clients("faiss_worker").check()
    assert place.clients("faiss_worker").versions() == {
        "a.txt": place.clients("texts").version(place.uploads / "a.txt")
    }


@pytest.mark.parametrize("data", [b"\x00\x01", b"text\x00text", b"\xff\xfe", b"ok" * 9 + b"\x80", b"%PDF\xe2\xe3"])
def test_what_is_no_text_is_known_without_pieces(place: Place, data: bytes, caplog: pytest.LogCaptureFixture) -> None:
    place.put("a.bin", data)
    place.put("b.txt", "beta")
    with caplog.at_level(logging.INFO):
        assert place.build_all() == 1
    assert contents(place) == {"a.bin": None, "b.txt": "beta"}
    assert "skipped file='a.bin' reason='it is not UTF-8 text'" in caplog.text
    assert not place.build()


def test_a_file_that_may_not_be_read_is_tried_again_when_it_changes(place: Place) -> None:
    """In a process of its own, for root may read everything."""
    path = place.put("a.txt", "alpha")
    place.put("b.txt", "beta")
    path.chmod(0)
    for folder in (place.uploads, place.store):
        os.chown(folder, 10001, 10001) if os.getuid() == 0 else None
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom clients import faiss_worker\n"
        "from managed import build as builder\n"
        "faiss_worker.Words().embed(['loaded'])\nos.getuid() == 0 and os.setuid(10001)\n"
        "uploads, store = Path(sys.argv[1]), Path(sys.argv[2])\n"
        "while builder.build(uploads, store, faiss_worker.embedder(), lambda: None): print('built')"
    )
    done = place.run(code, str(place.uploads), str(place.store))
    assert (done.returncode, done.stdout) == (0, "built\n"), done.stderr
    assert contents(place) == {"a.txt": None, "b.txt": "beta"}
    assert not place.build()
    path.chmod(0o644)
    path.write_text("alpha again")
    assert place.build()
    assert contents(place) == {"a.txt": "alpha again", "b.txt": "beta"}


def test_changed_deleted_renamed_and_new_files(place: Place) -> None:
    for name in ("same.txt", "changed.txt", "deleted.txt", "folder/renamed.txt", "shrunk.txt"):
        place.put(name, f"{name} {LONG}")
    assert place.build_all() == 1
    place.put("changed.txt", "quite different")
    (place.uploads / "deleted.txt").unlink()
    (place.uploads / "folder/renamed.txt").rename(place.uploads / "folder/moved.txt")
    place.put("shrunk.txt", "")
    place.put("new.txt", "never seen")
    assert place.build_all() == 1
    assert contents(place) == {
        "same.txt": f"same.txt {LONG}",
        "changed.txt": "quite different",
        "folder/moved.txt": f"folder/renamed.txt {LONG}",
        "shrunk.txt": None,
        "new.txt": "never seen",
    }
    assert not place.build()


def test_all_files_can_go_and_others_come(place: Place) -> None:
    """Ids start anew nowhere: a vector left over from before would belong to another text."""
    for text in ("alpha", "beta", "gamma"):
        place.put("a.txt", text)
        assert place.build_all() == 1
        assert contents(place) == {"a.txt": text}
        (place.uploads / "a.txt").unlink()
        assert place.build_all() == 1
        assert contents(place) == {}
        assert place.search(text) == []


def test_hidden_files_and_odd_names(place: Place) -> None:
    (place.uploads / ".half.part").write_text("hidden")
    (place.uploads / ".folder").mkdir()
    (place.uploads / ".folder/a.txt").write_text("hidden")
    names = ["a'b\"c;.txt", "spaces and\nlines.txt", "日本.txt", "x" * 200, "%s?mode=ro#.txt"]
    for name in names:
        place.put(name, "some text")
    (place.uploads / os.fsdecode(b"\xff.txt")).write_text("a name that is not UTF-8")
    assert place.build_all() == 1
    assert sorted(contents(place)) == sorted([*names, "\\udcff.txt"])
    assert not place.build()


def change(path: Path) -> None:
    path.write_text(path.read_text() + " and more")


@pytest.mark.parametrize("harm", [change, Path.unlink], ids=["changes", "vanishes"])
@pytest.mark.parametrize("module", ["pieces", "is_text"], ids=["amid its pieces", "after its check"])
def test_a_file_that_changes_while_it_is_read(
    place: Place, monkeypatch: pytest.MonkeyPatch, harm: Callable[[Path], None], module: str
) -> None:
    """What the index had of it stays until the next pass. Others are not held up."""
    place.put("a.txt", "before")
    place.build_all()
    path = place.put("a.txt", LONG)
    place.put("b.txt", "beta")
    texts = place.clients("texts")
    real = getattr(texts, module)

    def harmful(asked: Path) -> Any:
        if asked == path:
            monkeypatch.setattr(texts, module, real)
            if module == "is_text":
                harm(path)
            else:
                return harmful_pieces()
        return real(asked)

    def harmful_pieces() -> Iterator[str]:
        pieces = real(path)
        yield next(pieces)
        harm(path)
        yield from pieces

    monkeypatch.setattr(texts, module, harmful)
    assert place.build()
    assert contents(place) == {"a.txt": "before", "b.txt": "beta"}
    assert place.build()
    assert contents(place) == {"b.txt": "beta"} | ({"a.txt": f"{LONG} and more"} if path.exists() else {})
    assert not place.build()


def test_a_file_that_never_stays_the_same_makes_no_generation(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.build()
    path = place.put("a.txt", "log")
    texts = place.clients("texts")
    real = texts.is_text

    def busy(asked: Path) -> bool:
        change(asked)
        return bool(real(asked))

    monkeypatch.setattr(texts, "is_text", busy)
    before = place.current()
    assert not place.build()
    assert (place.current(), place.leftovers()) == (before, [])
    monkeypatch.setattr(texts, "is_text", real)
    assert place.build()
    assert contents(place) == {"a.txt": path.read_text()}


def test_much_comes_in_several_generations(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was embedded before a failure is kept, and can be searched."""
    monkeypatch.setattr(place.builder, "ENOUGH", 20)
    for number in range(50):
        place.put(f"{number}.txt", f"text number{number}")
    place.put("long.txt", LONG * 5)
    assert place.build()
    assert len(contents(place)) == 20
    assert place.build_all() == 2
    assert len(contents(place)) == 51
    place.put("0.txt", "changed")
    assert place.build_all() == 1
    assert contents(place)["0.txt"] == "changed"


def test_three_generations_stay(place: Place) -> None:
    for number in range(6):
        place.put("a.txt", f"text {number}")
        place.build()
    assert place.generations() == [f"generation-0000000{number}" for number in (4, 5, 6)]
    assert place.current()["generation"] == "generation-00000006"


def test_rests_go_and_what_is_not_ours_stays(place: Place) -> None:
    place.put("a.txt", "alpha")
    place.build_all()
    for name in (".building-abc", "generation-00000009", "generation-x", "lost+found"):
        (place.store / name / "sub").mkdir(parents=True)
    (place.store / ".CURRENT-abc.tmp").write_text("{")
    assert not place.build()
    assert sorted(path.name for path in place.store.iterdir()) == [
        "CURRENT", "generation-00000000", "generation-00000001", "generation-x", "lost+found",
    ]  # fmt: skip


def test_all_is_readable_for_everyone(place: Place) -> None:
    place.put("a.txt", "alpha")
    before = os.umask(0o077)
    try:
        place.build_all()
    finally:
        os.umask(before)
    folder = place.store / place.current()["generation"]
    assert folder.stat().st_mode & 0o777 == 0o755
    for path in [place.store / "CURRENT", *folder.iterdir()]:
        assert path.stat().st_mode & 0o777 == 0o644


def test_current_says_what_is_there(place: Place) -> None:
    place.put("a.txt", LONG)
    place.build_all()
    said = json.loads((place.store / "CURRENT").read_text())
    folder = place.store / said.pop("generation")
    assert said.pop("sizes") == {path.name: path.stat().st_size for path in folder.iterdir()}
    assert said == {"format": 1, "files": 1, "pieces": 10, "embedder": "hashing-words-2048-v1", "dimension": 2048}


@pytest.mark.parametrize("call", [1, 2, 5, 30])
def test_progress_is_told_and_can_stop(place: Place, call: int) -> None:
    """What it raises is not taken for trouble with a file."""
    place.build()
    for number in range(3):
        place.put(f"{number}.txt", LONG * 20)
    before, calls = place.current(), 0

    def progress() -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            raise FileNotFoundError("stop")

    worker = place.clients("faiss_worker")
    with pytest.raises(FileNotFoundError, match="stop"):
        place.builder.build(place.uploads, place.store, worker.embedder(), progress)
    assert (place.current(), place.leftovers()) == (before, [])
    assert place.build_all() == 1
    assert len(contents(place)) == 3
