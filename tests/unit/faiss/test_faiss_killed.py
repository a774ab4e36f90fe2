"""Processes that are killed, stopped and starved, and what is left of the index then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.support.waiting import until
from tests.unit.faiss.helpers import Place, contents, workers

LONG = " ".join(f"word{number}" for number in range(1000))
BUILD = """
import os, resource, signal, sys
from pathlib import Path
from clients import faiss_worker
from managed import build as builder
uploads, store = Path(os.environ["UPLOADS_DIR"]), Path(os.environ["VECTOR_STORE_DIR"])
def build():
    return builder.build(uploads, store, faiss_worker.embedder(), lambda: None)
"""
# Dies, as by a power cut, at the n-th step that has to do with the disk's state.
DYING = """
left = int(sys.argv[1])
def dying(real):
    def step(*arguments, **more):
        global left
        if left == 0:
            os._exit(9)
        left -= 1
        return real(*arguments, **more)
    return step
os.fsync, os.rename, os.replace, os.mkdir = map(dying, (os.fsync, os.rename, os.replace, os.mkdir))
Path.rename, Path.replace, Path.chmod = map(dying, (Path.rename, Path.replace, Path.chmod))
builder.faiss.write_index = dying(builder.faiss.write_index)
build()
"""


def fill(place: Place, count: int, words: str = LONG) -> dict[str, str]:
    texts = {f"{number}.txt": f"number{number} {words}" for number in range(count)}
    for name, text in texts.items():
        place.put(name, text)
    return texts


def test_death_at_every_step_of_publishing(place: Place) -> None:
    """The reader has the old state or the new one, whole; the pass after it repairs everything."""
    place.put("old.txt", "old words")
    place.build_all()
    place.put("new.txt", "new words")
    deaths = states = 0
    while place.run(BUILD + DYING, str(deaths)).returncode == 9:
        deaths += 1
        found = set(contents(place))
        assert found in ({"old.txt"}, {"old.txt", "new.txt"})
        assert place.search("old")[0] == "old.txt"
        states += len(found)
        place.clients("faiss_worker").check()
        if "new.txt" in found:
            (place.uploads / "new.txt").unlink()
            place.build()
            place.put("new.txt", "new words")
    assert deaths > 10
    assert states > deaths
    place.build()
    assert contents(place) == {"old.txt": "old words", "new.txt": "new words"}
    assert (place.leftovers(), len(place.generations())) == ([], 3)


@pytest.mark.parametrize("size", [0, 200_000, 1_500_000], ids=["begun", "amid its texts", "amid its vectors"])
def test_kill_9_amid_a_build(place: Place, size: int) -> None:
    place.put("old.txt", "old words")
    place.model("slow", seconds=0.2)
    place.build_all()
    texts = fill(place, 250)
    before = (place.store / "CURRENT").read_bytes()
    with workers(place) as [worker]:
        until(lambda: written(place) > size, "a build")
        worker.end(signal.SIGKILL)
    assert (place.store / "CURRENT").read_bytes() == before
    assert place.leftovers()
    assert contents(place) == {"old.txt": "old words"}
    assert place.search("old") == ["old.txt"]
    place.model("slow")
    assert place.build_all() == 2
    assert place.leftovers() == []
    assert contents(place) == texts | {"old.txt": "old words"}


def written(place: Place) -> int:
    """Bytes of a working folder; -1 when there is none."""
    try:
        return max((path.stat().st_size for path in place.store.glob(".building-*/*")), default=-1)
    except FileNotFoundError:
        return -1


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("busy", [True, False])
def test_it_stops_when_told(place: Place, how: int, busy: bool) -> None:
    place.model("slow", seconds=1)
    place.build()
    with workers(place) as [worker]:
        until(lambda: worker.says("started"), "the start")
        texts = fill(place, 250 if busy else 0)
        if busy:
            until(lambda: written(place) > 1_500_000, "a build")
        assert worker.end(how) == 0
        assert worker.says("INFO stopped")
        assert not worker.says("Traceback")
    assert place.leftovers() == []
    place.model("slow")
    place.build_all()
    assert contents(place) == texts


@pytest.mark.parametrize("count", [2, 3])
def test_one_of_several_workers_writes_until_it_is_killed(place: Place, count: int) -> None:
    place.build()
    with workers(place, count) as running:
        for number in range(count):
            until(lambda: sum(worker.says("started") for worker in running) == 1, "one that writes")
            until(lambda: sum(worker.says("waiting") for worker in running) >= len(running) - 1, "others that wait")
            texts = fill(place, 5 * number + 5)
            until(lambda: place.clients("faiss_worker").versions() == versions(place), "the files")
            assert contents(place) == texts
            [writer] = [worker for worker in running if worker.says("started")]
            assert writer.log.read_text().count("waiting") <= 1
            writer.end(signal.SIGKILL)
            running.remove(writer)
            assert not any(worker.says("failed") for worker in running)
    assert contents(place) == texts


READER = """
import os, sys
from pathlib import Path
from clients import faiss_worker
end, rounds, names = Path(sys.argv[1]), 0, set()
while not end.exists():
    faiss_worker.check()
    hits = faiss_worker.search("steady words that stay")
    assert hits[0].source == "steady.txt", hits
    assert len({(hit.source, hit.text) for hit in hits}) == len(hits), hits
    assert "steady.txt" in faiss_worker.versions()
    names.add(faiss_worker.connect().name)
    rounds += 1
    end.with_name("reading").touch()
print(rounds, len(names), len(os.listdir("/proc/self/fd")))
"""


def test_a_reader_never_errs_while_uploads_stream_in(place: Place) -> None:
    place.put("steady.txt", "steady words that stay")
    place.build_all()
    end = place.root / "end"
    expected = {"steady.txt": "steady words that stay"}
    command = [sys.executable, "-c", READER, str(end)]
    reader = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        until(end.with_name("reading").exists, "the reader")
        with workers(place) as [worker]:
            for number in range(120):
                stream(place, expected, number)
                until(lambda: place.current()["files"] >= len(expected) - 3, "the worker to follow")
            until(lambda: place.clients("faiss_worker").versions() == versions(place), "the last files")
            assert worker.end() == 0
            assert not worker.says("failed")
    finally:
        end.touch()
        said, errors = reader.communicate(timeout=60)
    assert (reader.returncode, errors) == (0, "")
    rounds, generations, descriptors = map(int, said.split())
    assert (rounds > 20, generations > 3, descriptors < 20) == (True, True, True), said
    assert contents(place) == expected


def stream(place: Place, expected: dict[str, str], number: int) -> None:
    """Upload some files; change and delete one now and then."""
    for part in range(3):
        name = f"{number}-{part}.txt"
        expected[name] = f"upload {number} part {part} " + LONG[: 1000 * part]
        place.put(name, expected[name])
    if number % 3 == 2:
        expected[f"{number - 1}-0.txt"] = f"changed in {number}"
        place.put(f"{number - 1}-0.txt", f"changed in {number}")
        (place.uploads / f"{number - 2}-1.txt").unlink()
        del expected[f"{number - 2}-1.txt"]


def versions(place: Place) -> dict[str, str]:
    texts = place.clients("texts")
    return {name: texts.version(path) for name, path in texts.files(place.uploads).items()}


@contextmanager
def limited(place: Place, share: float, sizes: list[int]) -> Iterator[str]:
    """No file may be longer than a share of the longest one."""
    assert place.store.is_dir()
    size = int(max(sizes) * share)
    yield f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))\n"


@contextmanager
def small_disk(place: Place, share: float, sizes: list[int]) -> Iterator[str]:
    """The volume has room for a share of what is written, to the page; none is left for a new CURRENT."""
    pages = int(sum(map(pages_of, sizes)) * share + 0.99)
    pages += sum(pages_of(path.stat().st_size) for path in place.store.rglob("*") if path.is_file())
    place.store.rename(place.root / "before")
    place.store.mkdir()
    option = f"size={pages * 4096}"
    if subprocess.run(["mount", "-t", "tmpfs", "-o", option, "x", str(place.store)], check=False).returncode:
        pytest.skip("mounts nothing here")
    try:
        subprocess.run(["cp", "-a", f"{place.root}/before/.", str(place.store)], check=True)
        yield ""
    finally:
        place.clients("faiss_worker")._opened.clear()
        subprocess.run(["cp", "-a", f"{place.store}/.", f"{place.root}/after"], check=True)
        subprocess.run(["umount", "--lazy", str(place.store)], check=True)
        place.store.rmdir()
        (place.root / "after").rename(place.store)


def pages_of(size: int) -> int:
    return -(-size // 4096)


Disk = Callable[[Place, float, list[int]], AbstractContextManager[str]]


@pytest.mark.parametrize("disk", [limited, small_disk])
@pytest.mark.parametrize("share", [0.001, 0.05, 0.5, 0.9999])
def test_a_full_disk_leaves_what_was_there(place: Place, disk: Disk, share: float) -> None:
    """Full amid the texts, amid the vectors, and for the last bytes of these: faiss itself says nothing then."""
    texts = fill(place, 12) | {"old.txt": "old words"}
    place.put("old.txt", "old words")
    place.build_all()
    sizes = list(place.current()["sizes"].values())
    for name in texts.keys() - {"old.txt"}:
        (place.uploads / name).unlink()
    place.build_all()
    before = (place.store / "CURRENT").read_bytes()
    fill(place, 12)
    with disk(place, share, sizes) as prelude:
        done = place.run(BUILD + prelude + "try:\n    build()\nexcept Exception as error:\n    print(repr(error))")
        assert done.returncode == 0, done.stderr
        assert done.stdout
        assert place.leftovers() == []
        assert (place.store / "CURRENT").read_bytes() == before
        assert contents(place) == {"old.txt": "old words"}
        assert place.search("old") == ["old.txt"]
    assert place.build_all() == 1
    assert contents(place) == texts


READ_ONLY = """
import os
from clients import faiss_worker
faiss_worker.Words().embed(["loaded"])
if os.getuid() == 0:
    os.setgid(10002), os.setuid(10002)
faiss_worker.check()
try:
    open(os.environ["VECTOR_STORE_DIR"] + "/x", "w")
except OSError as error:
    print(error.strerror)
print([hit.source for hit in faiss_worker.search("old")], list(faiss_worker.versions()))
"""


@pytest.mark.parametrize("mount", [False, True], ids=["permissions", "mount"])
def test_readers_need_no_right_to_write(place: Place, mount: bool) -> None:
    place.put("old.txt", "old words")
    place.build_all()
    store, command = str(place.store), [sys.executable, "-c", READ_ONLY]
    if mount:
        script = f'mount --bind {store} {store} && mount -o remount,ro,bind {store} || exit 77; exec "$@"'
        command = ["unshare", "--mount", "sh", "-c", script, "sh", *command]
    else:
        place.store.chmod(0o555)
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    place.store.chmod(0o755)
    if mount and (done.returncode == 77 or os.getuid()):
        pytest.skip("mounts nothing here")
    assert done.returncode == 0, done.stderr
    said = "Read-only file system" if mount else "Permission denied"
    assert done.stdout == f"{said}\n['old.txt'] ['old.txt']\n"
    assert Path(store).is_dir()
