"""A volume that is written in generations: what readers see, and what stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.pipeline.helpers import Place


def publish(place: Place, text: str) -> str:
    generations = place.clients("generations")
    work: Path = generations.begin(place.weights)
    (work / "deep" / "er").mkdir(parents=True)
    (work / "deep" / "er" / "a.txt").write_text(text)
    (work / "b.txt").write_text(text)
    name: str = generations.publish(place.weights, work, {"made": "now"})
    generations.sweep(place.weights)
    return name


def test_all_of_a_folder_is_published_and_readable_by_everybody(place: Place) -> None:
    name = publish(place, "one")
    said = place.current(place.weights)
    assert said == {"generation": name, "made": "now", "sizes": {"deep/er/a.txt": 3, "b.txt": 3}}
    modes = {path.stat().st_mode & 0o777 for path in (place.weights / name).rglob("*") if path.is_file()}
    assert modes == {0o644}
    folders = [place.weights / name, *(path for path in (place.weights / name).rglob("*") if path.is_dir())]
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o755}
    assert (place.weights / "CURRENT").stat().st_mode & 0o777 == 0o644
    assert place.leftovers(place.weights) == []


def test_the_newest_stay(place: Place) -> None:
    names = [publish(place, str(number)) for number in range(6)]
    assert place.generations(place.weights) == [3, 4, 5]
    assert place.current(place.weights)["generation"] == names[-1]


def test_what_a_reader_holds_stays_until_it_lets_go(place: Place) -> None:
    generations = place.clients("generations")
    publish(place, "held")
    with generations.held(place.weights) as now:
        for number in range(5):
            publish(place, str(number))
        assert (place.weights / now.generation / "b.txt").read_text() == "held"
        assert place.generations(place.weights) == [0, 3, 4, 5]
    publish(place, "after")
    assert place.generations(place.weights) == [4, 5, 6]


@pytest.mark.parametrize("locked", [False, True])
def test_a_generation_that_goes_before_it_is_opened_is_read_again(
    place: Place, monkeypatch: pytest.MonkeyPatch, locked: bool
) -> None:
    generations = place.clients("generations")
    publish(place, "old")
    real = generations._locked

    def late(folder: Path, how: int) -> Any:
        monkeypatch.setattr(generations, "_locked", real)
        opened = real(folder, how) if locked else None
        # Its lock is too late when the folder was opened and then removed.
        for number in range(5):
            publish(place, str(number))
        assert folder.exists() == locked
        return opened if locked else real(folder, how)

    monkeypatch.setattr(generations, "_locked", late)
    with generations.held(place.weights) as now:
        assert now.generation == ("generation-00000000" if locked else "generation-00000005")
        assert (place.weights / now.generation / "b.txt").read_text() == ("old" if locked else "4")


def test_nothing_and_damage_are_told_apart(place: Place) -> None:
    generations = place.clients("generations")
    with pytest.raises(generations.Missing), generations.held(place.weights):
        pass
    name = publish(place, "whole")
    (place.weights / name / "b.txt").write_text("cut short or grown")
    with pytest.raises(generations.Damaged, match="not as long"), generations.held(place.weights):
        pass
    (place.weights / name / "b.txt").unlink()
    with pytest.raises(generations.Damaged, match="is not there"), generations.held(place.weights):
        pass
    for content in (
        b"",
        b"[]",
        b"{}",
        b'{"generation": "../x", "sizes": {}}',
        b'{"generation": 1, "sizes": {}}',
        b"\xff",
    ):
        (place.weights / "CURRENT").write_bytes(content)
        with pytest.raises(generations.Damaged), generations.held(place.weights):
            pass


def test_links_are_no_part_of_a_generation(place: Place) -> None:
    generations = place.clients("generations")
    publish(place, "before")
    for target in ("/etc", "/etc/passwd"):
        work = generations.begin(place.weights)
        (work / "link").symlink_to(target)
        with pytest.raises(OSError, match="no ordinary file"):
            generations.publish(place.weights, work, {})
    generations.sweep(place.weights)
    assert place.generations(place.weights) == [0]
    assert place.leftovers(place.weights) == []
    assert Path("/etc/passwd").exists()
