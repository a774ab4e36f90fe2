"""The files that applications log to: whole lines, in order, bounded, whoever writes and however they end."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.unit.logs.helpers import Place


def finish(writers: list[subprocess.Popen[str]]) -> None:
    for writer in writers:
        writer.communicate(timeout=120)
        assert writer.returncode == 0


def records(place: Place) -> list[tuple[str, int]]:
    """Every line that is there, as its writer and its number."""
    return [(said["writer"], said["number"]) for said in map(json.loads, place.text())]


def check_names(place: Place) -> int:
    """Each file is called by the number of its first line. Returns how many lines there were in all."""
    paths = place.paths()
    expected = int(paths[0].stem)
    for path in paths:
        assert int(path.stem) == expected
        expected += path.read_bytes().count(b"\n")
    return expected


def test_processes_at_once_lose_no_line_at_rotation(place: Place) -> None:
    writers = [place.writer(str(name), 2000, 20_000, 1000) for name in range(5)]
    finish(writers)
    assert len(place.paths()) > 40, "it rotated all the while"
    assert Counter(records(place)) == Counter((str(name), number) for name in range(5) for number in range(2000))
    for name in range(5):
        assert [number for writer, number in records(place) if writer == str(name)] == list(range(2000))
    assert check_names(place) == 10_000
    assert all(path.stat().st_size <= 20_000 for path in place.paths())
    assert [stat.filemode(path.stat().st_mode) for path in place.paths()[-2:]] == ["-r--r--r--", "-rw-r--r--"]


def test_all_files_together_stay_under_the_bound_at_every_moment(place: Place) -> None:
    sizes: list[int] = []
    finished = threading.Event()

    def look() -> None:
        while not finished.is_set():
            total = 0
            for path in place.logs.glob("web/*.log"):
                try:
                    total += path.stat().st_size
                except FileNotFoundError:
                    continue
            sizes.append(total)

    watcher = threading.Thread(target=look)
    watcher.start()
    finish([place.writer(str(name), 3000, 10_000, 4) for name in range(3)])
    finished.set()
    watcher.join()
    assert len(sizes) > 50
    assert max(sizes) <= 4 * 10_000
    assert len(place.paths()) == 4
    assert check_names(place) == 9000, "those that were deleted are counted"
    # What is left are the last lines of all, none of them missing.
    for name in range(3):
        kept = [number for writer, number in records(place) if writer == str(name)]
        assert kept == list(range(3000 - len(kept), 3000))


def test_what_was_written_outlives_kills(place: Place) -> None:
    written: dict[str, int] = {}
    for round in range(4):
        names = [f"{round}-{number}" for number in range(3)]
        writers = [place.writer(name, 100_000, 30_000, 1000) for name in names]
        for writer in writers:
            assert writer.stdout
            writer.stdout.readline()
        time.sleep(0.3)
        for name, writer in zip(names, writers, strict=True):
            writer.kill()
            said, _ = writer.communicate()
            whole = said[: said.rfind("\n") + 1].split()
            written[name] = int(whole[-1]) if whole else 0
    place.files(30_000, 1000).write(b'{"writer": "last", "number": 0}\n')
    found = Counter(records(place))
    assert max(found.values()) == 1
    for name, last in written.items():
        assert last > 10
        assert all(found[name, number] for number in range(last + 1))
    check_names(place)


def test_the_half_line_of_a_killed_process_stands_alone(place: Place) -> None:
    files = place.files()
    files.write(b"one\n")
    with place.paths()[0].open("ab") as half:
        half.write(b'{"half')
    files.write(b"two\n")
    assert place.text() == ["one", '{"half', "two"]
    with place.paths()[0].open("ab") as half:
        half.write(b'{"ha')
    place.files().write(b"three\n")
    assert place.text() == ["one", '{"half', "two", '{"ha', "three"]


@pytest.mark.parametrize("user", [None, 10001])
def test_killed_between_a_full_file_and_the_next(place: Place, user: int | None) -> None:
    """As root, too, to whom a read-only file is not."""
    if user and os.getuid() != 0:
        pytest.skip("only root can be another user")
    for folder in (place.root, *place.root.parents):
        if user and Path("/tmp") in folder.parents:
            folder.chmod(0o755)
    place.logs.chmod(0o777)
    code = """
from clients.log_collector import Files
from pathlib import Path
import os
files = Files(Path(os.environ["LOG_DIR"]) / "web", 10_000, 3)
for number in range(3):
    files.write(b"line\\n")
next(Path(os.environ["LOG_DIR"]).glob("web/*.log")).chmod(0o444)
files.write(b"by one who had it open\\n")
sorted(Path(os.environ["LOG_DIR"]).glob("web/*.log"))[-1].chmod(0o444)
Files(Path(os.environ["LOG_DIR"]) / "web", 10_000, 3).write(b"by another\\n")
"""
    # It changes once Python has everything: that may lie where only its owner may look.
    done = place.run(code if user is None else code.replace("files =", f"os.setuid({user})\nfiles =", 1))
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in place.paths()] == [
        "000000000000000.log",
        "000000000000003.log",
        "000000000000004.log",
    ]
    assert place.text() == ["line"] * 3 + ["by one who had it open", "by another"]


def test_a_folder_that_is_emptied_begins_anew(place: Place) -> None:
    files, other = place.files(), place.files()
    files.write(b"before\n")
    other.write(b"before\n")
    stream = (place.web / ".stream").read_text()
    for path in place.web.iterdir():
        path.unlink()
    files.write(b"after\n")
    other.write(b"after\n")
    assert place.text() == ["after", "after"]
    assert (place.web / ".stream").read_text() not in ("", stream)
    for path in place.web.iterdir():
        path.unlink()
    place.web.rmdir()
    files.write(b"again\n")
    assert place.text() == ["again"]


def test_parent_and_child_keep_each_other_out(place: Place) -> None:
    """As with servers that load the application before they fork."""
    code = """
import os
from pathlib import Path
from clients.log_collector import Files
files = Files(Path(os.environ["LOG_DIR"]) / "web", 20_000, 1000)
files.write(b"first\\n")
children = [os.fork() for _ in range(2)]
for number in range(2000):
    files.write(b"%d %d %s\\n" % (os.getpid(), number, b"x" * 80))
try:
    while True:
        assert os.wait()[1] == 0
except ChildProcessError:
    pass
"""
    done = place.run(code)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(place.text()) == 1 + 4 * 2000
    assert {line.partition(" ")[2] for line in place.text()[1:]} == {f"{number} {'x' * 80}" for number in range(2000)}
    assert check_names(place) == 8001
