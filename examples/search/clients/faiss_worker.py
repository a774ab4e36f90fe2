# Managed by scaffold: updates merge this file.
"""The search index that the FAISS worker keeps of the uploads, read from its volume. Nothing here writes.

Every state of the index is a generation (`clients.generations`): a reader sees one or the next and nothing between.
`index.faiss` has the vectors (none: no such file), `pieces.sqlite` the texts under the same ids.
"""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import faiss
import numpy as np
import numpy.typing as npt

from clients import generations, provider, setting
from clients.generations import ATTEMPTS, Pointer
from clients.texts import Hit

Vectors = npt.NDArray[np.float32]

FORMAT = 1
# The worker's app/, which is its owner's, takes it from here.
CURRENT = generations.CURRENT
VECTORS = "index.faiss"
PIECES = "pieces.sqlite"

# Dimensions of the vectors that words are hashed to. More find better and cost 4 bytes per piece and dimension.
WORDS = 2048


class Embedder(Protocol):
    """Turns texts into vectors. Only vectors of embedders with the same id can be compared."""

    @property
    def id(self) -> str:
        """Name it, with everything that its vectors depend on."""

    def embed(self, texts: list[str]) -> Vectors:
        """Return an array of shape (len(texts), dimension): rows of length 1, or 0 where a text has nothing to say."""


class Words:
    """Finds texts by the words they share. No model, no download, and the same vectors on every machine."""

    id = f"hashing-words-{WORDS}-v1"

    def embed(self, texts: list[str]) -> Vectors:
        """Embed `texts`; how often a word comes counts by its logarithm, else "the" would decide everything."""
        counts = _vectoriser().transform(texts)
        counts.data = np.sign(counts.data) * np.log1p(np.abs(counts.data))
        return _unit(counts.toarray())


class Model:
    """Finds texts by what they mean: asks the embedding model of this project."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self.id: str = server.embedder

    def embed(self, texts: list[str]) -> Vectors:
        """Embed `texts`. Raises whatever the server's client raises, and ValueError for an answer of another shape."""
        rows = np.asarray(self._server.embed(texts), dtype=np.float32)
        if rows.ndim != 2 or len(rows) != len(texts):  # noqa: PLR2004 (rows of numbers)
            raise ValueError(f"{self.id} answered {len(texts)} texts with an array of shape {rows.shape}")
        return _unit(rows)


def embedder() -> Embedder:
    """The model of this project if it has one, else the words themselves."""
    module = provider("embeddings")
    return Words() if module is None else Model(module.connect())


class Generation:
    """One state of the index, open. Threads share it, and it stays whole when the worker removes its folder.

    Raises OSError, RuntimeError, sqlite3.Error or LookupError when `folder` has none that this code can read.
    """

    def __init__(self, folder: Path) -> None:
        self.name = folder.name
        # Immutable: no locks and no journal, which a read-only volume has no room for.
        address = f"{(folder / PIECES).absolute().as_uri()}?mode=ro&immutable=1"
        self._pieces = sqlite3.connect(address, uri=True, check_same_thread=False)
        # Closed with the last search that uses it, in whichever thread that is.
        weakref.finalize(self, self._pieces.close)
        self._turn = threading.Lock()
        meta = dict(self._all("SELECT key, value FROM meta"))
        if meta.get("format") != str(FORMAT):
            raise LookupError(f"its format is {meta.get('format')}, and this code reads {FORMAT}")
        self.embedder: str = meta["embedder"]
        self.dimension, self.pieces = int(meta["dimension"]), int(meta["pieces"])
        # Mapped, not read: processes share the memory, and opening takes no longer for a large index.
        self._vectors = faiss.read_index(str(folder / VECTORS), faiss.IO_FLAG_MMAP_IFC) if self.pieces else None
        if self._vectors and (self._vectors.ntotal, self._vectors.d) != (self.pieces, self.dimension):
            raise LookupError(f"{VECTORS} does not belong to {PIECES}")

    def versions(self) -> dict[str, str]:
        """Every file that the index knows, also those it found no text in, and the version it knows it in."""
        return dict(self._all("SELECT name, version FROM files"))

    def search(self, question: Vectors, count: int) -> list[Hit]:
        """Return the `count` nearest pieces or fewer, best first; none that have nothing in common with `question`.

        `question` has the shape (1, dimension). Raises LookupError when its dimension is not the index's.
        """
        if not self._vectors or count < 1:
            return []
        if question.shape != (1, self.dimension):
            raise LookupError(f"{self.embedder} has changed since the index was built: the worker has to build it anew")
        scores, ids = self._vectors.search(question, min(count, self.pieces))
        found = [(self._piece(int(id)), float(score)) for id, score in zip(ids[0], scores[0], strict=True) if score > 0]
        return [Hit(file, text, min(score, 1.0)) for (file, text), score in found]

    def check(self) -> None:
        """Look a piece up, and find its vector. Raises LookupError when either is not there."""
        if not self._vectors:
            return
        id = self._all("SELECT id FROM pieces ORDER BY id LIMIT 1")[0][0]
        vector = self._vectors.reconstruct(id)
        scores, ids = self._vectors.search(vector.reshape(1, -1), 1)
        self._piece(int(ids[0][0]))
        # Another piece may have the same words, so it is the score that tells; 0 when this one has no words at all.
        if scores[0][0] < vector @ vector - 1e-3:
            raise LookupError("a search for a vector of the index did not find it")

    def _piece(self, id: int) -> tuple[str, str]:
        rows = self._all("SELECT file, text FROM pieces WHERE id = ?", [id])
        if not rows:
            raise LookupError(f"{self.name} has a vector for piece {id}, and no such piece")
        return rows[0][0], rows[0][1]

    def _all(self, query: str, values: Sequence[int] = ()) -> list[tuple[Any, ...]]:
        """Ask the one connection. One each for every thread would need the folder, which may be gone by then."""
        with self._turn:
            return self._pieces.execute(query, values).fetchall()


def pointer(store: Path) -> Pointer:
    """Read CURRENT. Raises LookupError when there is none yet, or when it is damaged."""
    try:
        return generations.pointer(store)
    except generations.Missing:
        raise LookupError(f"there is no index in {store} yet: the FAISS worker makes one when it starts") from None
    except generations.Damaged as error:
        raise LookupError(f"{error}: the FAISS worker has to build the index anew") from None


_opening = threading.Lock()
_opened: dict[Path, tuple[Pointer, Generation]] = {}


def current(store: Path) -> Generation:
    """The generation that CURRENT in `store` names; opened when that changed, one at a time in each process.

    Raises LookupError when there is no index yet, or none that can be opened.
    """
    with _opening:
        for _ in range(ATTEMPTS):
            now = pointer(store)
            if store in _opened and _opened[store][0] == now:
                return _opened[store][1]
            try:
                now.check(store)
                _opened[store] = now, Generation(store / now.generation)
            except (OSError, RuntimeError, LookupError, ValueError, sqlite3.Error) as error:
                # Removed since CURRENT was read? Then that names another by now.
                if pointer(store) == now:
                    raise LookupError(
                        f"{now.generation} in {store} is damaged ({error}): the FAISS worker has to "
                        "build the index anew"
                    ) from error
    raise LookupError(f"the index in {store} changes faster than it can be opened")


def connect() -> Generation:
    """The index as it is now. Raises LookupError when there is none yet, or none that can be opened."""
    return current(Path(setting("VECTOR_STORE_DIR")))


def search(question: str, count: int = 5) -> list[Hit]:
    """Return the `count` pieces of the uploads that are nearest to `question`, or fewer, best first.

    Raises LookupError when there is no index yet, or one of another embedder than this service has, and whatever the
    model server's client raises.
    """
    index = connect()
    return index.search(_embedder_of(index).embed([question]), count) if index.pieces else []


def versions() -> dict[str, str]:
    """Each file that the index knows, by name, and the version (`texts.version`) it knows it in.

    Files without text are among them. Raises LookupError when there is no index yet.
    """
    return connect().versions()


def check() -> None:
    """Open the index, look a piece up and search for it.

    Raises LookupError when there is no index yet, none that can be opened, or one that does not find its own pieces.
    """
    connect().check()


def _embedder_of(index: Generation) -> Embedder:
    """The embedder that built `index`: vectors of any other have nothing to do with it."""
    if index.embedder == Words.id:
        return Words()
    here = embedder()
    if here.id != index.embedder:
        raise LookupError(
            f"the index was built with {index.embedder}, and this service has {here.id}: "
            "the FAISS worker has not built the new one yet"
        )
    return here


@cache
def _vectoriser() -> Any:
    """Loaded when it is first needed: it takes most of a second, and a project with a model server never does."""
    module = import_module("sklearn.feature_extraction.text")
    return module.HashingVectorizer(n_features=WORDS, strip_accents="unicode", norm=None, dtype=np.float32)


def _unit(rows: Vectors) -> Vectors:
    """Scale every row to length 1. What is 0 or no number becomes 0: it finds nothing, and stands in nobody's way."""
    rows = np.nan_to_num(rows, posinf=0.0, neginf=0.0)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.ascontiguousarray(np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0))
