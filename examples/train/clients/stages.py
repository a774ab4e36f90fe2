# Managed by scaffold: updates merge this file.
"""One stage of a pipeline: from what a volume holds to a new generation on another, once for each input.

A run first removes what a killed one left. When input, code and settings are those of the generation that is there, it
has nothing to do; else it makes the next one (`clients.generations`), and until that is whole the old one counts.
"""

from __future__ import annotations

import argparse
import hashlib
import inspect
import json
import logging
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from clients import generations

log = logging.getLogger("stage")

# Exit codes, as those of `ops`.
DONE, ATTENTION, REFUSED, UNABLE, INTERRUPTED = 0, 1, 2, 3, 130

# Seconds between two looks whether another run has ended.
PAUSE = 1.0

# In each generation, beside what the stage wrote: how it was made.
ABOUT = "about.json"


class Refused(Exception):
    """The stage cannot begin: what is wrong, and what to do."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.fix = fix


class Given(NamedTuple):
    """What a stage works on: `id` changes with the content."""

    id: str
    folder: Path
    name: str
    unchanged: Callable[[], bool]


Source = Callable[[], AbstractContextManager[Given]]


@dataclass(frozen=True)
class Stage:
    """`work` reads the first folder that it is given and writes into the second; what it returns is kept as a result.

    It is made anew when its input changes, a file beside its code, or a variable that begins with its name.
    """

    name: str
    source: Source
    target: Path
    work: Callable[[Path, Path], Mapping[str, Any] | None]

    def recipe(self) -> str:
        """Name the code and the settings."""
        digest = hashlib.sha256(content(Path(inspect.getfile(self.work)).parent).encode())
        prefix = f"{self.name.upper().replace('-', '_')}_"
        for name, value in sorted(os.environ.items()):
            if name.startswith(prefix):
                digest.update(f"{name}={value}\0".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()


def files(folder: Path, fix: str) -> Source:
    """A folder of files as the input of a stage. `fix` is what to do when there are none."""

    @contextmanager
    def source() -> Iterator[Given]:
        before = _listed(folder)
        if not before:
            raise Refused(f"there are no files in {folder}", fix)
        yield Given(content(folder), folder, "", lambda: _listed(folder) == before)

    return source


def generation(store: Path, fix: str) -> Source:
    """The current generation of a store as the input of a stage. `fix` is what to do when there is none."""

    @contextmanager
    def source() -> Iterator[Given]:
        try:
            with generations.held(store) as now:
                id = str(now.about.get("digest") or f"{now.generation} {now.identity}")
                yield Given(id, store / now.generation, now.generation, lambda: True)
        except generations.Missing:
            raise Refused(f"there is nothing in {store} yet", fix) from None
        except generations.Damaged as error:
            raise Refused(f"what is in {store} is damaged: {error}", fix) from None

    return source


def main(name: str, source: Source, target: Path) -> int:
    """Run the stage whose work is the function of its name in app/; returns the exit code.

    A function `published` beside it, where there is one, is told of a new generation, and cannot take it back.
    """
    parser = argparse.ArgumentParser(prog=name, description="Do the work, when there is any.", allow_abbrev=False)
    parser.add_argument("--force", action="store_true", help="do it though nothing has changed")
    options = parser.parse_args()
    start_log()
    try:
        module = import_module(f"app.{name}")
        made = run(Stage(name, source, target, getattr(module, name)), force=options.force)
    except Refused as error:
        return refused(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception:
        log.exception("%s failed; what was there before still counts", name)
        return UNABLE
    try:
        if made and (published := getattr(module, "published", None)):
            published(*made)
    except Exception:
        log.exception("%s is done; what comes after it failed", name)
        return ATTENTION
    return DONE


def start_log() -> None:
    """Log to standard output, as the other services do."""
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")


def refused(error: Refused) -> int:
    """Say what is wrong and what to do; returns the exit code."""
    sys.stderr.write(f"error: {error}\nhint: {error.fix}\n")
    return REFUSED


def run(stage: Stage, *, force: bool = False) -> tuple[str, dict[str, Any]] | None:
    """Make the next generation: its name, and how it was made. None when there is nothing to do.

    Raises Refused when there is no input, and whatever the disk and the work raise; what was there before still counts.
    """
    with alone(stage.target):
        generations.sweep(stage.target)
        with stage.source() as given:
            recipe = {"input": given.id, "recipe": stage.recipe()}
            if not force and (there := _there(stage.target, recipe)):
                log.info("%s: nothing to do, %s is of this input; --force makes another", stage.name, there)
                return None
            work = generations.begin(stage.target)
            try:
                about = {**recipe, "from": given.name, **_worked(stage, given, work)}
                (work / ABOUT).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
                name = generations.publish(stage.target, work, about)
            finally:
                # Whatever came of it: what is too old goes, or what was begun.
                generations.sweep(stage.target)
    said = " ".join(f"{key}={value}" for key, value in about["result"].items())
    log.info("%s: published %s in %g s %s", stage.name, name, about["seconds"], said)
    return name, about


@contextmanager
def alone(store: Path) -> Iterator[None]:
    """Wait until nobody else writes in `store`, and keep it so."""
    waiting = False
    while not (lock := generations.writer_lock(store)):
        if not waiting:
            log.info("another run writes in %s; waiting", store)
            waiting = True
        time.sleep(PAUSE)
    with lock:
        yield


def _there(store: Path, recipe: Mapping[str, str]) -> str:
    """Name the generation that was made by this recipe, if it is the current one and whole."""
    try:
        now = generations.pointer(store)
        now.check(store)
    except generations.Missing:
        return ""
    except (generations.Damaged, OSError) as error:
        log.warning("what is in %s is damaged, and made again: %s", store, error)
        return ""
    return now.generation if all(now.about.get(key) == value for key, value in recipe.items()) else ""


def _worked(stage: Stage, given: Given, work: Path) -> dict[str, Any]:
    began = time.monotonic()
    log.info("%s: begins", stage.name)
    result = plain(stage.work(given.folder, work) or {})
    if not given.unchanged():
        raise RuntimeError(f"what is in {given.folder} changed while it was read: run it again")
    if not _listed(work):
        raise RuntimeError(f"{stage.name} wrote nothing")
    seconds = round(time.monotonic() - began, 2)
    made = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"made": made, "seconds": seconds, "digest": content(work), "result": result}


def content(folder: Path) -> str:
    """Name what is in a folder, by the names and the bytes of its files."""
    digest = hashlib.sha256()
    for name in sorted(_listed(folder)):
        with (folder / name).open("rb") as file:
            one = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{name}\0{one}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _listed(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of each file. Hidden ones are not meant: somebody may be writing them."""
    found = {}
    for at, folders, names in os.walk(folder, onerror=_raise):
        folders[:] = [name for name in folders if name != "__pycache__" and not name.startswith(".")]
        for path in (Path(at, name) for name in names if not name.startswith(".")):
            about = path.stat()
            found[path.relative_to(folder).as_posix()] = about.st_size, about.st_mtime_ns
    return found


def _raise(error: OSError) -> None:
    raise error


def plain(value: Any) -> Any:
    """What JSON can hold of a result: numbers of numpy become Python's, what is no number becomes null."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(one) for one in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, str | bool | int):
        return value
    return plain(value.item()) if hasattr(value, "item") and getattr(value, "size", 0) == 1 else str(value)
