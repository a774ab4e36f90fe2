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
        (
            "[ports.THING_PORT]",
            '[jobs.thing]\nwhat = "x"\nstart = 1\n[ports.THING_PORT]',
            "jobs.thing.start",
            "wrong type",
        ),
        ("[ports.THING_PORT]", "[jobs.Thing]\n[ports.THING_PORT]", "jobs.Thing", "does not match"),
        ('{ volume = "thing_data"', '{ volume = "x"', "offers.mounts.volume", "x"),
        ('path = "/data" }', 'path = "/data", access = "append" }', "offers.mounts.access", "append"),
        (', path = "/data"', "", "offers.mounts.path", "missing"),
        ('default = "2"', 'default = "3"', "questions.thing_major.default", "not one of the choices"),
        ("[[questions]]", '[client]\nrequirements = ["x"]\n[[questions]]', "client", "client.py"),
        ("[[questions]]", '[share]\nuser = "app"\n[[questions]]', "share.user", "does not match"),
        ("[[questions]]", "[share]\n[[questions]]", "share.user", "missing"),
        ("[[questions]]", '[share]\nuser = "0:0"\ntaken = ["data"]\n[[questions]]', "share.taken", "does not match"),
        ("[[questions]]", '[share]\nuser = "0:0"\nowner = "x"\n[[questions]]', "share.owner", "not known"),
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


def test_what_is_built_takes_part_in_shared_volumes_and_others_say_who_they_are(tmp_path: Path) -> None:
    assert read(tmp_path / "thing", GOOD)["share"] is None
    text = GOOD + '[share]\nuser = "7:8"\ntaken = ["/opt/thing"]\n'
    assert read(tmp_path / "other", text)["share"] == {"built": False, "user": "7:8", "taken": ["/opt/thing"]}
    (tmp_path / "built").mkdir()
    (tmp_path / "built/Dockerfile.jinja").touch()
    (tmp_path / "built/service.toml").write_text(GOOD)
    assert entry.read(tmp_path / "built")["share"] == {"built": True, "user": entry.BUILT, "taken": []}


def test_the_id_is_the_folders_name(tmp_path: Path) -> None:
    with pytest.raises(ScaffoldError, match="folder's name"):
        read(tmp_path / "Thing!", GOOD)
