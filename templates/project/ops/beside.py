# Managed by scaffold: updates merge this file.
"""Ask one thing while another is done: most of what `docker` takes is its start."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Result = TypeVar("Result")


@contextmanager
def beside(work: Callable[[], Result]) -> Iterator[Callable[[], Result]]:
    """Begin with `work`, which changes nothing; what is yielded waits for its result, or raises what it raised.

    It has ended when the block has. Where the block fails nobody waits for it: that may be somebody's Ctrl-C.
    """
    said: list[Result] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            said.append(work())
        except BaseException as error:  # raised by the one who asks
            failed.append(error)

    def result() -> Result:
        thread.join()
        if failed:
            raise failed[0]
        return said[0]

    thread = threading.Thread(target=run, name="ops-beside", daemon=True)
    thread.start()
    yield result
    thread.join()
