"""Applications log to a volume of bounded size, and the collector ships it: flooded, killed, on a fresh volume."""

from __future__ import annotations

import json
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.engine.conftest import Make
from tests.support.engine import host_address
from tests.support.running import Project, until

pytestmark = pytest.mark.engine

SERVICES = ["flask", "fastapi", "log-collector"]
# What a busy application logs in a day, by several processes at once, in lines of about 250 bytes.
WRITERS = ["flask-0", "flask-1", "fastapi-0", "fastapi-1"]
EACH = 125_000
BOUND = 5 * 10 * 1024 * 1024

FLOOD = """
import logging, sys
from clients import log_as
name, each = sys.argv[1], int(sys.argv[2])
logging.basicConfig(filename="/dev/null")
log_as(name.partition("-")[0])
log = logging.getLogger("flood." + name)
for number in range(each):
    log.info("%d request %s", number, "x" * 80)
"""
# The most bytes that each service has on the volume, looked at until the file /tmp/stop is there.
WATCH = """
import json, time
from pathlib import Path
most = {}
while True:
    for folder in Path("/data/logs").iterdir():
        size = 0
        for path in folder.iterdir():
            try:
                size += path.stat().st_size
            except FileNotFoundError:
                pass
        most[folder.name] = max(most.get(folder.name, 0), size)
    if Path("/tmp/stop").exists():
        break
    time.sleep(0.05)
print(json.dumps(most))
"""
# By service: the number of its first line that is there, and how many lines it has logged.
KEPT = """
import json
from pathlib import Path
said = {}
for folder in Path("/data/logs").iterdir():
    files = sorted(folder.glob("*.log"))
    said[folder.name] = [int(files[0].stem), int(files[-1].stem) + files[-1].read_bytes().count(b"\\n")]
print(json.dumps(said))
"""


class Taken:
    """What an address on this machine was sent: numbers of lines by service, and what the flood wrote."""

    def __init__(self) -> None:
        self.lines: dict[str, Counter[int]] = {"flask": Counter(), "fastapi": Counter()}
        self.dropped: dict[str, dict[int, int]] = {"flask": {}, "fastapi": {}}
        self.flood: set[tuple[str, int]] = set()

    def take(self, body: bytes) -> None:
        for raw in body.splitlines():
            line = json.loads(raw)
            service = line["source"]
            if "dropped" in line:
                self.dropped[service][line["line"]] = line["dropped"]
            elif service in self.lines:
                self.lines[service][line["line"]] += 1
                if line["logger"].startswith("flood."):
                    self.flood.add((line["logger"], int(line["message"].partition(" ")[0])))


@contextmanager
def address() -> Iterator[tuple[Taken, str]]:
    """An address that containers reach."""
    gateway = host_address()
    taken = Taken()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(ConnectionError):  # a collector that was killed
                super().handle()

    server = ThreadingHTTPServer((gateway, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield taken, f"http://{gateway}:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def inside(project: Project, service: str, code: str, *arguments: str) -> str:
    return project.compose("exec", "-T", service, "python", "-c", code, *arguments).strip()


def shipped(project: Project) -> list[dict[str, object]]:
    """The collector's output."""
    said = project.compose("logs", "--no-color", "--no-log-prefix", "log-collector").splitlines()
    return [json.loads(line) for line in said if line.startswith("{")]


def wait_for(project: Project, service: str, words: str) -> None:
    """Wait until the collector has put out a line of a service."""
    until(lambda: any(line["source"] == service and words in str(line["message"]) for line in shipped(project)))


@pytest.mark.parametrize("first", ["log-collector", "flask"])
def test_logs_come_together_from_a_fresh_volume_whoever_starts_first(make: Make, first: str) -> None:
    project = make(services=SERVICES)
    project.init()
    project.up(first)
    project.up()
    for service in SERVICES:
        owner = project.compose("exec", "-T", service, "stat", "-c", "%u:%g %a", "/data/logs")
        assert owner.strip() == "10001:10001 755", service
    assert project.get("/links") == (200, {"log_collector": {"ok": True}})
    for service, words in (("flask", "GET /links"), ("fastapi", "GET /health")):
        wait_for(project, service, words)
    assert "GET /links" in project.compose("logs", "flask"), "its own output has it, too"
    write = "from pathlib import Path\ntry: Path('/data/logs/x').touch()\nexcept OSError as e: print(e.strerror)"
    assert inside(project, "log-collector", write) == "Read-only file system"
    numbers = [line["line"] for line in shipped(project) if line["source"] == "flask"]
    project.compose("restart", "log-collector")
    project.get("/links")
    until(lambda: len([1 for line in shipped(project) if line["source"] == "flask"]) > len(numbers))
    again = [line["line"] for line in shipped(project) if line["source"] == "flask"]
    assert again == list(range(len(again))), "each line once, over the restart"
    assert project.volumes() == project.declared()


def flood(project: Project, taken: Taken) -> dict[str, int]:
    """Log from all writers at once, and kill the collector in the middle. Returns the most bytes of each service."""
    start = ["docker", "compose", "exec", "-T"]
    collector = project.compose("ps", "--quiet", "log-collector").strip()
    watch = subprocess.Popen(
        [*start, "flask", "python", "-c", WATCH], cwd=project.folder, stdout=subprocess.PIPE, text=True
    )
    floods = [
        subprocess.Popen([*start, name.partition("-")[0], "python", "-c", FLOOD, name, str(EACH)], cwd=project.folder)
        for name in WRITERS
    ]
    until(lambda: len(taken.flood) > 20_000)
    project.run("docker", "kill", "--signal", "KILL", collector)
    assert len(taken.flood) < len(WRITERS) * EACH / 2, "killed too late: this proves little"
    project.up("--no-deps", "log-collector")
    assert [process.wait() for process in floods] == [0] * len(floods)
    project.compose("exec", "-T", "flask", "touch", "/tmp/stop")
    most: dict[str, int] = json.loads(watch.communicate()[0])
    return most


def test_a_day_of_lines_within_minutes(make: Make) -> None:
    project = make(services=SERVICES)
    project.init()
    with address() as (taken, url):
        project.configure(LOG_SHIP_URL=url)
        project.up()
        most = flood(project, taken)
        kept = json.loads(inside(project, "flask", KEPT))
        until(lambda: all(taken.lines[service][total - 1] for service, (_, total) in kept.items()), 240)
    assert max(most.values()) <= BOUND, most
    for service, (lowest, total) in kept.items():
        assert total > 2 * EACH, "all of them wrote"
        assert lowest > 0, "it came to the bound"
        found = set(taken.lines[service])
        assert set(range(lowest, total)) <= found, "everything since the last rotation"
        # Nothing is missing that is not counted; what a killed collector had shipped and not noted comes twice.
        missing = set(range(total)) - found
        assert len(missing) <= sum(taken.dropped[service].values())
    if not any(taken.dropped.values()):
        assert taken.flood == {(f"flood.{name}", number) for name in WRITERS for number in range(EACH)}
