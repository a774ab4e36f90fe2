"""The image `mariadb` keeps what a project can see of it: it is no catalogue entry, but somebody's own service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.conftest import Provide
from tests.support.containers import Container

pytestmark = pytest.mark.engine

PASSWORD = "it's \\ a `secret`"
PROBE = ("healthcheck.sh", "--connect", "--innodb_initialized")
ALL = "SELECT id, HEX(content) FROM app_data.notes ORDER BY id"


@pytest.fixture
def mariadb(image: Provide, tmp_path: Path) -> Iterator[Container]:
    (tmp_path / "root").write_text(PASSWORD)
    (tmp_path / "user").write_text("of the user")
    arguments = [
        f"--volume={tmp_path}:/run/secrets:ro",
        "--env=MARIADB_ROOT_PASSWORD_FILE=/run/secrets/root",
        "--env=MARIADB_DATABASE=app_data",
        "--env=MARIADB_USER=app",
        "--env=MARIADB_PASSWORD_FILE=/run/secrets/user",
    ]
    with Container.start(image("mariadb:11.8"), *arguments, ready=PROBE) as container:
        yield container


def ask(container: Container, query: str) -> str:
    done = container.run(
        "sh", "-c", "MYSQL_PWD=$(cat /run/secrets/root) exec mariadb -uroot -N --binary-mode", give=query.encode()
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def test_names_user_and_volume(mariadb: Container) -> None:
    probe = 'for name; do command -v "$name" > /dev/null && echo "$name"; done; stat -c %u /var/lib/mysql'
    there = [
        "mariadbd",
        "mariadb",
        "mariadb-dump",
        "mariadb-admin",
        "mariadb-check",
        "mariadb-backup",
        "healthcheck.sh",
    ]
    done = mariadb.run("sh", "-c", probe, "sh", *there, "mysqld", "mysql", "mysqldump", "mysqladmin", "curl", "wget")
    assert done.stdout.decode().split() == [*there, "999"]
    assert ask(mariadb, "SELECT @@skip_networking, @@datadir") == "0\t/var/lib/mysql/\n"


def test_user_of_the_environment(mariadb: Container) -> None:
    login = "MYSQL_PWD=$(cat /run/secrets/user) exec mariadb -h 127.0.0.1 -uapp -N"
    done = mariadb.run("sh", "-c", login, give=b"SHOW DATABASES")
    assert set(done.stdout.decode().split()) == {"app_data", "information_schema"}


def test_dump_and_restore(mariadb: Container) -> None:
    ask(mariadb, "CREATE TABLE app_data.notes (id INT PRIMARY KEY, content BLOB);")
    ask(mariadb, "INSERT INTO app_data.notes VALUES (1, 0x00FF275C0A), (2, 'x'), (3, NULL)")
    before = ask(mariadb, ALL)
    assert "00FF275C0A" in before
    dump = "MYSQL_PWD=$(cat /run/secrets/root) exec mariadb-dump -uroot --hex-blob --databases app_data"
    done = mariadb.run("sh", "-c", dump)
    assert done.returncode == 0, done.stderr
    assert b"-- Dump completed" in done.stdout.splitlines()[-1]
    ask(mariadb, "DROP DATABASE app_data")
    ask(mariadb, done.stdout.decode())
    assert ask(mariadb, ALL) == before


def test_wrong_password(mariadb: Container) -> None:
    done = mariadb.run("env", "MYSQL_PWD=wrong", "mariadb-dump", "-uroot", "--databases", "app_data")
    assert done.returncode == 2
    assert b"Access denied" in done.stderr


def test_data_without_the_login_of_the_probe_stays_unhealthy(mariadb: Container) -> None:
    mariadb.run("rm", "/var/lib/mysql/.my-healthcheck.cnf")
    assert mariadb.run(*PROBE).returncode == 1
    assert mariadb.run("healthcheck.sh", "--connect").returncode == 0
