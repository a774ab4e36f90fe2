"""`ops usage`: what a volume holds, when it last changed, and what it does not look into."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.engine.backup import keeper
from tests.engine.backup.test_bare import image, project  # noqa: F401 (fixtures)
from tests.engine.conftest import Make
from tests.support.running import Project

pytestmark = pytest.mark.engine

FILL = r"""
import os
os.makedirs('/things/a/b/c'); os.makedirs('/things/odd\nname'); os.mkdir('/things/small')
open('/things/a/b/c/f', 'wb').write(b'x' * 4_000_000); open('/things/odd\nname/f', 'wb').write(b'x' * 2_000_000)
os.link('/things/a/b/c/f', '/things/a/again'); open('/things/small/f', 'w').write('x')
os.utime('/things/small/f', (0, 0))
"""


def usage(project: Project, *arguments: str) -> list[dict[str, Any]]:  # noqa: F811
    found: list[dict[str, Any]] = json.loads(project.ops("usage", "--json", *arguments).stdout)["volumes"]
    return found


def test_what_a_volume_holds(make: Make) -> None:
    me = keeper.project(make)
    me.up("keeper")
    volume = f"{me.name}_things"
    (empty,) = usage(me, "things")
    assert (empty["name"], empty["entries"], empty["folders"]) == (volume, 0, [])
    began = time.time()
    keeper.python(volume, FILL)
    (found,) = usage(me)
    assert found["entries"] == 9
    assert 6_000_000 <= found["size"] < 6_200_000, "what has two names counts once"
    assert began - 2 <= found["changed"] <= time.time() + 2, "a date that somebody set is not believed"
    folders = {each["path"]: each["size"] for each in found["folders"]}
    assert folders.keys() == {"a", "a/b", "odd\nname", "small"}
    assert folders["a"] >= folders["a/b"] >= 4_000_000
    assert usage(me, volume, "things", "--top", "1")[0]["folders"][0]["path"] == "a"
    assert "\n  4.0 MB  a/b\n" in me.ops("usage").stdout
    again = usage(me)[0]
    assert again["changed"] == found["changed"], "looking changes nothing"


def test_what_is_not_of_the_project(make: Make) -> None:
    me = keeper.project(make)
    refused = me.ops("usage", "things", "bridge", ok=False)
    assert (refused.returncode, "no volume `things` of project" in refused.stderr) == (2, True)


def test_without_gnu_tar_nothing_is_known_of_changes(project: Project) -> None:  # noqa: F811
    keeper.python(f"{project.name}_things", FILL)
    (found,) = usage(project, "things")
    assert (found["entries"], found["changed"]) == (9, None)
    assert {each["path"] for each in found["folders"]} == {"a", "a/b", "odd\nname", "small"}
    assert found["size"] >= 6_000_000
