"""Running two commands in turn, and comparing them."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Sequence

Command = Callable[[int], Sequence[str]]


def compare(what: str, ours: Command, theirs: Command, *, rounds: int, promise: float) -> None:
    """Print the ratio of the median and of the best times of two commands; each gets the number of its round."""
    times: dict[str, list[float]] = {"ours": [], "theirs": []}
    for number in range(rounds + 1):
        for side, command in (("ours", ours), ("theirs", theirs)):
            seconds = _timed(command(number))
            # The first round fills the file cache.
            if number:
                times[side].append(seconds)
    medians = {side: statistics.median(values) for side, values in times.items()}
    bests = {side: min(values) for side, values in times.items()}
    print(f"{what}, {rounds} rounds")
    print(f"  ours    median {medians['ours'] * 1000:6.0f} ms   best {bests['ours'] * 1000:6.0f} ms")
    print(f"  theirs  median {medians['theirs'] * 1000:6.0f} ms   best {bests['theirs'] * 1000:6.0f} ms")
    print(f"  ratio   median {medians['ours'] / medians['theirs']:.2f}      best {bests['ours'] / bests['theirs']:.2f}")
    print(f"  promised at most {promise}")


def _timed(command: Sequence[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start
