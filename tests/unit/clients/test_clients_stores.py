"""The stores of vectors behave alike: a real Chroma server, and Qdrant's library with the engine it has in itself.

Qdrant's server is not to be had here, so what it does over HTTP is not proven by these tests.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import free_port
from tests.unit.clients.helpers import Place, Remote, remote
from tests.unit.clients.servers import seaweedfs


class Store:
    """The functions of one store's client, in another process."""

    def __init__(self, client: Remote, module: str) -> None:
        self.client = client
        self.module = module
        self.collection = f"test-{uuid.uuid4().hex}"

    def put(self, source: str, version: str, pieces: list[str], vectors: list[list[float]], start: int = 0) -> None:
        self.client(f"{self.module}.put", self.collection, source, version, pieces, vectors, start=start)

    def nearest(self, vector: list[float], count: int = 5) -> list[tuple[str, str, float]]:
        return [tuple(hit) for hit in self.client(f"{self.module}.nearest", self.collection, vector, count)]

    def versions(self) -> dict[str, str]:
        found: dict[str, str] = self.client(f"{self.module}.versions", self.collection)
        return found

    def remove(self, source: str) -> None:
        self.client(f"{self.module}.remove", self.collection, source)

    def count(self) -> int:
        number: int = self.client("count", self.module, self.collection)
        return number


@pytest.fixture(scope="module", params=["chroma", "qdrant"])
def client(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, chroma: dict[str, str]
) -> Iterator[tuple[Remote, str]]:
    variables = chroma | {"QDRANT_URL": ":memory:", "QDRANT_API_KEY": "key"}
    with remote(Place(tmp_path_factory.mktemp("store"), (request.param,), variables)) as client:
        yield client, request.param


@pytest.fixture
def store(client: tuple[Remote, str]) -> Store:
    return Store(*client)


@pytest.mark.parametrize("service", ["chroma", "qdrant", "seaweedfs"])
def test_a_store_that_is_away_is_found_out_at_once(tmp_path: Path, service: str) -> None:
    port = free_port()
    variables = {"CHROMA_HOST": "127.0.0.1", "CHROMA_PORT": str(port)}
    variables |= {"QDRANT_URL": f"http://127.0.0.1:{port}", "QDRANT_API_KEY": "key"}
    variables |= {"S3_ENDPOINT_URL": f"http://127.0.0.1:{port}", "S3_ACCESS_KEY": "a", "S3_SECRET_KEY": "b"}
    with (
        remote(Place(tmp_path, (service,), variables | {"S3_BUCKET": "app"})) as client,
        pytest.raises(RuntimeError, match=r"Connect|refused"),
    ):
        client(f"{service}.check")


def test_a_collection_that_is_not_there_is_empty(store: Store) -> None:
    assert store.nearest([1.0, 0.0]) == []
    assert store.versions() == {}
    store.remove("a.txt")
    with pytest.raises(RuntimeError):
        store.count()


def test_the_nearest_comes_first_and_1_is_the_same_direction(store: Store) -> None:
    vectors = [[0.0, 1.0], [5.0, 5.0], [3.0, 0.0], [-1.0, 0.0]]
    store.put("a.txt", "1", ["across", "between", "along", "against"], vectors)
    found = store.nearest([2.0, 0.0])
    assert [text for _, text, _ in found] == ["along", "between", "across", "against"]
    assert [score for _, _, score in found] == pytest.approx([1, 0.5**0.5, 0, -1], abs=1e-5)
    assert {source for source, _, _ in found} == {"a.txt"}
    assert len(store.nearest([2.0, 0.0], 2)) == 2


def test_putting_again_replaces(store: Store) -> None:
    for _ in range(3):
        store.put("a.txt", "1", ["alpha", "beta"], [[1.0, 0.0], [0.0, 1.0]])
    assert store.count() == 2
    store.put("a.txt", "2", ["gamma", "delta"], [[1.0, 0.0], [0.0, 1.0]])
    assert store.count() == 2
    assert store.versions() == {"a.txt": "2"}
    assert store.nearest([1.0, 0.0], 1)[0][1] == "gamma"


def test_only_the_first_piece_says_which_version_is_there(store: Store) -> None:
    """A document that was cut short has none, and is known all the same."""
    store.put("a.txt", "", ["alpha", "beta"], [[1.0, 0.0], [0.0, 1.0]])
    store.put("a.txt", "", ["gamma"], [[1.0, 1.0]], start=2)
    assert store.versions() == {"a.txt": ""}
    store.put("a.txt", "7", ["alpha"], [[1.0, 0.0]])
    assert store.versions() == {"a.txt": "7"}
    assert store.count() == 3


def test_the_first_piece_is_written_last(store: Store) -> None:
    """More than a batch in one call: were it cut short, there would be no version."""
    pieces = [f"piece {number}" for number in range(130)]
    with pytest.raises(RuntimeError):
        store.put("a.txt", "1", pieces, [[1.0, 0.0], [1.0], *[[1.0, 0.0]] * 128])
    assert store.versions() == {}
    assert store.count() >= 66
    store.put("a.txt", "1", pieces, [[1.0, 0.0]] * 130)
    assert store.count() == 130


def test_removing_takes_one_document_whole(store: Store) -> None:
    pieces = [f"piece {number}" for number in range(200)]
    store.put("a.txt", "1", pieces, [[1.0, 0.0]] * 200)
    store.put("a.txt.old", "1", ["other"], [[0.0, 1.0]])
    store.put("b.txt", "", ["cut short"], [[0.0, 1.0]], start=1)
    store.remove("a.txt")
    assert store.count() == 2
    assert store.versions() == {"a.txt.old": "1"}
    store.remove("b.txt")
    store.remove("b.txt")
    assert store.count() == 1


def test_names_may_have_any_letters(store: Store) -> None:
    names = ["日本語.txt", "a b/c'd\"e.txt", "x" * 255, "#", "a#1", "\\udcff.txt"]
    for name in names:
        store.put(name, "1", ["text"], [[1.0, 0.0]])
    assert set(store.versions()) == set(names)


def test_more_documents_than_fit_one_page(store: Store) -> None:
    store.client("change", store.module, "PAGE", 10)
    for number in range(25):
        store.put(f"{number}.txt", str(number), ["text", "more"], [[1.0, 0.0], [0.0, 1.0]])
    assert store.versions() == {f"{number}.txt": str(number) for number in range(25)}


# The engine in Qdrant's library is not made for threads.
@pytest.mark.parametrize("client", ["chroma"], indirect=True)
def test_a_collection_that_many_make_at_once(store: Store) -> None:
    calls = [("chroma.put", store.collection, f"{n}.txt", "1", ["t"], [[1.0, float(n)]]) for n in range(32)]
    store.client.at_once(calls)
    assert len(store.versions()) == 32


@pytest.mark.parametrize("client", ["chroma"], indirect=True)
def test_searching_goes_on_while_documents_come_and_go(store: Store) -> None:
    """Chroma finds vectors of records whose text has just gone."""
    store.put("stays.txt", "1", ["stays"], [[1.0, 0.0]])
    names = [f"{number}.txt" for number in range(8)]
    for _ in range(8):
        store.client.at_once([("chroma.put", store.collection, name, "1", ["t"], [[1.0, 0.1]]) for name in names])
        calls: list[tuple[Any, ...]] = []
        for name in names:
            calls.append(("chroma.nearest", store.collection, [1.0, 0.0], 20))
            calls.append(("chroma.remove", store.collection, name))
            calls.append(("chroma.versions", store.collection))
        answers = store.client.at_once(calls)
        assert all(hits[0][0] == "stays.txt" for hits in answers[::3])
        assert all(versions["stays.txt"] == "1" for versions in answers[2::3])


def test_checks_at_once_do_not_disturb_each_other_and_leave_nothing(store: Store) -> None:
    number = 32 if store.module == "chroma" else 1
    for _ in range(2):
        store.client.at_once([(f"{store.module}.check",)] * number)
    assert store.client("count", store.module, "scaffold_check") == 0


def test_qdrant_gets_its_key_and_is_believed_when_it_refuses(tmp_path: Path) -> None:
    keys = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            keys.append(self.headers["api-key"])
            self.send_error(401)

        def log_message(self, format: str, *args: object) -> None:
            pass

    listener = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    (tmp_path / "key").write_text("the key\n")
    variables = {"QDRANT_URL": f"http://127.0.0.1:{listener.server_port}", "QDRANT_API_KEY_FILE": str(tmp_path / "key")}
    try:
        with (
            remote(Place(tmp_path, ("qdrant",), variables)) as client,
            pytest.raises(RuntimeError, match="UnexpectedResponse: Unexpected Response: 401"),
        ):
            client("qdrant.check")
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()
    assert keys == ["the key"]


def test_s3(tmp_path: Path) -> None:
    """The bucket is made by whoever is first; checks leave no object; a wrong key is refused."""
    (tmp_path / "data").mkdir()
    with seaweedfs(tmp_path / "data") as variables:
        with remote(Place(tmp_path, ("seaweedfs",), variables)) as client:
            assert client.at_once([("seaweedfs.bucket",)] * 8) == ["app"] * 8
            client.at_once([("seaweedfs.check",)] * 8)
            assert client("seaweedfs.connect().list_objects_v2", Bucket="app")["KeyCount"] == 0
        (tmp_path / "other").mkdir()
        wrong = Place(tmp_path / "other", ("seaweedfs",), variables | {"S3_SECRET_KEY": "wrong"})
        with remote(wrong) as client, pytest.raises(RuntimeError, match=r"ClientError.*403"):
            client("seaweedfs.check")
