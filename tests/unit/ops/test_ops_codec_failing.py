"""Writing a file of a backup set fails: nothing of it is left, and what was there stays."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest

from ops.errors import UNABLE
from ops.sets import codec
from tests.unit.ops.codecs import CODECS, NOISE, Endless, children, failure, read, scripted
from tests.unit.ops.helpers import OPS

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.mark.usefixtures("zstd")
def test_no_zstd_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    codec.encode(io.BytesIO(b"x"), tmp_path / "item", "zstd")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert codec.available() == "gzip"
    for work in (
        lambda: read(tmp_path / "item", "zstd"),
        lambda: codec.encode(io.BytesIO(b"x"), tmp_path / "new", "zstd"),
        lambda: codec.encode(io.BytesIO(b"x"), tmp_path / "new", "gzip", ["age", "-r", "x"]),
    ):
        error = failure(work)
        assert error.problem.cause == "missing-tool"
        assert "install" in error.problem.fix
        assert not (tmp_path / "new").exists()


def test_existing_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "item"
    path.write_text("precious")
    with pytest.raises(FileExistsError):
        codec.encode(io.BytesIO(b"new"), path, "zstd")
    assert path.read_text() == "precious"


class Failing(io.RawIOBase):
    """Gives some content, then raises."""

    def __init__(self, error: BaseException, after: int) -> None:
        self.error = error
        self.left = after

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self.left <= 0:
            raise self.error
        self.left -= len(buffer)
        return len(buffer)


@pytest.mark.parametrize("how", CODECS, indirect=True)
@pytest.mark.parametrize("error", [ValueError("source"), KeyboardInterrupt(), OSError(5, "source")])
@pytest.mark.parametrize("after", [0, 30_000_000])
def test_source_fails(tmp_path: Path, how: str, error: BaseException, after: int) -> None:
    with pytest.raises(type(error)) as caught:
        codec.encode(Failing(error, after), tmp_path / "item", how)  # type: ignore[arg-type]
    assert caught.value is error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("zstd")
@pytest.mark.parametrize("victim", [0, 1])
def test_program_is_killed(tmp_path: Path, victim: int) -> None:
    before = children()

    def kill(given: int) -> None:
        if given > 20_000_000:
            started = [int(each) for each in children() if each not in before]
            os.kill(sorted(started)[victim], signal.SIGKILL)

    source: IO[bytes] = Endless(kill)  # type: ignore[assignment]
    error = failure(lambda: codec.encode(source, tmp_path / "item", "zstd", ["cat"]))
    assert error.code == UNABLE
    assert error.problem.why == f"`{['zstd', 'cat'][victim]}` was killed by signal 9"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("exit 3", "`filter` ended with exit code 3"),
        ("echo no recipient >&2; exit 1", "no recipient"),
        ("cat; exit 4", "`filter` ended with exit code 4"),
        ("head -c 10", "`filter` ended before it had read everything"),
        ("yes complaint | head -c 1000000 >&2; cat; exit 1", "complaint"),
    ],
)
@pytest.mark.parametrize("how", CODECS, indirect=True)
def test_filter_fails(tmp_path: Path, how: str, script: str, why: str) -> None:
    scripted(tmp_path / "bin", "filter", script)
    work = tmp_path / "work"
    work.mkdir()
    # One that would read all gets what has an end.
    source = io.BytesIO(NOISE) if "cat" in script else Endless()
    error = failure(lambda: codec.encode(source, work / "item", how, [str(tmp_path / "bin" / "filter")]))  # type: ignore[arg-type]
    assert (error.problem.why, error.code) == (why, UNABLE)
    assert list(work.iterdir()) == []


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("head -c 1000", "`zstd` ended before it had read everything"),
        ("cat; exit 4", "`zstd` ended with exit code 4"),
        ("exec 0</dev/null; echo x", "`zstd` ended before it had read everything"),
    ],
)
def test_who_reads_the_file_itself_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, why: str
) -> None:
    scripted(tmp_path / "bin", "zstd", script)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    work = tmp_path / "work"
    work.mkdir()
    lying = tmp_path / "lying"
    lying.write_bytes(NOISE)
    with lying.open("rb") as source:
        error = failure(lambda: codec.encode(source, work / "item", "zstd", lying=[lying]))
    assert (error.problem.why, error.code) == (why, UNABLE)
    assert list(work.iterdir()) == []


@pytest.mark.usefixtures("zstd")
def test_one_of_several_files_cannot_be_read(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    there = tmp_path / "there"
    there.write_bytes(NOISE)
    error = failure(lambda: codec.encode(io.BytesIO(NOISE), work / "item", "zstd", lying=[there, tmp_path / "gone"]))
    assert "No such file" in error.problem.why
    assert list(work.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system, which needs root")
@pytest.mark.parametrize("how", CODECS, indirect=True)
def test_full_disk(tmp_path: Path, how: str) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "st-codec", str(small)], check=True)
    try:
        with pytest.raises(OSError, match="No space left"):
            codec.encode(Endless(), small / "item", how)  # type: ignore[arg-type]
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_interrupted_by_a_signal(tmp_path: Path) -> None:
    """As Ctrl-C does it, but to us alone: in a system call that waits for a program that does not go on."""
    scripted(tmp_path / "bin", "stuck", "exec sleep 60")
    script = f"""
import sys
sys.path.insert(0, {str(OPS.parent)!r}); sys.dont_write_bytecode = True
from pathlib import Path
from ops.sets import codec
print("ready", flush=True)
with open("/dev/zero", "rb") as source:
    codec.encode(source, Path({str(tmp_path / "item")!r}), "none", [{str(tmp_path / "bin" / "stuck")!r}])
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(1)
        assert (tmp_path / "item").exists()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert said.strip().endswith(b"KeyboardInterrupt")
    assert not (tmp_path / "item").exists()
