"""Archives of any members, also such as no program writes, and what reading one comes to."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path
from typing import IO

import pytest

from ops.errors import REFUSED, UNABLE, OpsError
from ops.sets import archive
from ops.sets.archive import Content, Hostile
from ops.volumes.helper import LOSSLESS

# As `ops.volumes.helper` calls it.
GNU_TAR = ["tar", "--create", "--format=posix", "--sparse", *LOSSLESS]


def packed(folder: Path) -> bytes:
    return subprocess.run([*GNU_TAR, "-C", folder, "-f", "-", "."], check=True, capture_output=True).stdout


def built(*members: tarfile.TarInfo, format: int = tarfile.PAX_FORMAT) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=format) as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(b"x" * member.size))
    return file.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, link, size
    return made


def symlink(name: str, to: str) -> tarfile.TarInfo:
    return entry(name, tarfile.SYMTYPE, to)


def hardlink(name: str, to: str) -> tarfile.TarInfo:
    return entry(name, tarfile.LNKTYPE, to)


def folder(name: str) -> tarfile.TarInfo:
    return entry(name, tarfile.DIRTYPE)


def walk(data: bytes) -> Content:
    return archive.walk(io.BytesIO(data))


def read(data: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}

    def keep(name: str, info: tarfile.TarInfo, stream: IO[bytes]) -> None:
        found[name] = stream.read()
        assert info.size == len(found[name])

    archive.walk(io.BytesIO(data), keep)
    return found


def refused(data: bytes) -> str:
    with pytest.raises(Hostile) as caught:
        walk(data)
    assert (caught.value.problem.cause, caught.value.code) == ("hostile", REFUSED)
    return caught.value.problem.why


def damaged(data: bytes) -> str:
    with pytest.raises(OpsError) as caught:
        walk(data)
    assert (caught.value.problem.cause, caught.value.code) == ("damaged", UNABLE)
    return caught.value.problem.why


def pax(name: str, **headers: str) -> tarfile.TarInfo:
    made = entry(name)
    made.pax_headers = {key.replace("__", "."): value for key, value in headers.items()}
    return made
