"""Files of a backup set that are cut, spoiled or gone, and readers that do not read to the end."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest

from ops.errors import UNABLE
from ops.sets import codec
from tests.unit.ops.codecs import NOISE, PACKED, SAMPLES, failure, read

pytestmark = pytest.mark.usefixtures("nothing_left")


@pytest.mark.parametrize("how", PACKED, indirect=True)
@pytest.mark.parametrize("cut", [0, 1, 9, 1000, -9, -1])
def test_truncated(tmp_path: Path, how: str, cut: int) -> None:
    path = tmp_path / "item"
    codec.encode(io.BytesIO(NOISE), path, how)
    path.write_bytes(path.read_bytes()[:cut])
    error = failure(lambda: read(path, how))
    assert (error.problem.cause, error.code) == ("damaged", UNABLE)
    assert str(path) in error.problem.what


@pytest.mark.parametrize("how", PACKED, indirect=True)
def test_bit_flips(tmp_path: Path, how: str) -> None:
    path = tmp_path / "item"
    content = SAMPLES[2]
    codec.encode(io.BytesIO(content), path, how)
    whole = path.read_bytes()
    for at in random.Random(1).sample(range(20, len(whole)), 8):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 16]) + whole[at + 1 :])
        assert failure(lambda: read(path, how)).problem.cause == "damaged"


@pytest.mark.parametrize("how", PACKED, indirect=True)
@pytest.mark.parametrize("tail", [b"junk", bytes(5), bytes(3_000_000)], ids=["junk", "zeros", "many"])
def test_trailing_garbage(tmp_path: Path, how: str, tail: bytes) -> None:
    path = tmp_path / "item"
    codec.encode(io.BytesIO(NOISE), path, how)
    with path.open("ab") as file:
        file.write(tail)
    assert failure(lambda: read(path, how)).problem.cause == "damaged"


def test_missing_file(tmp_path: Path) -> None:
    assert failure(lambda: read(tmp_path / "item", "zstd")).problem.cause == "damaged"


@pytest.mark.parametrize("how", PACKED, indirect=True)
def test_reader_stops_early(tmp_path: Path, how: str) -> None:
    path = tmp_path / "item"
    codec.encode(io.BytesIO(bytes(50_000_000)), path, how)
    with codec.decoded(path, how) as stream:
        assert stream.read(10) == bytes(10)
    with pytest.raises(KeyError), codec.decoded(path, how) as stream:
        raise KeyError
    with codec.decoded(path, how) as stream:
        stream.close()


@pytest.mark.usefixtures("zstd")
def test_reader_that_fails_because_of_damage_hears_of_the_damage(tmp_path: Path) -> None:
    path = tmp_path / "item"
    codec.encode(io.BytesIO(NOISE), path, "zstd")
    path.write_bytes(path.read_bytes()[:1_000_000])

    def work() -> None:
        with codec.decoded(path, "zstd") as stream:
            if len(stream.read()) != len(NOISE):
                raise ValueError("short")

    error = failure(work)
    assert error.problem.cause == "damaged"
    assert isinstance(error.__cause__, ValueError)
