"""Every preset, for real: healthy, linked, written to, taken down, moved, started again, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaffold.catalog.index import load
from tests.engine.conftest import Make
from tests.support.running import ANONYMOUS, Project
from tools.examples import ROOT

pytestmark = pytest.mark.engine

PRESETS = load(ROOT).presets

# How a person writes one thing to each store, and reads it back, with the client that the project has for it.
WRITE = {
    "mongo": "from clients import mongo; mongo.connect().notes.insert_one({'_id': 'kept', 'text': 'still here'})",
    "postgres": "from clients import postgres\n"
    "with postgres.connect() as c: c.execute('create table notes (text text)'); "
    "c.execute(\"insert into notes values ('still here')\")",
    "redis": "from clients import redis; redis.connect().set('note', 'still here')",
}
READ = {
    "mongo": "from clients import mongo; print(mongo.connect().notes.find_one({'_id': 'kept'})['text'])",
    "postgres": "from clients import postgres\n"
    "with postgres.connect() as c: print(c.execute('select text from notes').fetchone()[0])",
    "redis": "from clients import redis; print(redis.connect().get('note'))",
}


@pytest.mark.parametrize("preset", PRESETS)
def test_data_outlives_down_and_a_renamed_folder(make: Make, preset: str, tmp_path: Path) -> None:
    services = PRESETS[preset]["services"]
    project = make(services=services)
    project.init()
    project.up()
    declared = project.declared()
    assert project.volumes() == declared, "exactly the declared volumes"
    stores = [id for id in services if id in WRITE]
    assert project.get("/links") == (200, {store: {"ok": True} for store in stores})
    for store in stores:
        project.in_app(WRITE[store])
    assert project.upload("café.txt", b"x" * 3_000_000)[0] == 201

    project.compose("down")
    assert project.volumes() == declared
    project.up()
    still_there(project, stores)

    project.compose("down")
    project.move(tmp_path / "another name")
    project.up()
    still_there(project, stores)
    assert project.volumes() == declared
    assert not any(ANONYMOUS.fullmatch(name) for name in project.volumes())
    status = project.ops("status")
    assert "unhealthy" not in status.stdout


def still_there(project: Project, stores: list[str]) -> None:
    assert project.get("/links")[0] == 200
    for store in stores:
        assert project.in_app(READ[store]) == "still here", store
    assert project.get("/uploads")[1] == {"files": [{"name": "cafe.txt", "size": 3_000_000}]}


def test_every_preset_writes_to_all_its_stores() -> None:
    """A preset with a store that this file cannot write to would be proven less than it looks."""
    catalog = load(ROOT)
    for preset in PRESETS.values():
        for id in preset["services"]:
            assert id in WRITE or not catalog.entries[id]["client"], f"say how to write to {id}"
