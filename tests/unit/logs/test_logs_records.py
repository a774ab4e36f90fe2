"""What becomes of a record: a line that says what happened, or a count of those that could not be written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.logs.helpers import Place

FULL = """
import logging, os, resource, signal
from pathlib import Path
from clients.log_collector import Files, Handler
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
handler = Handler(Files(Path(os.environ["LOG_DIR"]) / "web", 1_000_000, 3))
log = logging.getLogger()
log.addHandler(handler)
log.warning("before")
resource.setrlimit(resource.RLIMIT_FSIZE, (900, resource.RLIM_INFINITY))
for number in range(10):
    log.warning("%d %s", number, "x" * 300)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.warning("after")
"""


def test_what_does_not_fit_on_the_disk_is_counted_and_no_half_line_stays(place: Place) -> None:
    """A limit on the size of files fails in the middle of a line, as a full disk does."""
    done = place.run(FULL)
    assert done.returncode == 0
    assert done.stderr == "1 lines of log could not be written, the last one: [Errno 27] File too large\n"
    said = [json.loads(line) for line in place.text()]
    assert [line["message"].split(" x")[0] for line in said] == [
        "before",
        "0",
        "after",
        "9 lines of log could not be written",
    ]
    assert said[-1]["lost"] == 9


def test_a_record_says_what_happened(place: Place) -> None:
    code = """
import logging, clients
clients.log_as("web")
clients.log_as("web")
log = logging.getLogger("app.some")
log.info("two\\nlines and %s", "café \\ud800")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("it broke")
log.warning("%d", "no number")
log.debug("not this")
log.error("x" * 100_000)
clients.check_all() == {"log_collector": {"ok": True}} or print(clients.check_all())
"""
    done = place.run(code)
    assert done.stdout == ""
    assert "INFO app.some: two\nlines and café" in done.stderr
    said = [json.loads(line) for line in place.text()]
    assert [each["level"] for each in said] == ["INFO", "ERROR", "WARNING", "ERROR", "INFO"]
    assert said[0]["message"] == "two\nlines and café \ud800"
    assert said[1]["exception"].startswith("Traceback")
    assert said[1]["exception"].endswith("ZeroDivisionError: division by zero")
    assert said[2]["message"] == "'%d' % ('no number',)"
    assert len(said[3]["message"]) == 32 * 1024
    assert said[4]["message"] == "check"
    assert said[0]["process"] > 1
    assert said[0]["time"].endswith("+00:00")


def test_servers_that_keep_their_records_to_themselves_are_heard_too(place: Place) -> None:
    code = """
import logging, sys, clients
for name in ("gunicorn.access", "uvicorn", "uvicorn.access"):
    logging.getLogger(name).propagate = False
    logging.getLogger(name).addHandler(logging.StreamHandler(sys.stdout))
    logging.getLogger(name).setLevel(logging.INFO)
clients.log_as("web")
logging.getLogger("gunicorn.access").info("GET /one")
logging.getLogger("uvicorn.access").info("GET /two")
logging.getLogger("uvicorn.error").info("started")
"""
    done = place.run(code)
    assert done.stdout.split("\n") == ["GET /one", "GET /two", "started", ""], "their own output has it, too"
    assert [json.loads(line)["message"] for line in place.text()] == ["GET /one", "GET /two", "started"]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("LOG_FILES", "1", "2 or more"), ("LOG_FILE_MB", "0", "1 or more"), ("LOG_FILE_MB", "many", "whole number")],
)
def test_settings_that_make_no_sense_are_named(place: Place, name: str, value: str, words: str) -> None:
    place.variables[name] = value
    done = place.run("import clients; clients.log_as('web')")
    assert done.returncode == 1
    assert words in done.stderr.splitlines()[-1]
    assert name in done.stderr.splitlines()[-1]


def test_a_volume_that_cannot_be_written_stops_nobody(place: Place) -> None:
    place.variables["LOG_DIR"] = "/dev/null"
    done = place.run(
        "import clients, logging; clients.log_as('web'); logging.info('goes on'); print(clients.check_all())"
    )
    assert done.returncode == 0
    assert done.stdout == "{'log_collector': {'ok': False, 'error': 'NotADirectoryError'}}\n"
    assert "1 lines of log could not be written" in done.stderr
    assert "goes on" in done.stderr


def test_an_application_that_was_never_told_is_not_linked(place: Place) -> None:
    done = place.run("import clients; print(clients.check_all())")
    assert done.stdout == "{'log_collector': {'ok': False, 'error': 'LookupError'}}\n"
    assert "call clients.log_as(SERVICE) as it starts" in done.stderr


def test_without_a_collector_nothing_changes(place: Place) -> None:
    init = place.root / "clients" / "__init__.py"
    init.write_text(init.read_text().replace('"logs": ("log_collector",),', ""))
    done = place.run("import clients, logging; clients.log_as('web'); logging.getLogger('x').warning('as ever')")
    assert (done.returncode, done.stderr) == (0, "as ever\n")
    assert list(place.logs.iterdir()) == []


def test_a_name_leads_nowhere_else(place: Place) -> None:
    for name in ("../other", "", ".hidden", "a/b"):
        done = place.run(f"import clients; clients.log_as({name!r})")
        assert "is no name of a service" in done.stderr
    assert list(Path(place.logs).iterdir()) == []
