"""A socket in front of another one, which can be taken away while somebody uses it."""

from __future__ import annotations

import gc
import socket
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def left_open() -> Iterator[None]:
    """The SDK leaves sockets that could not be connected to the collector, which would tell a later test of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


@contextmanager
def forwarded(target: str, path: Path) -> Iterator[Callable[[], None]]:
    """Forward every connection to `path` to the socket `target`, until what is yielded is called."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen()
    open: list[socket.socket] = []

    def accept() -> None:
        with suppress(OSError):
            while True:
                near, _ = listening.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(target)
                open.extend((near, far))
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=(source, sink), daemon=True).start()

    def stop() -> None:
        path.unlink(missing_ok=True)
        for each in (listening, *open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield stop
    finally:
        stop()
        thread.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
