"""`python -m app`: keep the index of the uploads up to date, until told to stop."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import BinaryIO

from app import heartbeat
from clients import log_as, setting
from clients.faiss_worker import CURRENT, embedder
from managed.build import build
from managed.publish import writer_lock

log = logging.getLogger("app")

UPLOADS = Path(setting("UPLOADS_DIR"))
STORE = Path(setting("VECTOR_STORE_DIR"))

# Seconds between two looks at the uploads, and the most there are after failures.
POLL = float(os.environ.get("INDEX_POLL_SECONDS", "5"))
LONGEST = 60.0


def main() -> None:
    """Wait for the right to write, then make one pass after the other."""
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    log_as("faiss-worker")
    # It ends at once, also amid a batch: what is not published yet is made again by the next worker.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        with wait_for_lock():
            log.info("started uploads=%s store=%s poll=%g", UPLOADS, STORE, POLL)
            work()
    except OSError as error:
        # Compose starts it again, later and later. One line each time tells more than a traceback.
        log.error("failed error=%r", said(error))
        heartbeat.fail(said(error))
        sys.exit(1)
    finally:
        log.info("stopped")


def wait_for_lock() -> BinaryIO:
    """Return the lock; closing it gives it back."""
    waiting = False
    while not (lock := writer_lock(STORE)):
        if not waiting:
            log.info("another worker writes; waiting")
            waiting = True
        beat()
        time.sleep(POLL)
    return lock


def work() -> None:
    """Pass after pass: soon again after one that had something to do, later and later after failures."""
    failures = 0
    while True:
        try:
            more = build(UPLOADS, STORE, embedder(), nothing if failures else beat)
            heartbeat.recover()
            beat()
        except Exception as error:
            failures += 1
            pause = min(LONGEST, POLL * 2 ** min(failures, 10))
            log.error("failed error=%r next_in=%g", said(error), pause)
            heartbeat.fail(said(error))
        else:
            failures = 0
            pause = 0 if more else POLL
        time.sleep(pause)


def said(error: Exception) -> str:
    """One line of an error's kind and message."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def beat() -> None:
    """Show that this worker is alive, once readers have an index to open."""
    if (STORE / CURRENT).exists():
        heartbeat.beat()


def nothing() -> None:
    """Show nothing while a pass repeats what failed: only one that succeeds makes the worker healthy again."""


if __name__ == "__main__":
    main()
