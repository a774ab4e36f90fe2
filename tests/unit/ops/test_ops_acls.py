"""An archive has ACLs among its attributes only; written again, `tar --acls` unpacks them. Real tars."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.programs import needed
from tests.unit.ops.archives import GNU_TAR, built, entry, packed, walk

NAME = "SCHILY.xattr.system.posix_acl_access"


def rewritten(data: bytes) -> bytes:
    from ops.sets.acls import rewritten as pieces

    return b"".join(pieces(io.BytesIO(data)))


def unpacked(data: bytes, root: Path) -> None:
    """Unpack as a helper does, on this machine."""
    from ops.volumes.helper import Helper

    class Here(Helper):
        def where(self, volume: str) -> str:
            return volume

    _, _, _, *tar = Here("", "", ()).extracting(str(root))
    assert "--acls" in tar
    subprocess.run(tar, input=data, check=True)


def looks(root: Path) -> str:
    """What `getfacl` and `getfattr` say of every entry, and what is in files."""
    shown = ["getfacl", "--numeric", "--recursive", "--physical", "."], ["getfattr", "-R", "-h", "-d", "-m", "-", "."]
    said = [
        subprocess.run([needed(each[0]), *each[1:]], cwd=root, check=True, capture_output=True).stdout for each in shown
    ]
    blocks = sorted(b"".join(said).split(b"\n\n"))
    files = sorted((str(path.relative_to(root)), path.read_bytes()) for path in root.rglob("*") if path.is_file())
    return f"{blocks}{files}"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "shared" / "deep").mkdir(parents=True)
    for name in ("plain", "for one", "shared/before", "shared/deep/before", "long" * 50):
        (root / name).write_text(name * 1000)
    with (root / "holes").open("wb") as file:
        file.seek(5 << 20)
        file.write(b"end")
    (root / "link").symlink_to("plain")
    os.link(root / "plain", root / "again")
    for how, name in (
        ("u:1234:rwx,g:77:r,m::r", "for one"),
        ("u:1234:-", "long" * 50),
        ("u:4294967294:x", "holes"),
        ("d:u:1000:rwx,u:1000:rx", "shared"),
        ("d:g:5:rw", "."),
    ):
        subprocess.run([needed("setfacl"), "-m", how, str(root / name)], check=True)
    os.setxattr(root / "for one", "user.note", b"with\nan end of a line")
    (root / "shared" / "after").write_text("inherits")
    return root


def test_what_has_one_gets_it_and_nothing_else_does(tree: Path, tmp_path: Path) -> None:
    data = packed(tree)
    assert b"SCHILY.acl" not in data
    assert walk(data).acls
    again = rewritten(data)
    assert walk(again) == replace(walk(data), acls=False)
    out = tmp_path / "out"
    out.mkdir()
    # What comes into this folder would inherit.
    subprocess.run([needed("setfacl"), "-m", "d:u:4321:rwx", str(out)], check=True)
    unpacked(again, out)
    assert looks(out) == looks(tree)
    assert (out / "plain").samefile(out / "again")
    assert (out / "holes").stat().st_blocks * 512 < 1 << 20


def test_without_acls_every_member_stays_what_it_is(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            subprocess.run([needed("setfacl"), "-b", "-k", str(path)], check=True)
    data = packed(tree)
    assert not walk(data).acls
    with tarfile.open(fileobj=io.BytesIO(data)) as one, tarfile.open(fileobj=io.BytesIO(rewritten(data))) as other:
        assert [each.get_info() for each in one] == [each.get_info() for each in other]


@pytest.mark.parametrize(
    "value",
    [
        b"",
        struct.pack("<I", 3) + struct.pack("<HHI", 1, 7, 0),
        struct.pack("<I", 2) + b"half",
        struct.pack("<I", 2) + struct.pack("<HHI", 3, 7, 0),
        struct.pack("<I", 2) + struct.pack("<HHI", 1, 8, 0),
    ],
)
def test_what_is_no_acl_is_refused(value: bytes) -> None:
    from ops.sets.header import Hostile

    member = entry("file")
    assert walk(built(member)).entries == 1
    member.pax_headers = {NAME: value.decode("utf-8", "surrogateescape")}
    # Before a volume is emptied for it.
    for look in (walk, rewritten):
        with pytest.raises(Hostile, match="file"):
            look(built(member))


def test_sets_of_format_1_have_them_twice_already(tree: Path) -> None:
    data = subprocess.run([*GNU_TAR, "--acls", "-C", tree, "-f", "-", "."], check=True, capture_output=True).stdout
    assert not walk(data).acls
    assert data.count(b"SCHILY.acl.access") >= data.count(b"posix_acl_access") > 0
