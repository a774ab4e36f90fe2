"""`python -m app`: ship what applications log, until told to stop."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from app import alive
from app.ship import dressed, ship
from clients import setting
from clients.log_collector import line
from managed import positions, tail

log = logging.getLogger("app")

LOGS = Path(setting("LOG_DIR"))
STORE = Path(setting("LOG_POSITIONS_DIR"))

# Seconds between two looks when there was nothing new, and the most there are after failures.
POLL = 1.0
LONGEST = 60.0


class Own(logging.Formatter):
    """This collector's own records, in the form in which it ships those of others."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        return dressed("log-collector", 0, line(record).rstrip()).decode()


def main() -> None:
    """Wait for the right to read on, then ship batch after batch."""
    logging.basicConfig(stream=sys.stdout, level=logging.INFO)
    logging.getLogger().handlers[0].setFormatter(Own())
    stop = threading.Event()
    # It ends between two batches: what was shipped is noted, so nothing is shipped twice.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    lock = wait_for_lock(stop)
    if lock:
        with closing(lock):
            log.info("started logs=%s positions=%s", LOGS, STORE)
            work(stop)
    log.info("stopped")


def wait_for_lock(stop: threading.Event) -> BinaryIO | None:
    """Return the lock, or None when it was told to stop before it had it."""
    said = False
    while not stop.is_set():
        if lock := positions.reader_lock(STORE):
            return lock
        if not said:
            log.info("another collector reads; waiting")
            said = True
        alive.beat()
        stop.wait(POLL)
    return None


def work(stop: threading.Event) -> None:
    """Round after round: at once after one with something in it, later and later after failures."""
    failures = 0
    while not stop.is_set():
        try:
            pause = 0.0 if collect(stop) else POLL
            failures = 0
        except (OSError, ValueError) as error:
            failures += 1
            pause = min(LONGEST, POLL * 2 ** min(failures, 10))
            why = f"{type(error).__name__}: {' '.join(str(error).split())}"
            log.error("nothing shipped, next try in %g s: %s", pause, why)
            alive.fail(why)
        stop.wait(pause)


def collect(stop: threading.Event) -> bool:
    """Ship one batch of each service. Returns whether there may be more."""
    known = positions.load(STORE)
    more = False
    for service in tail.services(LOGS):
        if stop.is_set():
            break
        batch = tail.read(LOGS / service, known.get(service))
        ship(lines(service, batch))
        if batch.position is not None and batch.position != known.get(service):
            known[service] = batch.position
            positions.save(STORE, known)
        more |= batch.more
        alive.beat()
    alive.beat()
    return more


def lines(service: str, batch: tail.Batch) -> Iterator[bytes]:
    """What is shipped of a batch: what happened before it, then its lines."""
    if batch.repeated:
        log.warning("the log of %s is not the one that was read: what is there is shipped from the beginning", service)
    if batch.dropped:
        yield dropped(service, batch)
    for number, raw in enumerate(batch.lines, batch.first):
        yield dressed(service, number, raw)


def dropped(service: str, batch: tail.Batch) -> bytes:
    """Say among the lines of a service that some are missing, in the words in which lines come."""
    bound = f"{setting('LOG_FILES')} files of {setting('LOG_FILE_MB')} MB"
    text = f"{batch.dropped} lines of {service} were deleted before they were read: more than {bound} waited"
    record = logging.makeLogRecord({"name": "app", "levelno": logging.WARNING, "levelname": "WARNING", "msg": text})
    said = line(record).rstrip()
    return dressed(service, batch.first - 1, said[:-1] + b', "dropped": %d}' % batch.dropped)


if __name__ == "__main__":
    main()
