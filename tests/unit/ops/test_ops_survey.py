"""One walk tells what a volume takes, and where two tars can share it. The walk is the real `find`."""

from __future__ import annotations

import io
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest


def survey(root: Path) -> Any:
    from ops.volumes import survey

    done = subprocess.run(survey.command(str(root)), capture_output=True, check=True)
    return survey.read(io.BytesIO(done.stdout))


def fill(root: Path, folders: dict[str, int]) -> None:
    for name, count in folders.items():
        (root / name / "below").mkdir(parents=True)
        for number in range(count - 2):
            (root / name / "below" / str(number)).touch()


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    from ops.volumes import survey

    monkeypatch.setattr(survey, "WORTH_CUTTING", 100)


def test_it_adds_up_what_du_does(tmp_path: Path) -> None:
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "file").write_bytes(os.urandom(100_000))
    (tmp_path / "odd\nname \\ %").write_bytes(b"x" * 9000)
    os.link(tmp_path / "some" / "file", tmp_path / "second")
    with (tmp_path / "hole").open("wb") as file:
        file.truncate(1 << 30)
    said = subprocess.run(["du", "-s", "--block-size=1", tmp_path], capture_output=True, text=True, check=True).stdout
    assert survey(tmp_path).bytes == int(said.split()[0])


@pytest.mark.skipif(os.geteuid() != 0, reason="makes a device")
def test_the_first_device_is_named(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    os.mknod(tmp_path / "dev" / "odd\nnull", 0o020600, os.makedev(1, 3))
    assert survey(tmp_path).device == "dev/odd\nnull"


def test_about_half_of_the_entries_is_chosen(tmp_path: Path) -> None:
    fill(tmp_path, {f"{number:04}": 20 for number in range(10)})
    half = survey(tmp_path).half
    assert 4 <= len(half) <= 6
    assert set(half) < {f"{number:04}" for number in range(10)}


@pytest.mark.parametrize(
    "folders",
    [
        {"few": 20, "more": 20},
        {"one": 400},
        {"most": 400, "rest": 20},
        {"-rf": 100, "*": 100, "a b": 100, "new\nline": 100, "back\\slash": 100, "é": 100},
    ],
    ids=["too few", "one folder", "one that holds most", "no plain name"],
)
def test_what_is_not_worth_it_or_not_plain_is_not_cut(tmp_path: Path, folders: dict[str, int]) -> None:
    fill(tmp_path, folders)
    assert survey(tmp_path).half == ()


def test_a_second_name_anywhere_keeps_it_whole(tmp_path: Path) -> None:
    fill(tmp_path, {"a": 100, "b": 100, "c": 100})
    assert survey(tmp_path).half
    os.link(tmp_path / "a" / "below" / "0", tmp_path / "b" / "second")
    assert survey(tmp_path).half == ()
