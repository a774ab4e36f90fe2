"""Every edit of a user against every change of the template, on the files that are really rendered."""

from __future__ import annotations

import subprocess
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from scaffold.compose.merge import merge, three_way
from tests.unit.compose.edits import CONFLICTS, REWRITTEN, TEMPLATES, USERS, Edit, rendered

merged_once = cache(three_way)

CELLS = [(name, user, change) for name in USERS for user in USERS[name] for change in TEMPLATES[name]]


def by_git(folder: Path, base: str, ours: str, theirs: str) -> str | None:
    for name, text in (("base", base), ("ours", ours), ("theirs", theirs)):
        (folder / name).write_text(text)
    done = subprocess.run(
        ["git", "merge-file", "-p", "ours", "base", "theirs"], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.stdout if done.returncode == 0 else None


def data(text: str) -> Any:
    """What it means; where in a list a new item goes is not what is compared."""
    return _sorted(yaml.safe_load(text))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(item) for key, item in value.items()}
    return sorted(value) if isinstance(value, list) else value


def lines(text: str) -> Counter[str]:
    return Counter(line for line in text.splitlines() if line.strip())


@pytest.mark.parametrize(
    ("name", "user", "change"),
    CELLS,
    ids=[f"{name.split('/')[-2]}: {user.name} × {change.name}" for name, user, change in CELLS],
)
def test_cell(name: str, user: Edit, change: Edit) -> None:
    base = rendered(name)
    ours, theirs = user(base), change(base)
    result = merged_once(base, ours, theirs)
    cell = user.name, change.name
    if cell in CONFLICTS:
        assert result.text is None
        assert [ours.splitlines()[conflict.line - 1] for conflict in result.conflicts] == [CONFLICTS[cell]]
        return
    assert result.text is not None, result.conflicts
    merged = lines(result.text)
    if cell in REWRITTEN:
        assert merged[REWRITTEN[cell]] == 1
    else:
        # All that either side wrote is there once, and all that either took away is gone.
        assert merged == (lines(ours) - (lines(base) - lines(theirs))) | (lines(theirs) - (lines(base) - lines(ours)))
    if change.fits(ours):
        assert data(result.text) == data(change(ours))


def test_git_alone_solves_fewer_and_where_it_does_the_data_is_the_same(tmp_path: Path) -> None:
    count: Counter[str] = Counter()
    for name, user, change in CELLS:
        base = rendered(name)
        sides = base, user(base), change(base)
        ours, git = merged_once(*sides).text, by_git(tmp_path, *sides)
        count["cells"] += 1
        count["git"] += git is not None
        count["this"] += ours is not None
        count["either"] += ours is not None or git is not None
        if ours is not None and git is not None:
            assert data(ours) == data(git), (name, user.name, change.name)
    print(dict(count))
    assert count["this"] > count["git"]
    assert count["this"] == count["cells"] - sum((user.name, change.name) in CONFLICTS for _, user, change in CELLS)


@pytest.mark.parametrize("name", list(USERS))
def test_all_edits_and_all_changes_at_once(name: str) -> None:
    base = ours = theirs = rendered(name)
    clashing = {word for cell in CONFLICTS for word in cell}
    for user in USERS[name]:
        if user.fits(ours) and user.name not in clashing | {"list in brackets"}:
            ours = user(ours)
    for change in TEMPLATES[name]:
        if change.fits(theirs) and change.name not in clashing:
            theirs = change(theirs)
    merged = merge(base, ours, theirs)
    assert merged is not None, three_way(base, ours, theirs).conflicts
    assert not lines(ours) - lines(base) - lines(merged)
    assert not lines(theirs) - lines(base) - lines(merged)
    assert merge(base, ours, base) == ours
    assert merge(base, base, theirs) == theirs
    # The next update that brings nothing new changes nothing.
    assert merge(theirs, merged, theirs) == merged
