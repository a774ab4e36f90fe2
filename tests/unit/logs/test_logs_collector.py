"""The collector as a process: stopped, killed, twice at once, and shipping to what is not always there."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.support.waiting import until
from tests.unit.logs.helpers import Place


class Sink:
    """An address that takes lines. `answers` are the statuses of its next answers, 200 after them."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.answers: list[int] = []
        self.headers: list[dict[str, str]] = []
        self.hold = threading.Event()
        self.hold.set()
        self.asked = 0

    def of(self, service: str = "web") -> list[dict[str, Any]]:
        return [line for line in self.lines if line["source"] == service]


@contextmanager
def sink() -> Iterator[tuple[Sink, str]]:
    state = Sink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            state.asked += 1
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.hold.wait()
            status = state.answers.pop(0) if state.answers else 200
            state.headers.append(dict(self.headers))
            if status == 200:
                state.lines += [json.loads(line) for line in body.splitlines()]
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(ConnectionError):  # a collector that was killed
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state, f"http://127.0.0.1:{server.server_port}/logs"
    finally:
        state.hold.set()
        server.shutdown()
        server.server_close()
        thread.join()


def fill(place: Place, first: int, count: int, service: str = "web", size: int = 1_000_000) -> None:
    log = place.files(size, 5, service)
    for number in range(first, first + count):
        log.write(json.dumps({"message": f"line {number}", "fill": "x" * 60}).encode() + b"\n")


def wait_for(place: Place, count: int) -> None:
    until(lambda: len(place.shipped()) >= count, f"{count} lines")


def numbers(lines: list[dict[str, Any]]) -> list[int]:
    return [line["line"] for line in lines]


def test_it_ships_to_its_output_each_line_once_over_restarts(place: Place) -> None:
    fill(place, 0, 100)
    for round in range(3):
        with place.collector(round) as collector:
            fill(place, 100 + 1000 * round, 1000)
            wait_for(place, 1100 + 1000 * round)
            assert collector.end() == 0
    fill(place, 0, 5, "worker")
    with place.collector(3) as collector:
        until(lambda: len(place.shipped("worker")) == 5, "the lines", log=collector.log)
        assert collector.end(signal.SIGINT) == 0
    assert numbers(place.shipped()) == list(range(3100))
    assert place.shipped()[7] == {"message": "line 7", "fill": "x" * 60, "source": "web", "line": 7}
    own = [line["message"].split()[0] for line in place.shipped("log-collector")]
    assert own == ["started", "stopped"] * 4


def test_killed_it_repeats_at_most_what_it_had_not_noted(place: Place) -> None:
    with sink() as (state, place.url):
        for round in range(6):
            fill(place, 2000 * round, 2000)
            with place.collector(round) as collector:
                until(state.of, "lines")
                time.sleep(0.05 * round)
                collector.end(signal.SIGKILL)
        with place.collector(9):
            until(lambda: len({line["line"] for line in state.of()}) == 12_000, "all lines")
        found = Counter(numbers(state.of()))
        assert set(found) == set(range(12_000)), "each at least once"
        text = {(line["line"], line["message"]) for line in state.of()}
        assert text == {(number, f"line {number}") for number in range(12_000)}, "and the same under its number"


def test_killed_between_the_shipping_and_the_note_it_ships_once_more(place: Place) -> None:
    with sink() as (state, place.url):
        fill(place, 0, 10)
        state.hold.clear()
        with place.collector() as collector:
            until(lambda: state.asked, "the lines")
            collector.end(signal.SIGKILL)
        state.hold.set()
        until(lambda: len(state.of()) == 10, "the lines")
        with place.collector(1):
            until(lambda: len(state.of()) == 20, "the lines once more")
    assert Counter(numbers(state.of())) == dict.fromkeys(range(10), 2)


@pytest.mark.parametrize("status", [500, 429, 302, 404])
def test_what_is_not_taken_is_shipped_later(place: Place, status: int) -> None:
    with sink() as (state, place.url):
        state.answers = [status]
        fill(place, 0, 10)
        with place.collector() as collector:
            until(lambda: collector.says(f"HTTP Error {status}"), "the error", log=collector.log)
            assert state.of() == []
            until(state.of, "the lines", log=collector.log)
            assert collector.end() == 0
    assert numbers(state.of()) == list(range(10))
    assert not collector.says("Traceback")
    assert not collector.says(place.url), "an address may have a password in it"


def test_while_nothing_can_be_shipped_it_is_not_healthy_and_loses_what_the_bound_says(place: Place) -> None:
    with sink() as (state, place.url):
        fill(place, 0, 10)
        with place.collector() as collector:
            until(lambda: len(state.of()) == 10, "the lines", log=collector.log)
            state.answers = [503] * 1000
            fill(place, 10, 20_000, size=100_000)
            lowest = int(place.paths()[0].stem)
            assert lowest > 10, "some are deleted before they can be read"
            # Its heart has not beaten since then.
            health = "import os, sys; from app import alive; {}from app.health import main; sys.exit(main())"
            old = "os.utime(alive.FILE, (0, 0)); "
            until(lambda: collector.says("HTTP Error 503"), "the error", log=collector.log)
            done = place.run(health.format(old))
            assert done.returncode == 1
            assert "HTTP Error 503" in done.stdout
            state.answers.clear()
            until(lambda: state.of()[-1]["line"] == 20_009, "the last line", log=collector.log)
            until(lambda: place.run(health.format("")).returncode == 0, "health", log=collector.log)
    missing = [line for line in state.of() if "dropped" in line]
    rest = [line for line in state.of() if "dropped" not in line]
    assert sum(line["dropped"] for line in missing) + len(rest) == 20_010
    assert missing[0]["dropped"] == lowest - 10
    assert missing[0]["level"] == "WARNING"
    assert f"{lowest - 10} lines of web were deleted before they were read: more than 3 files of 1 MB" in str(missing)
    assert numbers(rest) == [*range(10), *range(lowest, 20_010)]


def test_two_of_them_take_turns(place: Place) -> None:
    with place.collector(0) as one:
        until(lambda: one.says("started"), "the first")
        with place.collector(1) as other:
            until(lambda: other.says("waiting"), "the second")
            fill(place, 0, 10)
            noted = place.positions / "positions.json"
            until(lambda: noted.exists() and '"lines": 10' in noted.read_text(), "the note of the lines")
            one.end(signal.SIGKILL)
            until(lambda: other.says("started"), "the second's turn")
            fill(place, 10, 10)
            until(lambda: len(place.shipped()) == 20, "the lines")
            assert other.end() == 0
    assert numbers(place.shipped()) == list(range(20))


def test_what_is_no_json_is_wrapped(place: Place) -> None:
    place.files().write(b"plain \xff text\n")
    place.files().write(b'{"source": "liar", "line": -1}\n')
    place.files().write(b'["a", "list"]\n')
    with place.collector() as collector:
        until(lambda: len(place.shipped()) == 3, "the lines", log=collector.log)
    assert place.shipped() == [
        {"message": "plain \\xff text", "source": "web", "line": 0},
        {"source": "web", "line": 1},
        {"message": '["a", "list"]', "source": "web", "line": 2},
    ]


def test_a_token_goes_along(place: Place) -> None:
    token = place.root / "token"
    token.write_text("tok-en\n")
    place.variables["LOG_SHIP_TOKEN_FILE"] = str(token)
    with sink() as (state, place.url):
        fill(place, 0, 1)
        with place.collector() as collector:
            until(state.of, "the line")
        assert state.headers[0]["Authorization"] == "Bearer tok-en"
        assert not collector.says("tok-en")


def test_damaged_positions_are_named_and_not_guessed(place: Place) -> None:
    fill(place, 0, 5)
    file = place.positions / "positions.json"
    file.write_text('{"web": {"stream"')
    with place.collector() as collector:
        until(lambda: collector.says("is damaged; delete it"), "the error", log=collector.log)
        assert place.shipped() == []
        file.unlink()
        until(lambda: len(place.shipped()) == 5, "the lines", log=collector.log)


def test_it_cannot_write_where_it_reads(place: Place) -> None:
    """Nothing in it tries: a volume that is mounted read-only is all it needs."""
    if os.getuid() != 0:
        pytest.skip("only root can be another user")
    fill(place, 0, 5)
    before = {path: path.stat().st_mtime_ns for path in place.logs.rglob("*")}
    with place.collector() as collector:
        until(lambda: len(place.shipped()) == 5, "the lines", log=collector.log)
    assert {path: path.stat().st_mtime_ns for path in place.logs.rglob("*")} == before
