"""Documents in a vector store are what the uploads are, whatever happens: Chroma and llama.cpp, both real."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.support.waiting import free_port, until
from tests.unit.clients.helpers import Place, Remote

Process = Callable[[Place], Remote]
Start = Callable[[], Remote]

# Five pieces; every word but "line" comes once. A batch has two of them here.
LONG = "\n".join(f"line {number}" for number in range(480))


@pytest.fixture
def start(linked: Place, process: Process) -> Start:
    """Start a process that embeds two pieces at a time."""

    def start() -> Remote:
        client = process(linked)
        client("change", "documents", "BATCH", 2)
        return client

    return start


@pytest.fixture
def client(start: Start) -> Remote:
    return start()


def there(client: Remote) -> dict[str, str]:
    """Each document's text, put together from its pieces. Fails unless each piece is there exactly once."""
    pieces: dict[str, list[str]] = {}
    versions: dict[str, str] = {}
    for source, position, version, text in client("records"):
        if position == 0:
            versions[source] = version
        # Without what it shares with the one before it.
        pieces.setdefault(source, []).append(text if position == 0 else text[150:])
        assert len(pieces[source]) == position + 1, f"{source} has no piece {len(pieces[source]) - 1}"
    assert set(versions) == set(pieces)
    assert all(versions.values())
    return {source: "".join(texts) for source, texts in pieces.items()}


def test_without_uploads_folder_the_documents_stay(linked: Place, client: Remote) -> None:
    """A volume that is not mounted is not one without files."""
    (linked.uploads / "a.txt").write_text("alpha")
    client("catch_up")
    linked.uploads.rename(linked.root / "elsewhere")
    with pytest.raises(RuntimeError, match="FileNotFoundError"):
        client("catch_up")
    with pytest.raises(RuntimeError, match="FileNotFoundError"):
        client("documents.pending", str(linked.uploads))
    assert there(client) == {"a.txt": "alpha"}


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_a_document_that_was_cut_short_is_completed(linked: Place, start: Start, number: int) -> None:
    """Killed with the first, second or third batch of the second document, or with the third document."""
    (linked.uploads / "a.txt").write_text("alpha")
    (linked.uploads / "b.txt").write_text(LONG)
    (linked.uploads / "c.txt").write_text("gamma")
    killed = start()
    killed("kill_at", number + 1)
    with pytest.raises(EOFError):
        killed("catch_up")
    client = start()
    assert client("documents.pending", str(linked.uploads)) == (["b.txt", "c.txt"] if number < 3 else ["c.txt"])
    client("catch_up")
    assert there(client) == {"a.txt": "alpha", "b.txt": LONG, "c.txt": "gamma"}
    assert client("documents.pending", str(linked.uploads)) == []


@pytest.mark.parametrize("then", ["short again", None])
def test_nothing_stays_of_a_document_that_was_cut_short_and_changed(
    linked: Place, start: Start, then: str | None
) -> None:
    path = linked.uploads / "b.txt"
    path.write_text(LONG)
    killed = start()
    killed("kill_at", 2)
    with pytest.raises(EOFError):
        killed("catch_up")
    client = start()
    assert len(client("records")) == 4
    if then is None:
        path.unlink()
    else:
        path.write_text(then)
    client("catch_up")
    assert there(client) == ({} if then is None else {"b.txt": then})


def test_documents_that_are_new_changed_or_gone(linked: Place, client: Remote) -> None:
    for name in ("same", "changed", "gone", "shrunk", "no text any more"):
        (linked.uploads / name).write_text(f"{name} {LONG[:1500]}")
    client("catch_up")
    (linked.uploads / "changed").write_text("quite different")
    (linked.uploads / "gone").unlink()
    (linked.uploads / "shrunk").write_text("")
    (linked.uploads / "no text any more").write_bytes(b"\x00\x01")
    (linked.uploads / "new").write_text("never seen")
    assert client("documents.pending", str(linked.uploads)) == ["changed", "new"]
    client("catch_up")
    assert there(client) == {"same": f"same {LONG[:1500]}", "changed": "quite different", "new": "never seen"}
    assert client("documents.pending", str(linked.uploads)) == []


def test_what_has_no_text_is_not_pending(linked: Place, client: Remote) -> None:
    for number, content in enumerate(
        [b"", b" \n\t", b"\x00", b"text\x00", b"\xff\xfe", b"ok" * 9 + b"\x80", b"%PDF\xe2"]
    ):
        (linked.uploads / f"{number}.bin").write_bytes(content)
    (linked.uploads / ".hidden.part").write_text("half a file")
    (linked.uploads / "a.txt").write_text("alpha")
    assert client("documents.pending", str(linked.uploads)) == ["a.txt"]
    client("catch_up")
    assert client("documents.pending", str(linked.uploads)) == []
    assert there(client) == {"a.txt": "alpha"}


def test_a_name_that_is_no_text(linked: Place, client: Remote) -> None:
    """Users who copy files into the volume may bring any name; a JSON answer cannot hold such a one as it is."""
    (linked.uploads / os.fsdecode(b"caf\xe9.txt")).write_text("alpha")
    assert client("documents.pending", str(linked.uploads)) == ["caf\\udce9.txt"]
    client("catch_up")
    assert client("documents.pending", str(linked.uploads)) == []


def test_another_embedder_begins_anew(linked: Place, start: Start) -> None:
    """Vectors of two models cannot be compared: what one has put in, the other does not find."""
    (linked.uploads / "a.txt").write_text("alpha")
    before = start()
    before("catch_up")
    linked.environment["LLAMA_CPP_EMBED_MODEL"] += "?token=another.gguf"
    assert start()("documents.pending", str(linked.uploads)) == [], "the file's name is the same"
    linked.environment["LLAMA_CPP_EMBED_MODEL"] = f"{linked.root.name}-other.gguf"
    after = start()
    assert after("collection") != before("collection")
    assert after("documents.pending", str(linked.uploads)) == ["a.txt"]
    assert after("documents.search", "alpha") == []
    after("catch_up")
    assert there(after) == {"a.txt": "alpha"}
    assert before("documents.pending", str(linked.uploads)) == []


def test_of_two_processes_one_does_the_work(linked: Place, start: Start) -> None:
    """Both keep up all the time; each piece is embedded once, and what one uploads the other may put in."""
    for number in range(5):
        (linked.uploads / f"{number}.txt").write_text(f"{number} {LONG}")
    both = [start(), start()]
    for client in both:
        client("change", "documents", "SOON", 0.01)
        client("count_embeddings")
    for client in both:
        client("documents.keep_up", str(linked.uploads))
    until(lambda: not both[0]("documents.pending", str(linked.uploads)), "the documents")
    (linked.uploads / "late.txt").write_text("late")
    both[1]("documents.poke")
    until(lambda: not both[0]("documents.pending", str(linked.uploads)), "the late document")
    assert set(there(both[0])) == {"0.txt", "1.txt", "2.txt", "3.txt", "4.txt", "late.txt"}
    assert sum(len(client("embedded")) for client in both) == len(both[0]("records"))


def test_keeping_up_survives_a_model_server_that_is_away(linked: Place, start: Start) -> None:
    """The thread tries again, and what is served goes on meanwhile."""
    url = linked.environment["LLAMA_CPP_EMBED_URL"]
    linked.environment["LLAMA_CPP_EMBED_URL"] = f"http://127.0.0.1:{free_port()}/v1"
    (linked.uploads / "a.txt").write_text("alpha")
    client = start()
    client("change", "documents", "PERIOD", 0.1)
    client("documents.keep_up", str(linked.uploads))
    with pytest.raises(RuntimeError, match="APIConnectionError"):
        client("documents.search", "alpha")
    assert client("documents.pending", str(linked.uploads)) == ["a.txt"]
    client("embed_at", url)
    until(lambda: not client("documents.pending", str(linked.uploads)), "the document")
    assert [source for source, _, _ in client("documents.search", "alpha")] == ["a.txt"]


def test_one_document_that_fails_does_not_keep_others_out(linked: Place, client: Remote) -> None:
    for name in ("a", "b", "c", "d"):
        (linked.uploads / f"{name}.txt").write_text("poison" if name < "c" else name)
    client("refuse", "poison")
    for _ in range(3):
        client("catch_up")
    assert there(client) == {"c.txt": "c", "d.txt": "d"}
    assert client("documents.pending", str(linked.uploads)) == ["a.txt", "b.txt"]


SUBJECTS = {
    "bread.txt": "Knead flour, water, salt and yeast. Let the dough rise overnight, then bake it in a hot oven.",
    "ships.txt": "A sailing vessel needs masts, rigging and a keel. The captain steers by compass through the storm.",
    "taxes.txt": "Declare your income before April. Deductions lower what the treasury wants from employees.",
    "stars.txt": "Telescopes show galaxies, nebulae and planets. Astronomers measure their distance by brightness.",
}


@pytest.mark.parametrize(
    ("question", "source"),
    [
        ("How long does dough rise?", "bread.txt"),
        ("Which compass does the captain have?", "ships.txt"),
        ("Do employees have deductions on their income?", "taxes.txt"),
        ("How do astronomers know the distance of galaxies?", "stars.txt"),
    ],
)
def test_the_first_source_is_the_document_on_the_subject(
    linked: Place, client: Remote, question: str, source: str
) -> None:
    for name, text in SUBJECTS.items():
        (linked.uploads / name).write_text(text)
    client("catch_up")
    found = client("documents.search", question, 3)
    assert len(found) == 3
    assert found[0][0] == source
    assert found[0][1] == SUBJECTS[source]
    assert 0 < found[2][2] <= found[1][2] <= found[0][2] <= 1


def test_an_index_comes_before_the_vector_store(linked: Place, start: Start) -> None:
    """Where a worker keeps an index, nobody else does, and the index is what is asked."""
    (linked.root / "clients" / "an_index.py").write_text(
        "from clients.texts import Hit\n"
        "def search(question, count): return [Hit('indexed.txt', question, 0.5)][:count]\n"
        "def versions(): raise LookupError('there is no index yet')\n"
    )
    init = linked.root / "clients" / "__init__.py"
    init.write_text(init.read_text() + '\nPROVIDERS["index"] = ("an_index",)\n')
    (linked.uploads / "a.txt").write_text("alpha")
    client = start()
    client("documents.keep_up", str(linked.uploads))
    assert client("threads") == []
    assert client("documents.search", "alpha") == [["indexed.txt", "alpha", 0.5]]
    assert client("documents.pending", str(linked.uploads)) == ["a.txt"]
