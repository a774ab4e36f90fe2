"""Files get into the raw data whole, and over nothing that is there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.unit.pipeline.helpers import Place

# /import is a mount in a container; here it is a folder of the test.
RUN = """
import sys
from pathlib import Path
from managed import __main__ as ingest
ingest.IMPORT = Path(sys.argv.pop(1))
sys.exit(ingest.main())
"""
# As RUN, and dies before the n-th file gets its name.
DYING = """
import os, sys
from pathlib import Path
left, real = int(sys.argv.pop(1)), Path.replace
def dying(path, target):
    global left
    left -= 1
    return os._exit(9) if left < 0 else real(path, target)
Path.replace = dying
"""


@pytest.fixture
def folder(place: Place) -> Path:
    """A folder of the user's."""
    (place.root / "mine" / "sub").mkdir(parents=True)
    (place.root / "mine" / "a.csv").write_text("a")
    (place.root / "mine" / "sub" / "b.csv").write_text("b")
    (place.root / "mine" / ".DS_Store").write_text("hidden")
    return place.root / "mine"


def held(place: Place) -> dict[str, str]:
    return {
        path.relative_to(place.raw).as_posix(): path.read_text()
        for path in place.raw.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def take(place: Place, folder: Path, *arguments: str) -> tuple[int, str]:
    return place.run("ingest", str(folder), *arguments, code=RUN)


def test_the_example_goes_in_once_and_only_where_nothing_is(place: Place) -> None:
    code, said = place.run("ingest")
    assert code == 0
    assert "new=1" in said
    assert held(place)["iris.csv"].count("\n") == 151
    assert "nothing to do, raw data has 1 files" in place.run("ingest")[1]
    (place.raw / "iris.csv").write_text("mine")
    assert place.run("ingest")[0] == 0
    assert held(place) == {"iris.csv": "mine"}


def test_files_of_a_folder_go_in_beside_what_is_there(place: Place, folder: Path) -> None:
    place.run("ingest")
    code, said = take(place, folder)
    assert code == 0, said
    assert "new=2 replaced=0 same=0" in said
    assert set(held(place)) == {"iris.csv", "a.csv", "sub/b.csv"}
    assert "nothing to do" in take(place, folder)[1]
    code, said = place.run("ingest", "--list")
    assert [line.split() for line in said.splitlines()][:2] == [["1", "a.csv"], ["3870", "iris.csv"]]


def test_no_file_takes_the_place_of_another_unless_that_is_wanted(place: Place, folder: Path) -> None:
    take(place, folder)
    (folder / "a.csv").write_text("changed")
    (folder / "c.csv").write_text("c")
    code, said = take(place, folder)
    assert code == 2
    assert "other files of these names: a.csv" in said
    assert "--replace" in said
    assert held(place) == {"a.csv": "a", "sub/b.csv": "b"}, "none goes in when one may not"
    assert "new=1 replaced=1 same=1" in take(place, folder, "--replace")[1]
    assert held(place) == {"a.csv": "changed", "sub/b.csv": "b", "c.csv": "c"}


def test_killed_between_two_files_each_is_whole_and_the_next_run_ends_it(place: Place, folder: Path) -> None:
    (folder / "a.csv").write_text("a" * 100_000)
    for deaths in range(2):
        assert place.run("ingest", str(deaths), str(folder), code=DYING + RUN)[0] == 9
        assert list(place.raw.glob(".incoming-*"))
        assert set(held_whole(place)) == ({"a.csv"} if deaths else set())
    assert take(place, folder)[0] == 0
    assert held(place) == {"a.csv": "a" * 100_000, "sub/b.csv": "b"}
    assert not list(place.raw.glob(".incoming-*"))


def held_whole(place: Place) -> list[str]:
    """What readers take for data."""
    return [name for name in held(place) if not name.startswith(".")]


def test_what_is_no_ordinary_file_is_refused(place: Place, folder: Path) -> None:
    (folder / "link.csv").symlink_to("/etc/passwd")
    code, said = take(place, folder)
    assert code == 2
    assert "no ordinary file" in said
    assert held(place) == {}
    (folder / "link.csv").unlink()
    os.mkfifo(folder / "pipe")
    assert take(place, folder)[0] == 2


def test_removing_is_by_name_and_all_or_nothing(place: Place, folder: Path) -> None:
    take(place, folder)
    for wrong in ("absent.csv", "../weights", "sub", ".lock", "/etc/passwd"):
        code, said = place.run("ingest", "--remove", "a.csv", wrong)
        assert code == 2, said
    assert set(held(place)) == {"a.csv", "sub/b.csv"}
    assert place.run("ingest", "--remove", "a.csv", "sub/b.csv")[0] == 0
    assert held(place) == {}


@pytest.mark.skipif(os.getuid() != 0, reason="becomes another user")
def test_a_folder_that_may_not_be_read_is_named(place: Place, folder: Path) -> None:
    (folder / "a.csv").chmod(0o600)
    place.raw.chmod(0o777)
    another = "import os\ningest.start_log = lambda: (os.setgid(65534), os.setuid(65534))\nsys.exit("
    code, said = place.run("ingest", str(folder), code=RUN.replace("sys.exit(", another))
    assert code == 3, said
    assert "hint: let others read the files that you mount" in said
    assert not held_whole(place)
