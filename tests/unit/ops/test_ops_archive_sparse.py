"""Sparse files in archives: their holes come back where they were, and maps that make no sense are refused."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.unit.ops.archives import entry, read, refused


def sparse(pieces: list[tuple[int, int]], real: int, extra: dict[str, str] | None = None, lines: str = "") -> bytes:
    """Build a sparse file as GNU tar does."""
    text = lines or "".join(f"{each}\n" for each in [len(pieces), *(n for pair in pieces for n in pair)])
    body = text.encode().ljust(-(-len(text) // 512) * 512, b"\0") + b"x" * sum(size for _, size in pieces)
    made = entry("GNUSparseFile.1/a", size=len(body))
    made.pax_headers = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.name": "a",
        "GNU.sparse.realsize": str(real),
        **{key: value.format(len(body)) for key, value in (extra or {}).items()},
    }
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(made, io.BytesIO(body))
        tar.addfile(entry("after", size=3), io.BytesIO(b"abc"))
    return file.getvalue()


def test_sparse_file_with_more_than_eight_gib_of_data(tmp_path: Path) -> None:
    """Then its size stands in the extended header: the same bytes, where Python loses its place."""
    data = sparse([(512, 1024), (4096, 0)], 4096, {"size": "{}"})
    expected = {"a": bytes(512) + b"x" * 1024 + bytes(2560), "after": b"abc"}
    assert read(data) == expected
    (tmp_path / "a.tar").write_bytes(data)
    subprocess.run(["tar", "-x", "-f", "a.tar"], cwd=tmp_path, check=True)
    assert {name: (tmp_path / name).read_bytes() for name in expected} == expected


def test_long_sparse_map(tmp_path: Path) -> None:
    pieces = [*((n * 8192, 512) for n in range(5000)), (5000 * 8192, 0)]
    data = sparse(pieces, 5000 * 8192)
    found = read(data)["a"]
    assert found == (b"x" * 512 + bytes(7680)) * 5000
    (tmp_path / "a.tar").write_bytes(data)
    subprocess.run(["tar", "-x", "-f", "a.tar"], cwd=tmp_path, check=True)
    assert (tmp_path / "a").read_bytes() == found


@pytest.mark.parametrize("count", range(75, 95))
def test_sparse_maps_around_a_block(count: int) -> None:
    """The map may end where a block does; the content begins behind it all the same."""
    pieces = [(n * 10, 1) for n in range(count)]
    assert read(sparse(pieces, count * 10 - 9)) == {"a": ((b"x" + bytes(9)) * count)[:-9], "after": b"abc"}


@pytest.mark.parametrize(
    "data",
    [
        sparse([(0, 512), (256, 512)], 4096),
        sparse([(1024, 512), (0, 512)], 4096),
        sparse([(4000, 512)], 4096),
        sparse([(0, 512)], 4096),
        sparse([(0, 512)], 512, lines="1\n0\n1024\n"),
        sparse([(0, 512)], 512, lines="1\n0\n100\n"),
        sparse([(0, 512)], 512, lines="2\n0\n512\n"),
        sparse([(0, 512)], 512, lines="1\n-5\n512\n"),
        sparse([(0, 512)], 512, lines="1\n0\n" + "5" * 400 + "\n"),
        sparse([(0, 512)], 512, lines="9999999999999\n" + "0\n" * 200),
        sparse([(0, 512)], 512, lines="x\n0\n512\n"),
        sparse([(0, 512)], 512, {"GNU.sparse.realsize": "x"}),
        sparse([(0, 512)], 512, {"GNU.sparse.realsize": "-1"}),
        sparse([(0, 512)], 512, {"GNU.sparse.name": "../a"}),
        sparse([(0, 512)], 512, {"GNU.sparse.minor": "1"}),
    ],
)
def test_hostile_sparse_maps(data: bytes) -> None:
    assert refused(data)
