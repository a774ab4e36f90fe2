"""MongoDB's dumps, on the servers and tools that tests/images/README.md tells of."""

from __future__ import annotations

import pytest

from tests.engine.backup.stores import dumped, killing, set_secret, sets, writing
from tests.engine.conftest import Make
from tests.support.running import Project

pytestmark = pytest.mark.engine

LOGIN = 'db.getSiblingDB("admin").auth("root", require("fs").readFileSync("/run/secrets/mongo_password", "utf8"));'
FILL = """
const app = db.getSiblingDB("app");
for (let i = 0; i < 20; i++) {
  const numbers = [...Array(500).keys()];
  app.things.insertMany(numbers.map((j) => ({ _id: i * 500 + j, name: "n" + j, text: "x".repeat(200) })));
}
app.things.createIndex({ name: 1 });
const big = NumberLong("9007199254740993");
db.getSiblingDB("other").notes.insertMany([{ _id: 1, kept: true, at: new Date(0), big }]);
"""
STATE = """
const app = db.getSiblingDB("app");
print(EJSON.stringify({
  things: app.things.countDocuments({}), last: app.things.findOne({ _id: 9999 }).text.length,
  notes: db.getSiblingDB("other").notes.find().toArray(),
  indexes: app.things.getIndexes().map((each) => each.name).sort(),
}, { relaxed: false }));
"""


def shell(project: Project, script: str) -> str:
    arguments = ("env", "HOME=/tmp", "mongosh", "--quiet", "--norc", "--eval", LOGIN + script)
    return project.compose("exec", "-T", "mongo", *arguments).strip()


def start(make: Make) -> Project:
    project = make(services=["mongo"])
    project.init()
    project.up()
    shell(project, FILL)
    return project


def test_comes_back_on_an_empty_engine_with_another_password(make: Make) -> None:
    project = start(make)
    before = shell(project, STATE)
    shell(project, 'db.getSiblingDB("busy").log.insertOne({ n: -1 })')
    with writing(lambda number: shell(project, f'db.getSiblingDB("busy").log.insertOne({{ n: {number} }})')):
        said = dumped(project, "mongo_data")
    assert said["counts"]["app.things"] == 10_000
    assert "different instants" in said["warnings"][0]
    assert (project.folder / "secrets/mongo_password").read_text() not in str(said)
    project.compose("down", "--volumes")
    set_secret(project, "mongo_password", 'it\'s: "new" # too')
    project.ops("verify", "--deep", "latest")
    project.ops("restore", "latest")
    project.up()
    assert shell(project, STATE) == before
    assert int(shell(project, 'print(db.getSiblingDB("busy").log.countDocuments({}))')) >= 1


def test_replaces_what_is_there_and_drills(make: Make) -> None:
    project = start(make)
    before = shell(project, STATE)
    project.ops("backup")
    shell(
        project,
        'db.getSiblingDB("app").things.deleteMany({ _id: { $gt: 10 } }); db.getSiblingDB("new").x.insertOne({})',
    )
    project.ops("drill")
    assert shell(project, 'print(db.getSiblingDB("app").things.countDocuments({}))') == "11"
    project.ops("restore", "latest", "--replace")
    assert shell(project, STATE) == before
    assert shell(project, 'print(db.getSiblingDB("new").x.countDocuments({}))') == "0"
    # No log of a shell of ours lies in the data.
    assert project.compose("exec", "-T", "mongo", "sh", "-c", "ls -A /data/db/.mongodb 2> /dev/null || :") == ""


def test_wrong_password_and_a_dump_that_is_killed_half_way(make: Make) -> None:
    project = start(make)
    secret = (project.folder / "secrets/mongo_password").read_text()
    set_secret(project, "mongo_password", "not the one")
    project.compose("up", "--detach", "--wait", "--force-recreate")
    done = project.ops("backup", "--only", "mongo_data", ok=False)
    assert done.returncode == 3
    assert "service `mongo` does not answer" in done.stderr
    assert "not the one" not in done.stdout + done.stderr
    set_secret(project, "mongo_password", secret)
    project.compose("up", "--detach", "--wait", "--force-recreate")
    with killing(project, "mongo", "[^ ]*(python|mongodump) .*mongodump"):
        done = project.ops("backup", "--only", "mongo_data", ok=False)
    assert done.returncode == 3
    assert "broke off" in done.stderr
    assert not sets(project)
    dumped(project, "mongo_data")
