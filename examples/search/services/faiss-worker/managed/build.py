# Managed by scaffold: updates merge this file.
"""What the next generation of the FAISS index has: the last one, without what has gone and with what is new.

Texts go in first, file by file, then every text without a vector is embedded. None of it is ever all in memory, but the
vectors are.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from clients import texts
from clients.faiss_worker import FORMAT, PIECES, VECTORS, Embedder, Generation, current, pointer
from clients.generations import CURRENT, begin
from managed.publish import publish, sweep

log = logging.getLogger(__name__)

# Pieces that are embedded at once. A model on a slow processor is done with them within seconds.
BATCH = 32

# New pieces after which a generation takes in no further file. The rest follows in the next, so a large first upload
# can be searched before all of it is there, and a failure costs little of what was embedded.
ENOUGH = 2000

# AUTOINCREMENT: an id that a vector once had is never given to another text.
SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE files (name TEXT PRIMARY KEY, version TEXT NOT NULL, pieces INTEGER NOT NULL, reason TEXT);
CREATE TABLE pieces (
    id INTEGER PRIMARY KEY AUTOINCREMENT, file TEXT NOT NULL, position INTEGER NOT NULL, text TEXT NOT NULL
);
CREATE INDEX pieces_of_file ON pieces (file);
"""

Progress = Callable[[], None]


class Unusable(Exception):
    """The generation in use is no base for the next one."""


class Left(Exception):
    """A file is left for the next pass."""


def build(uploads: Path, store: Path, embedder: Embedder, progress: Progress) -> bool:
    """Bring the index up to date with `uploads`. Returns whether there is a new generation: there may be more to do.

    Call it with the lock. `progress` is called for each file and each batch; what it raises ends the pass. Raises
    FileNotFoundError when there is no folder `uploads`, and whatever the disk and the embedder raise. CURRENT then
    names the generation it named before.
    """
    # Not the same as one without files: the index of a volume that is not mounted must not be thrown away.
    if not uploads.is_dir():
        raise FileNotFoundError(f"there is no folder {uploads}")
    sweep(store)
    if not (store / CURRENT).exists():
        # Readers get something to open before the first text is embedded.
        _make(None, {}, store, embedder, progress)
    found = {_printable(name): path for name, path in texts.files(uploads).items()}
    base = _base(store, embedder)
    try:
        return _make(base, found, store, embedder, progress)
    except Unusable as error:
        log.warning("rebuild reason=%r", str(error))
        return _make(None, found, store, embedder, progress)


def _base(store: Path, embedder: Embedder) -> Generation | None:
    """The generation in use; None when it is damaged, or when another embedder built it."""
    try:
        pointer(store).check(store)
        index = current(store)
    except (LookupError, OSError) as error:
        log.warning("rebuild reason=%r", str(error))
        return None
    if index.embedder != embedder.id:
        log.info("rebuild embedder=%s before=%s", embedder.id, index.embedder)
        return None
    return index


def _make(base: Generation | None, found: dict[str, Path], store: Path, embedder: Embedder, progress: Progress) -> bool:
    """Publish `base` less what is not in `found` any more, and with more of what is. Returns whether that differs."""
    started = time.monotonic()
    known = _known(base)
    gone = [name for name in known if name not in found]
    new = {name: path for name, path in found.items() if _version(path) not in (None, known.get(name))}
    if base and not gone and not new:
        return False
    work = begin(store)
    try:
        with closing(_texts(base, store, work)) as pieces:
            taken = _take(pieces, new, gone, progress)
            if base and not gone and not taken:
                return False
            vectors = _embed(pieces, _vectors(base, store), embedder, progress)
            about = _describe(pieces, vectors, embedder)
        if vectors and vectors.ntotal:
            faiss.write_index(vectors, str(work / VECTORS))
        name = publish(store, work, about)
    finally:
        # Whatever came of it: what is too old goes, or what was begun.
        sweep(store)
    about |= {"new": taken, "gone": len(gone), "seconds": round(time.monotonic() - started, 1)}
    log.info("published generation=%s %s", name, " ".join(f"{key}={value}" for key, value in about.items()))
    return True


def _known(base: Generation | None) -> dict[str, str]:
    try:
        return base.versions() if base else {}
    except sqlite3.DatabaseError as error:
        raise Unusable(str(error)) from error


def _version(path: Path) -> str | None:
    """The version of a file, or None when it has gone since it was found."""
    try:
        return texts.version(path)
    except FileNotFoundError:
        return None


def _texts(base: Generation | None, store: Path, work: Path) -> sqlite3.Connection:
    """Begin the texts of the next generation with those of `base`. Raises Unusable when these are damaged."""
    if base:
        shutil.copyfile(store / base.name / PIECES, work / PIECES)
    pieces = sqlite3.connect(work / PIECES)
    try:
        # Nobody sees this file before it is whole and forced to disk: until then a crash may spoil it. A journal there
        # is, in memory, to take a file's pieces back when it changes while it is read.
        pieces.execute("PRAGMA synchronous = OFF")
        pieces.execute("PRAGMA journal_mode = MEMORY")
        if not base:
            pieces.executescript(SCHEMA)
        elif (said := pieces.execute("PRAGMA quick_check(1)").fetchone()) != ("ok",):
            raise sqlite3.DatabaseError(said[0])
    except sqlite3.DatabaseError as error:
        pieces.close()
        if base and not isinstance(error, sqlite3.OperationalError):
            raise Unusable(str(error)) from error
        raise
    return pieces


def _vectors(base: Generation | None, store: Path) -> Any:
    """Read the vectors of `base`, to be changed; None when there are none. Raises Unusable when they are damaged."""
    try:
        return faiss.read_index(str(store / base.name / VECTORS)) if base and base.pieces else None
    except RuntimeError as error:
        raise Unusable(str(error)) from error


def _take(pieces: sqlite3.Connection, new: dict[str, Path], gone: list[str], progress: Progress) -> int:
    """Put in the texts of `new` files until they are enough, and drop those of `gone`. Returns how many were put in."""
    with pieces:
        for name in gone:
            pieces.execute("DELETE FROM pieces WHERE file = ?", [name])
            pieces.execute("DELETE FROM files WHERE name = ?", [name])
    taken = added = 0
    for name, path in new.items():
        if added >= ENOUGH:
            break
        progress()
        try:
            with pieces:
                added += _put(pieces, name, path, progress)
        except Left as error:
            log.info("left file=%r reason=%r", name, str(error))
        else:
            taken += 1
    return taken


def _put(pieces: sqlite3.Connection, name: str, path: Path, progress: Progress) -> int:
    """Put a file's pieces in place of those it had. Returns their number, 0 for what is no text.

    Raises Left when the file did not stay as it was: then nothing of it may be committed.
    """
    before = _version(path)
    reason = _reason(path)
    pieces.execute("DELETE FROM pieces WHERE file = ?", [name])
    count = 0
    for text in _read(path) if reason is None else ():
        pieces.execute("INSERT INTO pieces (file, position, text) VALUES (?, ?, ?)", [name, count, text])
        count += 1
        if count % BATCH == 0:
            progress()
    if before is None or _version(path) != before:
        raise Left("it changed while it was read")
    pieces.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", [name, before, count, reason])
    if reason:
        log.warning("skipped file=%r reason=%r", name, reason)
    return count


def _reason(path: Path) -> str | None:
    """Why a file has nothing to index; None when it has. The reason holds until its version changes."""
    try:
        return None if texts.is_text(path) else "it is not UTF-8 text"
    except PermissionError:
        return "this user may not read it"
    except OSError as error:
        raise Left(str(error)) from error


def _read(path: Path) -> Iterator[str]:
    """The pieces of a file. Only what goes wrong here is the file's fault, and no reason to end the pass."""
    try:
        yield from texts.pieces(path)
    except OSError as error:
        raise Left(str(error)) from error


def _embed(pieces: sqlite3.Connection, vectors: Any, embedder: Embedder, progress: Progress) -> Any:
    """Make `vectors` those of `pieces`. Raises Unusable when the embedder's have another dimension by now."""
    had = faiss.vector_to_array(vectors.id_map) if vectors else np.empty(0, np.int64)
    stay = np.fromiter((id for (id,) in pieces.execute("SELECT id FROM pieces")), np.int64)
    if (gone := np.setdiff1d(had, stay)).size:
        vectors.remove_ids(gone)
    new = pieces.execute("SELECT id, text FROM pieces WHERE id > ? ORDER BY id", [int(had.max(initial=0))])
    while batch := new.fetchmany(BATCH):
        progress()
        rows = embedder.embed([text for _, text in batch])
        if vectors is None:
            vectors = faiss.IndexIDMap2(faiss.IndexFlatIP(rows.shape[1]))
        if vectors.d != rows.shape[1]:
            raise Unusable(f"{embedder.id} gives {rows.shape[1]} dimensions, and gave {vectors.d}")
        vectors.add_with_ids(rows, np.array([id for id, _ in batch], np.int64))
    return vectors


def _describe(pieces: sqlite3.Connection, vectors: Any, embedder: Embedder) -> dict[str, Any]:
    """Write down what the generation is, and return it."""
    files, count = pieces.execute("SELECT (SELECT count(*) FROM files), (SELECT count(*) FROM pieces)").fetchone()
    about = {"files": files, "pieces": count, "embedder": embedder.id, "dimension": vectors.d if vectors else 0}
    with pieces:
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        meta = {"format": FORMAT, "created": created, **about}
        pieces.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", [(k, str(v)) for k, v in meta.items()])
    return about


def _printable(name: str) -> str:
    """Name a file in UTF-8: its own name may have bytes that neither the index nor an answer could hold."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
