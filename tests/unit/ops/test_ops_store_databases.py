"""What Redis, MongoDB, MariaDB and MySQL are restored from: the pure parts, bad input first."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from ops.errors import OpsError  # isort: skip
from ops.sets.manifest import File, Item  # isort: skip
from ops.stores import accounts, rdb, redis, steady, versions  # isort: skip
from ops.stores.mongo import Mongo  # isort: skip
from ops.stores.mysql import MariaDB, MySQL, torn  # isort: skip
from ops.stores.streams import stream  # isort: skip

RDB = b"REDIS0010" + b"\xfa" * 200 + b"\xff" + b"checksum"
MARK = b"f" * 40


class Source:
    """Files of an item, in memory."""

    def __init__(self, item: Item, **files: bytes) -> None:
        self.item, self.files = item, files
        for role, content in files.items():
            item.files.append(File(f"v/{role}", role, "none", len(content), "", len(content), ""))

    @contextmanager
    def open(self, file: File) -> Iterator[IO[bytes]]:
        yield io.BytesIO(self.files[file.role])


def no_variable(_name: str) -> str:
    return ""


def item(backup: str = "", **facts: Any) -> Item:
    return Item("v", "p_v", backup=backup, method="dump", facts=facts)


@pytest.mark.parametrize("step", [1, 7, 59, 60, 61, 10_000])
@pytest.mark.parametrize("mark", [b"", MARK])
@pytest.mark.parametrize("content", [RDB, RDB * 50, b"REDIS0010\xffchecksum"])
def test_a_snapshot_ends_where_the_client_says(step: int, mark: bytes, content: bytes) -> None:
    sent = content + mark + b"%20d" % len(content)
    snapshot = redis.Snapshot()
    got = b"".join(snapshot.of(sent[at : at + step] for at in range(0, len(sent), step)))
    assert got == content
    assert snapshot.whole
    assert snapshot.format == 10


@pytest.mark.parametrize(
    "sent",
    [b"", b"REDIS", RDB, RDB + MARK, RDB + MARK[:20] + b"%20d" % len(RDB), RDB + b"%20d" % (len(RDB) + 1)],
)
def test_a_snapshot_that_broke_off_is_none(sent: bytes) -> None:
    snapshot = redis.Snapshot()
    for _ in snapshot.of([sent] if sent else []):
        pass
    assert not snapshot.whole


def test_facts_of_a_server() -> None:
    place = "appendonly=yes\nappenddirname=aof\ndbfilename=keys.rdb\ndir=/data/inner\nmount=/data\n"
    info = "redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.8\r\n"
    assert redis.facts(info, place) == {
        "server": "valkey",
        "version": "8.1.8",
        "aof": True,
        "folder": "inner",
        "appenddirname": "aof",
        "dbfilename": "keys.rdb",
    }
    assert redis.facts("redis_version:8.8.2\r\n", "")["server"] == "redis"


@pytest.mark.parametrize(
    ("mount", "folder", "below"),
    [
        ("/data", "/data", ""),
        ("/", "/data", ""),
        ("", "/data", ""),
        ("/data", "/database", ""),
        ("/a", "/a/b", "b"),
    ],
)
def test_where_in_its_volume_a_folder_is(mount: str, folder: str, below: str) -> None:
    assert redis.below(mount, folder) == below


def test_what_a_checker_counted() -> None:
    assert redis.counted("[info] 12 keys read\n[info] 2 expires\n[info] 1 already expired\n") == {"keys": 10}
    assert redis.counted("") is None


def unpacked(facts: dict[str, Any], content: bytes = RDB) -> dict[str, tarfile.TarInfo]:
    made = stream(rdb.folder(io.BytesIO(content), len(content), facts, (999, 1000)))
    with tarfile.open(fileobj=made, mode="r|") as tar:
        return {each.name: each for each in tar}


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 100_000])
def test_a_folder_that_loads_with_and_without_an_append_only_file(size: int) -> None:
    found = unpacked({"server": "redis", "version": "7.0.15"}, b"x" * size)
    assert found["dump.rdb"].size == size
    base = found["appendonlydir/appendonly.aof.1.base.rdb"]
    assert (base.islnk(), base.linkname) == (True, "dump.rdb")
    assert found["appendonlydir/appendonly.aof.1.incr.aof"].size == 0
    assert {(each.uid, each.gid) for each in found.values()} == {(999, 1000)}


def test_an_old_server_keeps_one_file() -> None:
    found = unpacked({"server": "redis", "version": "6.2.24", "appendfilename": "log.aof", "folder": "a/b"})
    assert list(found) == ["a", "a/b", "a/b/dump.rdb", "a/b/log.aof"]
    assert found["a/b/log.aof"].linkname == "a/b/dump.rdb"


@pytest.mark.parametrize("name", ["../dump.rdb", "/etc/passwd", "..", "", "a/b", "a\nb", ".hidden"])
def test_a_set_from_elsewhere_writes_nowhere_else(name: str) -> None:
    facts = dict.fromkeys(("dbfilename", "appendfilename", "appenddirname"), name)
    found = unpacked({**facts, "server": "redis", "version": "8.0.0", "folder": "../.."})
    assert list(found)[:2] == ["dump.rdb", "appendonlydir"]


@pytest.mark.parametrize("size", [len(RDB) - 1, len(RDB) + 1])
def test_another_size_than_was_stored_is_no_folder(size: int) -> None:
    with pytest.raises(OpsError) as caught:
        b"".join(rdb.folder(io.BytesIO(RDB), size, {}, (0, 0)))
    assert caught.value.problem.cause == "damaged"


@pytest.mark.parametrize(
    ("facts", "image", "variables", "fits"),
    [
        ({"version": "8.8.2"}, "redis:8.8-trixie", {}, True),
        ({"version": "8.8.2"}, "redis:8.10", {}, True),
        ({"version": "8.8.2"}, "redis:8.6-trixie", {}, False),
        ({"version": "8.8.2"}, "redis:7.4", {"REDIS_VERSION": "7.4.11"}, False),
        ({"version": "8.8.2"}, "mine:latest", {"REDIS_DOWNLOAD_URL": "https://x/redis/tags/8.6.4.tar.gz"}, False),
        ({"version": "8.8.2"}, "mine:latest", {}, True),
        ({"version": "8.8.2"}, "host:5000/redis@sha256:0123", {}, True),
        ({"version": "8.8.2", "rdb": 13}, "valkey/valkey:9.1", {"VALKEY_VERSION": "9.1.0"}, False),
        ({"version": "7.2.16", "rdb": 11}, "valkey/valkey:9.1", {"VALKEY_VERSION": "9.1.0"}, True),
        ({"server": "valkey", "version": "9.1.0", "rdb": 80}, "redis:8.8", {}, False),
        ({"server": "valkey", "version": "9.1.0", "rdb": 80}, "valkey/valkey:9.0", {"VALKEY_VERSION": "9.0.4"}, False),
    ],
)
def test_what_a_redis_reads(facts: dict[str, Any], image: str, variables: dict[str, str], fits: bool) -> None:
    said = redis.Redis().fits(item(**{"server": "redis", **facts}), image, lambda name: variables.get(name, ""))
    assert (said == "") == fits, said


@pytest.mark.parametrize(
    ("version", "image", "fits"),
    [
        ("8.0.12", "mongo:8.0-noble", True),
        ("7.0.42", "mongo:8.0-noble", True),
        ("6.0.1", "mongo:8.0-noble", False),
        ("8.2.1", "mongo:8.0-noble", False),
        ("8.0.12", "mongo:9.0", True),
        ("8.0.12", "mongo", True),
        ("", "mongo:8.0", True),
    ],
)
def test_what_a_mongo_takes(version: str, image: str, fits: bool) -> None:
    assert (Mongo().fits(item(version=version), image, no_variable) == "") == fits


@pytest.mark.parametrize(
    ("store", "version", "variables", "fits"),
    [
        (MariaDB(), "11.8.2-MariaDB", {"MARIADB_VERSION": "1:11.8.8+maria~ubu2404"}, True),
        (MariaDB(), "12.3.2-MariaDB", {"MARIADB_VERSION": "1:11.8.8+maria~ubu2404"}, False),
        (MariaDB(), "8.4.5", {"MYSQL_VERSION": "8.4.5-1.el9"}, False),
        (MySQL(), "8.4.5", {"MYSQL_VERSION": "9.7.2-1.el9"}, True),
        (MySQL(), "9.7.2", {"MYSQL_VERSION": "8.4.5-1.el9"}, False),
        (MySQL(), "8.4.5", {"MARIADB_VERSION": "1:11.8.8+maria~ubu2404"}, False),
    ],
)
def test_what_a_mariadb_or_mysql_takes(store: MariaDB, version: str, variables: dict[str, str], fits: bool) -> None:
    said = store.fits(item(version=version), "own:latest", lambda name: variables.get(name, ""))
    assert (said == "") == fits, said


SQL = b"/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19\nSELECT 1;\n-- Dump completed on 2026-01-31\n"
ARCHIVE = bytes.fromhex("6de29981") + b"documents" + b"\xff" * 4


@pytest.mark.parametrize(
    ("store", "files", "sound"),
    [
        (redis.Redis(), {"rdb": RDB}, True),
        (redis.Redis(), {"rdb": RDB[:-1]}, False),
        (redis.Redis(), {"rdb": b""}, False),
        (redis.Redis(), {"rdb": b"VALKEY080\xffchecksum"}, True),
        (redis.Redis(), {"rdb": b"no snapshot\xffchecksum"}, False),
        (Mongo(), {"archive": ARCHIVE}, True),
        (Mongo(), {"archive": ARCHIVE[:-1]}, False),
        (Mongo(), {"archive": b"BSON" + ARCHIVE}, False),
        (MariaDB(), {"databases": SQL}, True),
        (MariaDB(), {"databases": SQL[:60]}, False),
        (MariaDB(), {"databases": b"-- Dump completed"}, False),
        (MariaDB(), {"accounts": b""}, True),
    ],
)
def test_problems_of_what_is_stored(store: Any, files: dict[str, bytes], sound: bool, tmp_path: Path) -> None:
    work = item()
    assert (store.problems(work, Source(work, **files), tmp_path) == []) == sound


SAID = """CREATE USER IF NOT EXISTS `root`@`localhost` IDENTIFIED BY PASSWORD '*OLD';
CREATE USER IF NOT EXISTS `sock`@`%` IDENTIFIED VIA unix_socket;
/*M!100005 CREATE ROLE IF NOT EXISTS 'reader' WITH ADMIN mariadb_dump_import_role */;
GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` IDENTIFIED BY PASSWORD '*OLD' WITH GRANT OPTION;
GRANT PROXY ON ''@'%' TO 'root'@'localhost' WITH GRANT OPTION;
GRANT USAGE ON *.* TO `tls`@`%` IDENTIFIED BY PASSWORD '*OLD' REQUIRE SSL WITH MAX_USER_CONNECTIONS 3;
GRANT USAGE ON *.* TO `sock`@`%` IDENTIFIED VIA unix_socket;
GRANT `reader` TO `bob`@`10.%`;
GRANT ALL PRIVILEGES ON `my\\_shop`.* TO `bob`@`10.%`;
GRANT UPDATE (`s`) ON `my_shop`.`a``b` TO `bob`@`10.%` WITH GRANT OPTION;
GRANT EXECUTE ON PROCEDURE `my_shop`.`p` TO `bob`@`10.%`;
GRANT SELECT, DELETE ON `mysql`.`global_priv` TO `mariadb.sys`@`localhost`;
"""


def test_no_grant_brings_an_old_password() -> None:
    kept = accounts.of_mariadb(SAID)
    grants = [line for line in kept.splitlines() if line.startswith("GRANT")]
    assert "OLD" not in "".join(grants)
    assert "GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION;" in grants
    assert "GRANT USAGE ON *.* TO `tls`@`%` REQUIRE SSL WITH MAX_USER_CONNECTIONS 3;" in grants
    assert "GRANT USAGE ON *.* TO `sock`@`%`;" in grants
    assert not any("PROXY" in line for line in grants)
    # Who is not there yet comes with the password that he has.
    assert kept.startswith("CREATE USER IF NOT EXISTS `root`@`localhost` IDENTIFIED BY PASSWORD '*OLD';")


def test_rights_on_single_tables_wait_for_them() -> None:
    kept = accounts.of_mariadb(SAID)
    early, late = accounts.early(kept), accounts.late(kept)
    assert "`my_shop`.`" not in early
    assert "GRANT SELECT, EXECUTE ON `my\\_shop`.* TO `bob`@`10.%`;\n" in early
    assert "mysql" not in early
    lines = late.splitlines()
    assert lines[0] == "REVOKE SELECT, EXECUTE ON `my\\_shop`.* FROM `bob`@`10.%`;"
    # What the whole database was granted for good comes back behind that.
    assert "GRANT ALL PRIVILEGES ON `my\\_shop`.* TO `bob`@`10.%`;" in lines[1:]
    assert "GRANT EXECUTE ON PROCEDURE `my_shop`.`p` TO `bob`@`10.%`;" in lines
    assert not any("ROLE" in line or "`reader`" in line or "CREATE" in line for line in lines)
    assert lines[-1] == "FLUSH PRIVILEGES;"


def test_accounts_of_mysql() -> None:
    answers = {
        accounts.LISTED: "'bob'@'%'\n'root'@'localhost'\n",
        accounts.READABLE + "SHOW CREATE USER 'bob'@'%'": "CREATE USER `bob`@`%` IDENTIFIED WITH "
        "'caching_sha2_password' AS 0x24 DEFAULT ROLE `r`@`%` REQUIRE NONE\n",
        accounts.READABLE + "SHOW CREATE USER 'root'@'localhost'": "CREATE USER `root`@`localhost` REQUIRE NONE\n",
        "SHOW GRANTS FOR 'bob'@'%'": "GRANT USAGE ON *.* TO `bob`@`%`\nGRANT `r`@`%` TO `bob`@`%`\n",
        "SHOW GRANTS FOR 'root'@'localhost'": "GRANT PROXY ON ``@`` TO `root`@`localhost` WITH GRANT OPTION\n",
    }
    assert accounts.of_mysql(answers.__getitem__).splitlines() == [
        "CREATE USER IF NOT EXISTS `bob`@`%` IDENTIFIED WITH 'caching_sha2_password' AS 0x24 REQUIRE NONE;",
        "CREATE USER IF NOT EXISTS `root`@`localhost` REQUIRE NONE;",
        "GRANT USAGE ON *.* TO `bob`@`%`;",
        "GRANT `r`@`%` TO `bob`@`%`;",
        "ALTER USER 'bob'@'%' DEFAULT ROLE `r`@`%`;",
    ]


def test_tables_without_transactions_are_named() -> None:
    assert torn([("a", "b", "InnoDB", 1)]) == []
    assert "a.c (MyISAM)" in torn([("a", "b", "InnoDB", 1), ("a", "c", "MyISAM", 1)])[0]


def test_only_what_stood_still_is_counted() -> None:
    assert steady.between({"a": 1, "b": 2, "gone": 3}, {"a": 1, "b": 3, "new": 4}) == {"a": 1}
    assert steady.between(None, {"a": 1}) is None
    assert steady.between({"a": 1}, None) is None


def test_versions() -> None:
    assert versions.number("8.0.12-rc1") == (8, 0, 12)
    assert versions.number("latest") == ()
    assert versions.older((8, 6, 9), (8, 8, 0))
    assert not versions.older((8, 8, 0), (8, 8, 9))
    assert not versions.older((8,), (8, 8))
    assert not versions.older((), (8, 8))
