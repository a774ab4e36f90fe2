"""Archives that would write outside of a volume, or that two readers could take differently: they are refused."""

from __future__ import annotations

import tarfile

import pytest

from ops.sets.archive import Content, Hostile
from tests.unit.ops.archives import built, entry, folder, hardlink, pax, refused, symlink, walk

HOSTILE = {
    "absolute": [entry("/etc/passwd", size=3)],
    "absolute folder": [folder("/")],
    "parent": [entry("../x")],
    "parent inside": [entry("a/../../x")],
    "parent that stays inside": [entry("a/../x")],
    "parent as a folder": [folder("a/..")],
    "through a symlink": [symlink("a", "/etc"), entry("a/passwd")],
    "through a symlink, written otherwise": [symlink("./a/", "/etc"), entry(".//a/./passwd")],
    "through a symlink far above": [symlink("a", "b"), folder("a/b/c/d")],
    "through a symlink below": [folder("a"), symlink("a/b", ".."), entry("a/b/c")],
    "through a symlink, later": [folder("a"), entry("a/x"), symlink("a", "/etc"), entry("a/x")],
    "through a chain": [symlink("a", "b"), symlink("b", "/etc"), entry("b/c")],
    "in place of a symlink": [symlink("a", "/etc/passwd"), entry("a", size=9)],
    "folder in place of a symlink": [symlink("a", "/etc"), folder("a")],
    "symlink twice": [symlink("a", "b"), symlink("a", "/etc")],
    "hard link in place of a symlink": [entry("b"), symlink("a", "/etc"), hardlink("a", "b")],
    "symlink behind a symlink": [symlink("a", "/etc"), symlink("a/b", "c")],
    "fifo behind a symlink": [symlink("a", "/etc"), entry("a/b", tarfile.FIFOTYPE)],
    "symlink as the volume": [symlink(".", "/etc")],
    "file as the volume": [entry("./")],
    "fifo as the volume": [entry(".", tarfile.FIFOTYPE)],
    "hard link as the volume": [symlink("a", "/"), hardlink(".", "a")],
    "hard link, absolute": [hardlink("a", "/etc/shadow")],
    "hard link, parent": [hardlink("a", "../shadow")],
    "hard link, parent inside": [hardlink("a", "b/../../shadow")],
    "hard link through a symlink": [symlink("a", "/etc"), hardlink("b", "a/shadow")],
    "through a hard link to a symlink": [symlink("a", "/etc"), hardlink("b", "a"), entry("b/shadow")],
    "in place of a hard link to a symlink": [symlink("a", "/etc/x"), hardlink("b", "a"), entry("b", size=1)],
    "character device": [entry("a", tarfile.CHRTYPE)],
    "block device": [entry("a", tarfile.BLKTYPE)],
    "contiguous": [entry("a", tarfile.CONTTYPE)],
    "unknown kind": [entry("a", b"Z")],
    "old sparse": [entry("a", tarfile.GNUTYPE_SPARSE)],
    "multi-volume": [entry("a", b"M")],
    "folder list": [entry("a", b"D")],
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile(members: list[tarfile.TarInfo]) -> None:
    assert refused(built(folder("."), *members))


def test_allowed() -> None:
    everything = [
        folder("."),
        folder("./a"),
        entry("./a/...", size=5),
        entry("./..a", size=7),
        symlink("./out", "/etc/passwd"),
        symlink("./up", "../../.."),
        symlink("./self", "self"),
        hardlink("./again", "./a/..."),
        hardlink("./link-again", "./out"),
        entry("./outside", size=1),
        entry("./fifo", tarfile.FIFOTYPE),
    ]
    for format in (tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT):
        assert walk(built(*everything, format=format)) == Content(11, 13)


@pytest.mark.parametrize(
    "member",
    [
        pax("a", path="/etc/passwd"),
        pax("a", path="../x"),
        pax("a", path=""),
        pax("a", path="a\0b"),
        pax("a", path="a/"),
        pax("a", size="-1"),
        pax("a", size="1e3"),
        pax("a", size="9" * 30),
        pax("a", GNU__dumpdir="Yfile"),
        pax("a", GNU__volume__label="x"),
        pax("a", GNU__sparse__map="0,1"),
        pax("a", GNU__sparse__name="../x"),
        pax("a", GNU__sparse__name="/etc/passwd", GNU__sparse__major="1", GNU__sparse__minor="0"),
        pax("a", GNU__sparse__major="1", GNU__sparse__minor="1", GNU__sparse__name="a", GNU__sparse__realsize="1"),
        pax("a", path="b" * (9 << 20)),
    ],
)
def test_hostile_extended_headers(member: tarfile.TarInfo) -> None:
    assert refused(built(member))


def extended(data: bytes, kind: bytes = b"x", name: str = "a") -> bytes:
    """Build a member by hand, behind an extended header of any content."""
    header = entry("header", kind, size=len(data)).tobuf(tarfile.USTAR_FORMAT)
    return header + data + bytes(-len(data) % 512) + entry(name).tobuf(tarfile.USTAR_FORMAT) + bytes(1024)


@pytest.mark.parametrize(
    "data",
    [
        b"9 path=b",
        b"9 path=b\n9 path=c\n",
        b"99 path=b\n",
        b"8 path=b\n",
        b"path=b\n",
        b"0 path=b\n",
        b"-9 path=b\n",
        b"+9 path=b\n",
        b"8 pathbb\n",
        b"5 =b\n",
        b"9 path=b\n\n",
        b"9 path=b\n\0\0\0\0",
    ],
)
def test_malformed_extended_header(data: bytes) -> None:
    assert refused(extended(data))


def test_extended_headers_that_two_readers_could_take_differently() -> None:
    both = entry("header", b"x", size=9).tobuf(tarfile.USTAR_FORMAT) + b"9 path=b\n".ljust(512, b"\0")
    assert "twice" in refused(both + extended(b"9 path=c\n"))
    assert "twice" in refused(both + extended(b"c\0", b"L"))
    assert refused(extended(b"9 path=b\n", b"g"))
    assert refused(extended(b"10 size=5\n", b"g"))
    assert walk(extended(b"13 comment=b\n", b"g")) == Content(1, 0)


def test_content_where_none_belongs() -> None:
    for kind in (tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE):
        header = entry("a", kind, "b", 512).tobuf(tarfile.USTAR_FORMAT)
        assert "content" in refused(header + bytes(512) + bytes(1024))


def test_names_are_shown_safely() -> None:
    with pytest.raises(Hostile) as caught:
        walk(built(entry("/\x1b[2J\n\udcff")))
    assert caught.value.problem.what == "the archive holds `/\\x1b[2J\\n\\udcff`"
