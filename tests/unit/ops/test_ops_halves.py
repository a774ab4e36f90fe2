"""Two tars at once: what they wrote reads as the archive of one, or they say that it is not whole. Real tars."""

from __future__ import annotations

import os
import subprocess
import tarfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest


class Here:
    """A helper whose container is this machine; the scratch folder is at one path only."""

    def __init__(self, root: Path, scratch: Path) -> None:
        self.root, self.scratch = root, scratch

    def tar(self, _volume: str, *more: str, members: tuple[str, ...] = (".",)) -> list[str]:
        from ops.volumes.helper import LOSSLESS, PLAIN_TIMES, RECORDS

        how = [RECORDS, "--format=posix", "--sparse", PLAIN_TIMES, *LOSSLESS]
        return ["tar", "--create", *how, *more, "--exclude=./lost+found", "-C", str(self.root), *members]

    def run(self, *arguments: str, patience: int = 60) -> Any:
        from ops.docker import Answer

        done = subprocess.run(arguments, capture_output=True, text=True, timeout=patience, check=False)
        return Answer(done.returncode, done.stdout, done.stderr)


def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, half: tuple[str, ...]) -> Any:
    from ops.volumes import scratch

    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(scratch, "MOUNT", str(folder))
    return scratch.Scratch(Here(tmp_path / "root", folder), folder, {"vol": half})  # type: ignore[arg-type]


def fill(root: Path) -> None:
    for name in ("a", "ab", "b", "c"):
        (root / name).mkdir(parents=True)
        for number in range(30):
            (root / name / f"{number}.json").write_bytes(os.urandom(number * 97))
    # What ends in zeros must not be taken for the end.
    (root / "zeros").write_bytes(bytes(700_000))
    (root / "c" / "zeros").write_bytes(bytes(700_000))
    (root / ("long" * 50)).touch()
    (root / "lost+found").mkdir()
    (root / "link").symlink_to("a")
    os.link(root / "a" / "5.json", root / "a" / "again")


def test_they_read_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ops.sets import archive

    root = tmp_path / "root"
    fill(root)
    spare = scratch(tmp_path, monkeypatch, ("a", "c"))
    assert spare.archive_halves("vol", 60)
    names: list[str] = []
    with closing(spare.open("vol")) as stream:
        apart = b"".join(iter(lambda: stream.read(10_007), b""))
        end = stream.seek(0, os.SEEK_END)
        for at in (0, 5, 700_000, end // 2, end - 7, end):
            assert stream.seek(at) == at
            assert stream.read(1000) in apart[at : at + 1000] or not apart[at:]
        stream.seek(0)
        archive.walk(stream, on_member=lambda name, _: names.append(name))
    with closing(spare.join("vol")) as stream:
        assert stream.read() == apart
    assert not spare.in_two("vol")
    there = {str(path.relative_to(root)) for path in root.rglob("*") if path.name != "lost+found"} | {""}
    assert sorted(names) == sorted(there - {"."} | {""})
    plain = spare.path("vol")
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["tar", "-xf", plain, "-C", out], check=True)
    subprocess.run(["diff", "-r", "--exclude=lost+found", root, out], check=True)
    assert (out / "a" / "5.json").samefile(out / "a" / "again")
    with tarfile.open(plain) as read:
        assert read.getnames()[0] == ".", "the root comes first, as with one tar"
    spare.drop("vol")
    assert list(spare.folder.iterdir()) == []


@pytest.mark.parametrize("what", ["a link over the cut", "a folder gone"])
def test_what_two_cannot_tell_is_left_to_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    root = tmp_path / "root"
    fill(root)
    if what == "a folder gone":
        half = ("a", "gone")
    else:
        half = ("a", "c")
        os.link(root / "a" / "7.json", root / "b" / "of a")
    spare = scratch(tmp_path, monkeypatch, half)
    assert not spare.archive_halves("vol", 60)
    assert list(spare.folder.iterdir()) == [], "nothing is left of it"


def test_a_cut_file_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ops.errors import OpsError

    fill(tmp_path / "root")
    spare = scratch(tmp_path, monkeypatch, ("a",))
    run = spare.at.run

    def cut(*arguments: str, patience: int) -> Any:
        said = run(*arguments, patience=patience)
        os.truncate(spare.path("vol"), 100_000)
        return said

    monkeypatch.setattr(spare.at, "run", cut)
    with pytest.raises(OpsError, match="no end"):
        spare.archive_halves("vol", 60)
