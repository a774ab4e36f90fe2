"""A service.toml that is wrong is refused with the file and the place; the good ones are all in the catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scaffold.catalog import entry
from scaffold.errors import ScaffoldError

GOOD = """
title = "Thing"
summary = "A thing"
category = "database"
state = "proven"
[volumes.thing_data]
responsibility = "Things"
class = "database"
backup = "files"
[secrets.thing_password]
volume = "thing_data"
[ports.THING_PORT]
default = 1234
what = "Thing"
[[offers]]
capabilities = ["store"]
secrets = ["thing_password"]
mounts = [{ volume = "thing_data", path = "/data" }]
[[questions]]
name = "thing_major"
help = "Which?"
choices = ["2", "1"]
default = "2"
"""


def read(folder: Path, text: str) -> dict[str, Any]:
    folder.mkdir()
    (folder / "service.toml").write_text(text)
    return entry.read(folder)


def test_a_good_one_is_read_whole(tmp_path: Path) -> None:
    thing = read(tmp_path / "thing", GOOD)
    assert thing["volumes"] == [
        {
            "name": "thing_data",
            "responsibility": "Things",
            "class": "database",
            "backup": "files",
            "refill": "",
            "access": "write",
            "only": {},
        }
    ]
    assert thing["secrets"] == [{"name": "thing_password", "volume": "thing_data", "change": ""}]
    assert (thing["app"], thing["overlays"], thing["client"]) == (False, [], None)
    assert thing["offers"][0]["wait"] == "service_healthy"


@pytest.mark.parametrize(
    ("old", "new", "place", "why"),
    [
        ('title = "Thing"', "", "title", "missing"),
        ('title = "Thing"', 'titel = "Thing"', "title", "missing"),
        ('state = "proven"', 'state = "proven"\ncolour = "red"', "colour", "not known"),
        ('"A thing"', "3", "summary", "wrong type"),
        ('category = "database"', 'category = "databse"', "category", "databse"),
        ('class = "database"', 'class = "data"', "volumes.thing_data.class", "data"),
        ('state = "proven"', 'state = "compatible"', "state_note", "needs a sentence"),
        ("volumes.thing_data", "volumes.thing-data", "volumes.thing-data", "does not match"),
        ("ports.THING_PORT", "ports.thing_port", "ports.thing_port", "does not match"),
        ('volume = "thing_data"\n[ports', 'volume = "other"\n[ports', "secrets.thing_password.volume", "other"),
        ('secrets = ["thing_password"]', 'secrets = ["x"]', "offers.secrets", "x"),
        ('secrets = ["thing_password"]', 'wait = "ready"', "offers.wait", "ready"),
        ('backup = "files"', 'only = { x = "1" }\nbackup = "files"', "volumes.thing_data.only", "x"),
        ('state = "proven"', 'state = "proven"\nshared = { pool = "append" }', "shared.pool", "append"),
        ('class = "database"\nbackup', 'class = "cache"\nbackup', "volumes.thing_data.refill", "fills again"),
        ("[ports.THING_PORT]", "[settings.thing]", "settings.thing", "does not match"),
        ('{ volume = "thing_data"', '{ volume = "x"', "offers.mounts.volume", "x"),
        ('default = "2"', 'default = "3"', "questions.thing_major.default", "not one of the choices"),
        ("[[questions]]", '[client]\nrequirements = ["x"]\n[[questions]]', "client", "client.py"),
        ('summary = "A thing"', "summary = ", "cannot read", "Invalid"),
    ],
)
def test_a_wrong_one_is_refused_with_its_place(tmp_path: Path, old: str, new: str, place: str, why: str) -> None:
    assert old in GOOD
    with pytest.raises(ScaffoldError) as refused:
        read(tmp_path / "thing", GOOD.replace(old, new))
    assert "service.toml" in refused.value.what
    assert place in refused.value.what
    assert why in refused.value.why


def test_the_id_is_the_folders_name(tmp_path: Path) -> None:
    with pytest.raises(ScaffoldError, match="folder's name"):
        read(tmp_path / "Thing!", GOOD)
