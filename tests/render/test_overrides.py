"""A user's file laid over a project is what Compose makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaffold.compose.project import read_project
from tests.support import compose
from tests.unit.compose.test_project_overrides import BASE, OVERRIDE

pytestmark = pytest.mark.compose


@pytest.mark.parametrize("version", compose.VERSIONS)
def test_compose_makes_the_same_of_it(version: str, tmp_path: Path) -> None:
    files = {"compose.yaml": BASE, "compose.override.yaml": OVERRIDE}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    theirs = dict(compose.config(tmp_path, version, *files)["services"]["a"])
    if isinstance(theirs["environment"], list):  # as 2.24 prints what it merged
        theirs["environment"] = dict(pair.split("=") for pair in theirs["environment"])
    ours = read_project(files.get).services["a"]
    for key in ("image", "command", "environment", "dns", "restart", "labels"):
        assert theirs.get(key) == ours.config.get(key), key
    assert {one["target"]: one.get("read_only", False) for one in theirs["volumes"]} == {
        one.target: one.read_only for one in ours.mounts
    }
    assert sorted(theirs["depends_on"]) == sorted(ours.config["depends_on"])
    assert sorted(one["source"] for one in theirs["secrets"]) == sorted(ours.secrets)
    assert theirs["healthcheck"]["test"] == ours.config["healthcheck"]["test"]
