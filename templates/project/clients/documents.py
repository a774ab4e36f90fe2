# Managed by scaffold: updates merge this file.
"""Search in what was uploaded, and answers from it.

Where a worker keeps an index, this asks the index. Else the uploads are kept in a vector store, by the application
itself: a thread of one of its processes embeds what is new and removes what is gone. The name of the collection there
comes from the embedder, so another one begins anew and vectors that cannot be compared never meet.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from clients import PROVIDERS, provider, texts
from clients.texts import Hit

# Seconds between two looks at the uploads, and until the next try when another process is at it.
PERIOD = 30.0
SOON = 2.0

# Pieces that are in memory at once.
BATCH = 64

# Hidden, so that nobody takes it for an upload.
LOCK = ".documents.lock"

# Tokens. Small models sometimes find no end.
LONGEST_ANSWER = 1000
NOTHING_FOUND = "Nothing was found in the uploaded documents."

log = logging.getLogger(__name__)

_poked = threading.Event()
_failures: Counter[str] = Counter()


class Upload(NamedTuple):
    """A file that is there now."""

    path: Path
    version: str


def available() -> bool:
    """Whether this project has what a search needs: an index, or a vector store and an embedding model."""
    return bool(PROVIDERS.get("index")) or bool(PROVIDERS.get("vectors") and PROVIDERS.get("embeddings"))


def search(question: str, count: int = 5) -> list[Hit]:
    """The `count` pieces of the uploads that are nearest to `question`, or fewer, best first.

    Raises whatever the client of the index, of the vector store or of the model server raises.
    """
    index = provider("index")
    if index:
        return index.search(question, count)
    store, server = _store(), _embedder()
    return store.nearest(_collection(server), server.embed([question])[0], count)


def answer(question: str) -> tuple[Iterator[str], list[Hit]]:
    """The answer, in pieces as the model finds them, and what it is drawn from. The model is not asked before that.

    Raises what `search` raises; the iterator raises whatever the client of the model server raises.
    """
    hits = search(question)
    if not hits:
        return iter([NOTHING_FOUND]), []
    server = _needed("chat").connect()
    return server.chat([{"role": "user", "content": _prompt(question, hits)}], max_tokens=LONGEST_ANSWER), hits


def pending(folder: str | Path) -> list[str]:
    """Names of the text files in `folder` that cannot be found yet as they are now."""
    return _unknown(_uploads(Path(folder)), _known())


def poke() -> None:
    """Have a look at the uploads now: something has changed."""
    _poked.set()


@cache
def keep_up(folder: str | Path) -> None:
    """Bring the vector store up to date with `folder` from now on, in a thread of its own that ends with the process.

    Every process may call this, once it has forked: one of them does the work at a time. Where a worker keeps an
    index, there is nothing to do.
    """
    if not provider("index"):
        threading.Thread(target=_keep_up, args=[Path(folder)], name="documents", daemon=True).start()


def _keep_up(folder: Path) -> None:
    while True:
        _poked.clear()
        pause = PERIOD
        try:
            with _turn(folder) as mine:
                if mine:
                    _bring_up_to_date(folder)
                else:
                    pause = SOON
        except Exception as error:
            log.error("the documents are not up to date, next try in %d s: %s", pause, _said(error))
        _poked.wait(pause)


@contextmanager
def _turn(folder: Path) -> Iterator[bool]:
    """Whether it is this process's turn to write. The kernel gives it back, however the process ends."""
    with (folder / LOCK).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _bring_up_to_date(folder: Path) -> None:
    """Remove what is gone, and put in what is new or has changed. Ends at the first document that fails.

    What is wrong with one document may be wrong with all, so each pass begins with those that failed least.
    """
    store, server = _store(), _embedder()
    collection = _collection(server)
    known, uploads = store.versions(collection), _uploads(folder)
    for name in known:
        if name not in uploads or uploads[name].version != known[name]:
            store.remove(collection, name)
    for name in sorted(_unknown(uploads, known), key=lambda name: _failures[name]):
        try:
            _put(store, server, name, uploads[name])
        except Exception as error:
            _failures[name] += 1
            log.error("%s cannot be found yet, next try in %d s: %s", name, PERIOD, _said(error))
            break


def _put(store: ModuleType, server: Any, name: str, upload: Upload) -> None:
    """Embed and keep a document. It has no version before all of it is there, so one that is cut short begins anew."""
    collection = _collection(server)
    pieces = texts.pieces(upload.path)
    first: tuple[list[str], list[list[float]]] = [], []
    start = 0
    while batch := list(islice(pieces, BATCH)):
        vectors = server.embed(batch)
        store.put(collection, name, "", batch, vectors, start=start)
        if start == 0:
            first = batch[:1], vectors[:1]
        start += len(batch)
    store.put(collection, name, upload.version, *first)


def _uploads(folder: Path) -> dict[str, Upload]:
    """Every file by its name. Raises FileNotFoundError when there is no folder: that is not the same as no files."""
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}")
    found = {}
    for name, path in texts.files(folder).items():
        try:
            upload = Upload(path, texts.version(path))
        except FileNotFoundError:
            continue
        # A name may have bytes that no store could hold.
        found[name.encode("utf-8", "backslashreplace").decode("utf-8")] = upload
    return found


def _unknown(uploads: dict[str, Upload], known: dict[str, str]) -> list[str]:
    return [name for name, upload in uploads.items() if known.get(name) != upload.version and _has_text(upload)]


def _has_text(upload: Upload) -> bool:
    """Whether there is anything to find in a file: what has nothing, or has gone, would stay unknown for ever."""
    try:
        return _read(upload)
    except OSError:
        return False


@lru_cache(maxsize=100_000)
def _read(upload: Upload) -> bool:
    """Whether a file has text, found out once: another version is another upload."""
    return texts.is_text(upload.path) and next(texts.pieces(upload.path), None) is not None


def _known() -> dict[str, str]:
    """What can be found, and in which version."""
    index = provider("index")
    if not index:
        return _store().versions(_collection(_embedder()))
    try:
        return index.versions()
    except LookupError:
        # The worker has not made its first index yet.
        return {}


def _store() -> ModuleType:
    return _needed("vectors")


def _embedder() -> Any:
    return _needed("embeddings").connect()


def _needed(capability: str) -> ModuleType:
    module = provider(capability)
    if module is None:
        raise LookupError(f"no service of this project offers {capability}")
    return module


def _collection(server: Any) -> str:
    return "documents-" + hashlib.sha256(server.embedder.encode()).hexdigest()[:16]


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def _prompt(question: str, hits: list[Hit]) -> str:
    """One message: not every model has a place for instructions of their own."""
    found = "\n\n".join(f"From {hit.source}:\n{hit.text}" for hit in hits)
    return (
        "Answer the question from the excerpts below and from nothing else. Name the document that the answer comes "
        f"from. If they do not answer it, say that the documents do not.\n\n{found}\n\nQuestion: {question}"
    )
