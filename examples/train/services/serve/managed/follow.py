# Managed by scaffold: updates merge this file.
"""The model that requests are answered with, and how the next one takes its place.

A thread looks at the volume. A new generation is loaded whole before it counts: until then, and when it cannot be
loaded, the old one answers.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from clients import generations
from clients.generations import Pointer

log = logging.getLogger("serve")

# Seconds until a generation that could not be loaded is tried again.
AGAIN = 30.0

TRAIN = "docker compose run --rm train"


class Loaded(NamedTuple):
    """A model, and which generation it is. Take it once for each request: the next one may be another."""

    generation: str
    about: dict[str, Any]
    model: Any


class Follower:
    """Follows the current generation in `store`. `load` makes a model of a folder."""

    def __init__(self, store: Path, load: Callable[[Path], Any], pause: float) -> None:
        self._store, self._load, self._pause = store, load, pause
        self._loaded: Loaded | None = None
        self._trouble = "the model is being loaded"
        # What was looked at last, and when.
        self._seen: Pointer | None = None
        self._tried = 0.0

    def start(self) -> None:
        """Look from a thread of this process: a big model takes longer to load than a server may be silent."""
        threading.Thread(target=self._follow, name="follow", daemon=True).start()

    def current(self) -> Loaded:
        """The model to answer with. Raises LookupError, with what to do, when there is none."""
        loaded = self._loaded
        if loaded is None:
            raise LookupError(self.trouble())
        return loaded

    def trouble(self) -> str:
        """Say why the newest model does not answer, and what to do; empty when it does."""
        return self._trouble

    def look(self) -> None:
        """Load the current generation, when it is not the one that was looked at last."""
        try:
            now = generations.pointer(self._store)
            if now != self._seen or (self._trouble and time.monotonic() - self._tried > AGAIN):
                self._seen, self._tried = now, time.monotonic()
                self._take()
        except generations.Missing:
            # Whoever emptied the volume did not ask for silence: what is loaded goes on answering.
            self._seen, self._trouble = None, f"there is no model in {self._store} yet; fix: {TRAIN}"
        except Exception as error:
            trouble = f"the model in {self._store} cannot be loaded ({said(error)}); fix: {TRAIN} --force"
            if trouble != self._trouble:
                log.exception("cannot load the model")
            self._trouble = trouble

    def _take(self) -> None:
        with generations.held(self._store) as pointer:
            model = self._load(self._store / pointer.generation)
            self._seen = pointer
        self._loaded = Loaded(pointer.generation, pointer.about, model)
        self._trouble = ""
        log.info("serving %s", pointer.generation)

    def _follow(self) -> None:
        while True:
            self.look()
            time.sleep(self._pause)


def said(error: Exception) -> str:
    """One line of an error's kind and message."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
