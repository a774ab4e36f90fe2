"""Old sets: what a policy keeps, compared with restic's own decisions, and what no policy may remove."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.support.programs import needed
from tests.unit.ops.forged_restic import Repository
from tests.unit.ops.helpers import OPS, PYTHONS, python_id

from ops.cli import parser  # isort: skip
from ops.errors import REFUSED, OpsError  # isort: skip
from ops.sets.retention import PERIODS, Dated, Decision, Policy, decide  # isort: skip

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)


def days(*ago: float, good: bool = True, marked: bool = False) -> list[Dated]:
    """Make sets that are so many days old, named by that."""
    return [Dated(f"{each:g}", NOW - timedelta(days=each), good, marked) for each in ago]


def kept(sets: list[Dated], policy: Policy) -> dict[str, list[str]]:
    return {each.id: each.reasons for each in decide(sets, policy, NOW) if each.keep}


@pytest.mark.parametrize(
    "policy",
    [
        Policy(),
        Policy(within="0d"),
        Policy(within="0y0h"),
        Policy(last=-2),
        Policy(last=5, weekly=-7),
        Policy(within="7"),
        Policy(within="d"),
        Policy(within="7d "),
        Policy(within="-7d"),
        Policy(within="7w"),
        Policy(within="7D"),
        Policy(within="1.5d"),
        Policy(within="٣d"),
        Policy(last=1, within="x"),
    ],
)
def test_refused(policy: Policy) -> None:
    for sets in ([], days(1, 2)):
        with pytest.raises(OpsError) as caught:
            decide(sets, policy, NOW)
        assert caught.value.code == REFUSED


@pytest.mark.parametrize(("said", "meant"), [("7", 7), ("0", 0), ("-1", -1), ("unlimited", -1)])
@pytest.mark.parametrize("period", PERIODS)
def test_how_many_to_keep(period: str, said: str, meant: int) -> None:
    options = parser(["forget"]).parse_args(["forget", f"--keep-{period}", said])
    assert {name: getattr(options, f"keep_{name}") for name in PERIODS} == {**dict.fromkeys(PERIODS, 0), period: meant}


@pytest.mark.parametrize("said", ["", "all", "Unlimited", "1.5", "7d"])
def test_what_is_no_number_of_sets(capsys: pytest.CaptureFixture[str], said: str) -> None:
    with pytest.raises(SystemExit) as caught:
        parser(["forget"]).parse_args(["forget", "--keep-daily", said])
    assert caught.value.code == REFUSED
    assert capsys.readouterr().err.endswith(f"argument --keep-daily: `{said}` is neither a number nor `unlimited`\n")


def test_nothing_to_decide() -> None:
    assert decide([], Policy(last=1), NOW) == []


def test_newest_first_with_all_reasons() -> None:
    assert decide(days(3, 0.1, 1), Policy(last=1, daily=2, within="2d"), NOW) == [
        Decision("0.1", True, ["last", "daily", "within 2d", "the last good set"]),
        Decision("1", True, ["daily", "within 2d"]),
        Decision("3", False, []),
    ]


def test_last_good_set_stays_whatever_the_policy() -> None:
    """Such as when it is the newest of a policy that counts no set of its kind."""
    for policy in (Policy(last=1), Policy(within="1h"), Policy(yearly=1)):
        assert "the last good set" in kept(days(400, 500), policy)["400"]


def test_broken_sets_take_no_place() -> None:
    sets = days(1, 2, 3, good=False) + days(4, 5, 6)
    assert kept(sets, Policy(last=2)) == {
        "1": ["no newer good set"],
        "2": ["no newer good set"],
        "3": ["no newer good set"],
        "4": ["last", "the last good set"],
        "5": ["last"],
    }


def test_broken_sets_behind_a_good_one() -> None:
    sets = days(0.5) + days(0.9, 1, 1.1, 30, good=False)
    assert kept(sets, Policy(last=10)) == {
        "0.5": ["last", "the last good set"],
        "0.9": ["less than a day old"],
        "1": ["less than a day old"],
    }


def test_only_broken_sets_all_stay() -> None:
    assert list(kept(days(1, 500, good=False), Policy(last=1))) == ["1", "500"]


def test_marked_sets_stay() -> None:
    sets = days(1, 2) + days(900, marked=True) + days(901, good=False, marked=True)
    assert kept(sets, Policy(last=1)) == {"1": ["last", "the last good set"], "900": ["marked"], "901": ["marked"]}


def test_marked_sets_take_places() -> None:
    """As tagged snapshots do in restic."""
    assert list(kept(days(1, marked=True) + days(2, 3), Policy(last=2))) == ["1", "2"]


def test_sets_of_the_future() -> None:
    """A clock that was wrong may not make tonight's backup the one to remove."""
    sets = days(-300, 1, 2)
    assert kept(sets, Policy(last=1)) == {"-300": ["last", "the last good set"], "1": ["the last good set"]}
    assert list(kept(sets, Policy(within="12h"))) == ["-300", "1"]
    assert list(kept(days(-300, -301), Policy(within="12h"))) == ["-301", "-300"]


def test_within_counts_from_the_newest_good_set() -> None:
    sets = days(100, 106, 108) + days(1, good=False)
    assert list(kept(sets, Policy(within="7d"))) == ["1", "100", "106"]


def test_times_in_other_zones_count_in_utc() -> None:
    east = timezone(timedelta(hours=10))
    sets = [
        Dated("late", datetime(2026, 1, 2, 9, 59, tzinfo=east), True, False),
        Dated("early", datetime(2026, 1, 1, 0, 1), True, False),
        Dated("before", datetime(2025, 12, 31, 23, 59), True, False),
        Dated("older", datetime(2025, 12, 30), True, False),
    ]
    assert list(kept(sets, Policy(daily=2))) == ["late", "before"]


def test_iso_weeks() -> None:
    """29 December 2025 and 4 January 2026 are in one week, the 28th is in another."""
    times = [datetime(2026, 1, 4), *(datetime(2025, 12, day) for day in (29, 28, 22)), datetime(2024, 12, 29)]
    sets = [Dated(f"{time.month}-{time.day}", time, True, False) for time in times]
    assert list(kept(sets, Policy(weekly=2))) == ["1-4", "12-28"]


def test_a_month_before_the_last_of_march() -> None:
    """There is no 31 February: restic counts on into March, so the third is out and the fourth is in."""
    times = [datetime(2026, 3, day, 11) for day in (31, 4, 3, 2)]
    sets = [Dated(f"{time:%m-%d}", time, True, False) for time in times]
    assert list(kept(sets, Policy(within="1m"))) == ["03-31", "03-04"]


def test_the_oldest_has_a_place_while_there_is_one() -> None:
    sets = days(*(each / 24 for each in range(5)))
    assert len(kept(sets, Policy(daily=1))) == 1
    assert list(kept(sets, Policy(yearly=2))) == ["0", f"{4 / 24:g}"]


def test_far_back() -> None:
    assert len(kept(days(1, 10_000, 300_000), Policy(within="9999999999y"))) == 3
    assert len(kept(days(1, 10_000, 300_000), Policy(within="99999999999d"))) == 3


POLICIES = [
    Policy(last=5),
    Policy(last=-1),
    Policy(hourly=30),
    Policy(daily=-1),
    Policy(weekly=500),
    Policy(monthly=12, yearly=10),
    Policy(within="1y5m7d2h"),
    Policy(within="1m"),
    Policy(last=2, hourly=24, daily=7, weekly=5, monthly=13, yearly=-1, within="36h"),
]
NUMBERS = re.compile(r"\d+")


def moments() -> list[datetime]:
    """Return times at random, and around the ends of years, weeks and months."""
    chance = random.Random(4)
    found = {datetime(2024, 1, 1) + timedelta(seconds=chance.randrange(86400 * 800)) for _ in range(150)}
    found |= {datetime(2024, 12, 24, 3) + timedelta(days=each) for each in range(15)}
    found |= {datetime(2026, 3, 31, 12) - timedelta(seconds=each) for each in (0, 1, 3600, 7199)}
    found |= {datetime(2026, 3, 3, 12) + timedelta(seconds=each) for each in (-1, 0, 1)}
    # Restic compares with its own clock.
    return sorted(each for each in found if each < datetime.now() - timedelta(days=1))


def test_same_as_restic(tmp_path: Path) -> None:
    needed("openssl")
    said = subprocess.run([needed("restic"), "version"], capture_output=True, text=True, check=True).stdout
    version = tuple(map(int, NUMBERS.findall(said)[:2]))
    times = moments()
    repository = Repository(tmp_path / "repository")
    repository.forge(times)
    sets = [Dated(str(number), time, True, False) for number, time in enumerate(times)]
    assert len(sets) > 150
    for policy in POLICIES:
        options = {name: value for name, value in vars(policy).items() if value}
        # Until 0.16 it had no word for all.
        every = "unlimited" if version >= (0, 16) else "100000"
        options = {name: every if value == -1 else value for name, value in options.items()}
        theirs = repository.kept(*(f"--keep-{name}={value}" for name, value in options.items()))
        ours = {int(each.id) for each in decide(sets, policy, datetime.now(UTC)) if each.keep}
        assert theirs
        if version < (0, 17):
            # Until then it gave no place to the oldest.
            assert ours - theirs <= {0}
            ours -= {0} - theirs
        assert ours == theirs, policy


@pytest.mark.parametrize("python", PYTHONS, ids=python_id)
def test_each_python(python: str) -> None:
    script = f"""
import sys
sys.path.insert(0, {str(OPS.parent)!r}); sys.dont_write_bytecode = True
from datetime import datetime, timedelta
from ops.sets.retention import Dated, Policy, decide
now = datetime(2026, 3, 31, 12)
sets = [Dated(str(n), now - timedelta(hours=7 * n), n % 5 != 0, n == 70) for n in range(100)]
policy = Policy(last=2, hourly=3, daily=5, weekly=3, monthly=-1, yearly=1, within="1d")
print([(each.id, each.reasons) for each in decide(sets, policy, now) if each.keep])
"""
    results = [
        subprocess.run([each, "-c", script], capture_output=True, text=True, check=True).stdout
        for each in (python, sys.executable)
    ]
    assert results[0] == results[1]
    assert "the last good set" in results[0]
