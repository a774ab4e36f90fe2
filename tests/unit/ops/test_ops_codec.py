"""Files of a backup set: what goes in comes out, with flat memory."""

from __future__ import annotations

import gzip
import hashlib
import io
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ops.sets import codec
from tests.support.programs import needed
from tests.unit.ops.codecs import CODECS, NOISE, PACKED, SAMPLES, failure, read
from tests.unit.ops.helpers import OPS, PEAK, PYTHONS, python_id

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.mark.parametrize("how", CODECS, indirect=True)
@pytest.mark.parametrize("content", SAMPLES, ids=["empty", "byte", "text", "noise"])
def test_comes_back(tmp_path: Path, how: str, content: bytes) -> None:
    path = tmp_path / "item"
    stored = codec.encode(io.BytesIO(content), path, how)
    assert (stored.plain_size, stored.plain_sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert (stored.size, stored.sha256) == codec.digest(path)
    assert (path.stat().st_size, path.stat().st_mode & 0o777) == (stored.size, 0o600)
    assert read(path, how) == content


@pytest.mark.parametrize("how", PACKED, indirect=True)
@pytest.mark.parametrize("content", SAMPLES, ids=["empty", "byte", "text", "noise"])
def test_who_compresses_may_read_a_file_itself(tmp_path: Path, how: str, content: bytes) -> None:
    lying = tmp_path / "lying"
    lying.write_bytes(content)
    with lying.open("rb") as source:
        stored = codec.encode(source, tmp_path / "item", how, lying=[lying])
    assert (stored.plain_size, stored.plain_sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert (stored.size, stored.sha256) == codec.digest(tmp_path / "item")
    assert read(tmp_path / "item", how) == content


@pytest.mark.parametrize("how", PACKED, indirect=True)
@pytest.mark.parametrize("content", SAMPLES, ids=["empty", "byte", "text", "noise"])
def test_several_files_are_one_stream(tmp_path: Path, how: str, content: bytes) -> None:
    # Names that a program could take for options, or for what is compressed already.
    lying = [tmp_path / "-first.gz", tmp_path / "second.zst", tmp_path / "third"]
    for number, each in enumerate(lying):
        each.write_bytes(content[number::3])
    whole = b"".join(each.read_bytes() for each in lying)
    stored = codec.encode(io.BytesIO(whole), tmp_path / "item", how, lying=lying)
    assert (stored.plain_size, stored.plain_sha256) == (len(content), hashlib.sha256(whole).hexdigest())
    assert (stored.size, stored.sha256) == codec.digest(tmp_path / "item")
    assert read(tmp_path / "item", how) == whole


class Reader:
    """Has nothing but `read`, and gives less than was asked for."""

    def __init__(self, content: bytes) -> None:
        self.rest = io.BytesIO(content)

    def read(self, size: int) -> bytes:
        return self.rest.read(min(size, 777))


@pytest.mark.usefixtures("zstd")
def test_source_without_buffers(tmp_path: Path) -> None:
    codec.encode(Reader(NOISE[:100_000]), tmp_path / "item", "zstd")  # type: ignore[arg-type]
    assert read(tmp_path / "item", "zstd") == NOISE[:100_000]


@pytest.mark.parametrize("how", PACKED, indirect=True)
def test_standard_programs_read_it(tmp_path: Path, how: str) -> None:
    codec.encode(io.BytesIO(NOISE), tmp_path / "item", how)
    with (tmp_path / "item").open("rb") as file:
        done = subprocess.run([how, "-d", "-c"], stdin=file, capture_output=True, check=True)
    assert done.stdout == NOISE


@pytest.mark.parametrize("tools", [["pigz"], []], ids=["pigz", "no pigz"])
def test_each_gzip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tools: list[str]) -> None:
    there = {name: str(needed(name)) for name in tools}
    monkeypatch.setattr(shutil, "which", there.get)
    assert codec.available() == "gzip"
    path = tmp_path / "item"
    codec.encode(io.BytesIO(NOISE), path, "gzip")
    assert gzip.decompress(path.read_bytes()) == NOISE
    assert read(path, "gzip") == NOISE


def test_options_of_pigz_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needed("pigz")
    monkeypatch.setenv("PIGZ", "--zip")
    codec.encode(io.BytesIO(NOISE), tmp_path / "item", "gzip")
    assert read(tmp_path / "item", "gzip") == NOISE


@pytest.mark.parametrize("how", CODECS, indirect=True)
def test_filter(tmp_path: Path, how: str) -> None:
    turn = ["tr", "\\000-\\377", "\\001-\\377\\000"]
    back = ["tr", "\\001-\\377\\000", "\\000-\\377"]
    stored = codec.encode(io.BytesIO(b"plain" * 1000), tmp_path / "item", how, turn)
    assert stored.plain_sha256 == hashlib.sha256(b"plain" * 1000).hexdigest()
    assert b"plain" not in (tmp_path / "item").read_bytes()
    assert read(tmp_path / "item", how, back) == b"plain" * 1000


@pytest.mark.usefixtures("zstd")
def test_age(tmp_path: Path) -> None:
    needed("age")
    keys = []
    for name in ("mine", "other"):
        made = subprocess.run([needed("age-keygen")], capture_output=True, text=True, check=True).stdout
        (tmp_path / name).write_text(made)
        keys.append(made.split("public key: ")[1].split("\n")[0])
    path = tmp_path / "item"
    codec.encode(io.BytesIO(NOISE), path, "zstd", ["age", "-r", keys[0]])
    assert read(path, "zstd", ["age", "-d", "-i", str(tmp_path / "mine")]) == NOISE
    error = failure(lambda: read(path, "zstd", ["age", "-d", "-i", str(tmp_path / "other")]))
    assert error.problem.cause == "missing-secret"
    assert "identity" in error.problem.why
    whole = bytearray(path.read_bytes())
    whole[-2000] ^= 4
    path.write_bytes(whole)
    error = failure(lambda: read(path, "zstd", ["age", "-d", "-i", str(tmp_path / "mine")]))
    assert error.problem.cause == "damaged"
    assert "age" in error.problem.why


@pytest.mark.parametrize("how", CODECS, indirect=True)
def test_memory_is_flat(tmp_path: Path, how: str) -> None:
    """In a process of its own: what counts is the peak."""
    script = f"""
import sys
sys.path.insert(0, {str(OPS.parent)!r}); sys.dont_write_bytecode = True
from pathlib import Path
from ops.sets import codec
path = Path({str(tmp_path / "item")!r})
{PEAK}
def after(size):
    with open({str(tmp_path / "plain")!r}, "wb") as file: file.truncate(size)
    with open({str(tmp_path / "plain")!r}, "rb") as file: codec.encode(file, path, {how!r})
    with codec.decoded(path, {how!r}) as stream:
        assert sum(map(len, codec.pieces(stream))) == size
    path.unlink()
    return peak()
small = after(20 << 20)
print(after(120 << 20) - small)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 8 << 10


@pytest.mark.usefixtures("zstd")
@pytest.mark.parametrize("python", PYTHONS, ids=python_id)
def test_each_python(tmp_path: Path, python: str) -> None:
    script = f"""
import sys, io
sys.path.insert(0, {str(OPS.parent)!r}); sys.dont_write_bytecode = True
from pathlib import Path
import shutil
from ops.errors import OpsError
from ops.sets import codec
shutil.which = lambda name: None
for how in {CODECS}:
    path = Path({str(tmp_path)!r}, how)
    codec.encode(io.BytesIO(b"text" * 500000), path, how, ["cat"])
    with codec.decoded(path, how, ["cat"]) as stream:
        assert stream.read() == b"text" * 500000
    if how != "none":
        path.write_bytes(path.read_bytes()[:-3])
        try:
            with codec.decoded(path, how) as stream:
                stream.read()
        except OpsError as error:
            print(error.problem.cause)
"""
    done = subprocess.run([python, "-c", script], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"damaged"}
