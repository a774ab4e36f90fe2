"""`mongodump` and `mongorestore` of the image `mongo`: what backups lean on holds for ours as for the real ones."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.engine.conftest import Provide
from tests.support.containers import Container

pytestmark = pytest.mark.engine

PASSWORD = "it's: a #secret"
MAGIC, TERMINATOR = struct.pack("<I", 0x8199E26D), b"\xff\xff\xff\xff"
LOGIN = ("--config=/tmp/login.yaml", "--username=root", "--authenticationDatabase=admin")
CLEAR = "db.dropDatabase(); db.getSiblingDB('other').dropDatabase();"
FILL = """
for (let from = 0; from < 2500; from += 500)
    db.many.insertMany([...Array(500).keys()].map(i => ({_id: from + i, text: 'x'.repeat(i), at: new Date(i)})));
db.many.createIndex({text: 1, at: -1}, {name: 'own'});
db.few.insertMany([{_id: 'ä', n: NumberLong('9007199254740993'), b: BinData(0, 'AAH/')}, {_id: 2}]);
db.few.createIndex({n: 1}, {unique: true});
db.createCollection('empty');
db.createCollection('capped', {capped: true, size: 4096, max: 3});
"""
CONTENT = """
EJSON.stringify(db.getCollectionNames().sort().map(name => [
    name, db[name].find().sort({_id: 1}).toArray(), db[name].getIndexes().sort((a, b) => a.name < b.name ? -1 : 1),
    db.getCollectionInfos({name: name})[0].options,
]), null, null, {relaxed: false})
"""


@pytest.fixture(scope="module")
def server(image: Provide) -> Iterator[Container]:
    login = ["--env=MONGO_INITDB_ROOT_USERNAME=root", f"--env=MONGO_INITDB_ROOT_PASSWORD={PASSWORD}"]
    ping = (
        "sh",
        "-c",
        "HOME=/tmp mongosh --quiet --host $(hostname) --eval 'quit(db.runCommand({ping: 1}).ok ? 0 : 2)'",
    )
    with Container.start(image("mongo:8.0-noble"), *login, ready=ping) as container:
        config = f"password: {json.dumps(PASSWORD)}\n".encode()
        container.run("sh", "-c", "umask 077; cat > /tmp/login.yaml", give=config)
        yield container


@pytest.fixture
def mongo(server: Container) -> Container:
    """The server, with the same content for each test."""
    shell(server, CLEAR + FILL)
    return server


@pytest.fixture(scope="module")
def archive(server: Container) -> bytes:
    """A dump of that content, for tests that do not care what the server holds."""
    shell(server, CLEAR + FILL)
    return dump(server, "--db=app")


def shell(container: Container, script: str, database: str = "app", user: str = "root") -> str:
    login = ("--username", user, "--password", PASSWORD, "--authenticationDatabase", "admin")
    done = container.run("env", "HOME=/tmp", "mongosh", "--quiet", *login, database, "--eval", script)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.decode()


def content(container: Container) -> Any:
    return json.loads(shell(container, CONTENT))


def dump(container: Container, *options: str) -> bytes:
    done = container.run("mongodump", *LOGIN, "--archive", *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def restore(container: Container, archive: bytes, *options: str) -> CompletedProcess[bytes]:
    return container.run("mongorestore", *LOGIN, "--archive", *options, give=archive)


def header(collection: str, *, eof: bool, crc: int) -> bytes:
    """A block's header: the BSON of `{db: "app", collection: …, EOF: …, CRC: …}`."""
    name = collection.encode()
    body = (
        b"\x02db\0" + struct.pack("<i", 4) + b"app\0\x02collection\0" + struct.pack("<i", len(name) + 1) + name + b"\0"
    )
    body += b"\x08EOF\0" + bytes([eof]) + b"\x12CRC\0" + struct.pack("<Q", crc) + b"\0"
    return struct.pack("<i", len(body) + 4) + body


def crc64(data: bytes) -> int:
    total = (1 << 64) - 1
    for byte in data:
        total ^= byte
        for _ in range(8):
            total = total >> 1 ^ (0xC96C5795D7870F42 if total & 1 else 0)
    return total ^ (1 << 64) - 1


def test_everything_comes_back(mongo: Container) -> None:
    before = content(mongo)
    assert [len(documents) for _, documents, _, _ in before] == [0, 0, 2, 2500]
    archive = dump(mongo)
    shell(mongo, "db.dropDatabase(); db.few.insertOne({_id: 'not in the dump'})")
    done = restore(mongo, archive, "--drop", "--stopOnError")
    assert done.returncode == 0, done.stderr
    assert content(mongo) == before
    assert done.stderr.splitlines()[-1].endswith(
        b"2502 document(s) restored successfully. 0 document(s) failed to restore."
    )


def test_layout(mongo: Container) -> None:
    assert crc64(b"123456789") == 0x995DC9BBDF1939FA
    archive = dump(mongo, "--db=app", "--collection=few")
    assert archive.startswith(MAGIC)
    start = archive.index(header("few", eof=False, crc=0)) + len(header("few", eof=False, crc=0))
    end = archive.rindex(TERMINATOR + header("few", eof=True, crc=0)[:4])
    documents = archive[start:end]
    assert archive[end:] == TERMINATOR + header("few", eof=True, crc=crc64(documents)) + TERMINATOR
    assert b"\xc3\xa4" in documents
    assert b'"unique"' in archive[:start]


def test_to_a_file_and_from_it(mongo: Container) -> None:
    before = content(mongo)
    done = mongo.run("mongodump", *LOGIN, "--archive=/tmp/dump", "--db", "app")
    assert (done.returncode, done.stdout) == (0, b"")
    assert b"done dumping app.many (2500 documents)" in done.stderr
    shell(mongo, "db.dropDatabase()")
    done = mongo.run("mongorestore", *LOGIN, "--archive=/tmp/dump")
    assert done.returncode == 0, done.stderr
    assert content(mongo) == before


@pytest.mark.parametrize("keep", [0.0001, 0.5, 0.9999, -4, -1])
def test_a_truncated_archive_fails(server: Container, archive: bytes, keep: float) -> None:
    cut = archive[: int(len(archive) * keep) if keep > 0 else int(keep)]
    done = restore(server, cut, "--drop", "--stopOnError")
    assert done.returncode == 1
    assert b"Failed: " in done.stderr


def test_an_archive_that_ends_after_a_collection_fails(server: Container, archive: bytes) -> None:
    first = min(archive.index(header(name, eof=False, crc=0)) for name in ("many", "few", "empty", "capped"))
    assert restore(server, archive[:first], "--drop").returncode == 1


def test_other_bytes_fail(server: Container, archive: bytes) -> None:
    assert archive.count(b"x" * 499) == 5
    done = restore(server, archive.replace(b"x" * 499, b"y" * 499, 1), "--drop", "--stopOnError")
    assert done.returncode == 1
    assert b"CRC mismatch" in done.stderr


@pytest.mark.parametrize(
    "options", [(), ("--host=127.0.0.1", "--port=1", "--serverSelectionTimeout=500"), ("--no-such",)]
)
@pytest.mark.parametrize("program", ["mongodump", "mongorestore"])
def test_bad_login_no_server_bad_option(
    server: Container, archive: bytes, program: str, options: tuple[str, ...]
) -> None:
    login = LOGIN if options else ("--config=/tmp/wrong.yaml", *LOGIN[1:])
    server.run("sh", "-c", "echo 'password: wrong' > /tmp/wrong.yaml")
    done = server.run(program, *login, *options, "--archive", give=archive)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr


def test_no_oplog_on_a_standalone(server: Container) -> None:
    done = server.run("mongodump", *LOGIN, "--archive", "--oplog")
    assert done.returncode == 1
    assert b"error getting recent oplog entry" in done.stderr


def test_duplicates_fail_with_stop_on_error_only(mongo: Container) -> None:
    archive = dump(mongo, "--db=app")
    done = restore(mongo, archive)
    assert done.returncode == 0
    assert b"0 document(s) restored successfully. 2502 document(s) failed to restore." in done.stderr
    assert restore(mongo, archive, "--stopOnError").returncode == 1


def test_dry_run_changes_nothing(mongo: Container) -> None:
    archive = dump(mongo)
    shell(mongo, "db.few.deleteMany({})")
    before = content(mongo)
    assert restore(mongo, archive, "--drop", "--dryRun").returncode == 0
    assert content(mongo) == before


def test_namespaces_by_pattern(mongo: Container) -> None:
    shell(mongo, "db.getSiblingDB('other').a.insertOne({_id: 1})")
    archive = dump(mongo)
    shell(mongo, CLEAR)
    done = restore(mongo, archive, "--nsInclude", "app.*", "--nsExclude", "app.m*", "--nsExclude=*.capped")
    assert done.returncode == 0, done.stderr
    assert shell(mongo, "db.getCollectionNames().sort() + ''").split() == ["empty,few"]
    assert shell(mongo, "db.getSiblingDB('other').getCollectionNames().length").split() == ["0"]


def test_a_database_that_is_not_there_is_no_error(mongo: Container) -> None:
    assert dump(mongo, "--db=app", "--collection=missing") == b""


@pytest.mark.parametrize("excluded", [False, True])
def test_users_come_with_the_dump(mongo: Container, excluded: bool) -> None:
    archive = dump(mongo)
    shell(mongo, f"db.createUser({{user: 'later', pwd: {json.dumps(PASSWORD)}, roles: []}})", "admin")
    options = ("--nsExclude=admin.system.*",) if excluded else ()
    assert restore(mongo, archive, "--drop", *options).returncode == 0
    users = shell(mongo, "db.getSiblingDB('admin').system.users.find().map(user => user.user).toArray().sort() + ''")
    assert users.split() == (["later,root"] if excluded else ["root"])
    if excluded:
        shell(mongo, "db.dropUser('later')", "admin")
