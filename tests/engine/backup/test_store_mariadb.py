"""MariaDB's dumps, of a service that a project's user has added."""

from __future__ import annotations

import pytest

from tests.engine.backup.stores import dumped, killing, set_secret, sets, writing
from tests.engine.conftest import Make, Provide
from tests.support.running import Project

pytestmark = pytest.mark.engine

IMAGE = "mariadb:11.8"
OVERRIDE = f"""
services:
  shop:
    image: {IMAGE}
    environment:
      MARIADB_ROOT_PASSWORD_FILE: /run/secrets/shop_root
      MARIADB_DATABASE: shop
      MARIADB_USER: app
      MARIADB_PASSWORD_FILE: /run/secrets/shop_app
    secrets: [shop_root, shop_app]
    volumes: [shop_data:/var/lib/mysql]
    healthcheck:
      test: ["CMD", "healthcheck.sh", "--connect", "--innodb_initialized"]
      interval: 3s
      retries: 20
      start_period: 60s
volumes:
  shop_data:
secrets:
  shop_root: {{file: secrets/shop_root}}
  shop_app: {{file: secrets/shop_app}}
x-scaffold-own:
  volumes:
    shop_data: {{responsibility: The shop's tables, class: database, owner: shop, backup: mariadb-dump}}
"""
FILL = """
USE shop;
CREATE TABLE shop.goods (id INT PRIMARY KEY, name VARCHAR(50) CHARACTER SET utf8mb4, picture BLOB);
INSERT INTO shop.goods SELECT seq, CONCAT('größe 🙂 ', seq), UNHEX(CONCAT('00FF0A275C', LPAD(HEX(seq), 8, '0')))
  FROM seq_1_to_20000;
CREATE TABLE shop.old (id INT PRIMARY KEY) ENGINE=MyISAM;
INSERT INTO shop.old VALUES (1), (2);
CREATE DATABASE `-odd ``name`;
CREATE TABLE `-odd ``name`.`a b` (x INT);
INSERT INTO `-odd ``name`.`a b` VALUES (1);
CREATE ROLE reader;
GRANT SELECT ON shop.* TO reader;
CREATE USER clerk@'%' IDENTIFIED BY 'of the clerk';
GRANT reader TO clerk@'%';
SET DEFAULT ROLE reader FOR clerk@'%';
GRANT UPDATE (name) ON shop.goods TO clerk@'%';
GRANT SELECT ON shop.goods TO clerk@'%';
CREATE DEFINER=clerk@'%' VIEW shop.cheap AS SELECT id, name FROM shop.goods WHERE id < 10;
CREATE DEFINER=app@'%' VIEW shop.first AS SELECT name FROM shop.cheap WHERE id = 1;
CREATE TRIGGER shop.counting BEFORE INSERT ON shop.goods FOR EACH ROW SET NEW.name = UPPER(NEW.name);
CREATE EVENT shop.nightly ON SCHEDULE EVERY 1 DAY DO DELETE FROM shop.old WHERE id > 1000;
CREATE TABLE shop.busy (n INT);
DELIMITER //
CREATE PROCEDURE shop.two() BEGIN SELECT 2; END//
DELIMITER ;
GRANT EXECUTE ON PROCEDURE shop.two TO clerk@'%';
GRANT SELECT ON shop.first TO clerk@'%';
"""
STATE = """
SELECT COUNT(*), SUM(CRC32(name)), MD5(GROUP_CONCAT(HEX(picture) ORDER BY id)) FROM shop.goods;
SELECT * FROM shop.old;
SELECT * FROM `-odd ``name`.`a b`;
SELECT * FROM shop.first;
CALL shop.two();
SELECT trigger_name, action_statement, definer FROM information_schema.triggers WHERE trigger_schema = 'shop';
SELECT event_name, interval_value FROM information_schema.events;
SHOW GRANTS FOR clerk@'%';
SHOW GRANTS FOR reader;
"""


def sql(project: Project, statements: str, login: str = "root", secret: str = "shop_root") -> str:
    options = f"-u{login} -h 127.0.0.1 -N --default-character-set=utf8mb4 --binary-mode"
    script = f'MYSQL_PWD=$(cat /run/secrets/{secret}) exec mariadb {options} -e "$1"'
    if "DELIMITER" in statements:
        script = script.replace(" --binary-mode", "")
    return project.compose("exec", "-T", "shop", "sh", "-c", script, "sh", statements)


@pytest.fixture
def project(make: Make, image: Provide) -> Project:
    image(IMAGE)
    project = make(services=["redis"])
    project.init()
    (project.folder / "compose.override.yaml").write_text(OVERRIDE)
    set_secret(project, "shop_root", "it's \\ the `root's`")
    set_secret(project, "shop_app", "of the app")
    project.up("shop")
    sql(project, FILL)
    return project


def test_comes_back_on_an_empty_engine_with_other_passwords(project: Project) -> None:
    before = sql(project, STATE)
    assert "GRANT" in before
    with writing(lambda number: sql(project, f"INSERT INTO shop.busy VALUES ({number})")):
        said = dumped(project, "shop_data")
    assert said["counts"]["shop.goods"] == 20_000
    assert said["counts"]["-odd `name.a b"] == 1
    assert any("shop.old (MyISAM)" in each for each in said["warnings"])
    assert "the `root's`" not in str(said)
    project.compose("down", "--volumes")
    set_secret(project, "shop_root", "another 'root'")
    set_secret(project, "shop_app", "another of the app")
    project.ops("verify", "--deep", "latest")
    project.ops("restore", "latest")
    # Healthy: its probe's account has a password that was made with this volume.
    project.up("shop")
    assert sql(project, STATE) == before
    assert sql(project, "SELECT COUNT(*) FROM shop.goods", "app", "shop_app").strip() == "20000"
    set_secret(project, "shop_app", "of the clerk")
    assert sql(project, "SELECT * FROM shop.first", "clerk", "shop_app").split()


def test_replaces_what_is_there_and_drills(project: Project) -> None:
    before = sql(project, STATE)
    project.ops("backup", "--only", "shop_data")
    sql(project, "DELETE FROM shop.goods; CREATE DATABASE since; DROP USER clerk@'%'")
    project.ops("drill")
    assert sql(project, "SELECT COUNT(*) FROM shop.goods").strip() == "0"
    project.ops("restore", "latest", "--replace")
    assert sql(project, STATE) == before
    assert "since" not in sql(project, "SHOW DATABASES")


def test_wrong_password_and_a_dump_that_is_killed_half_way(project: Project) -> None:
    sql(project, "SET PASSWORD FOR root@localhost = PASSWORD('changed by hand')")
    done = project.ops("backup", "--only", "shop_data", ok=False)
    assert done.returncode == 3
    assert "Access denied" in done.stderr
    sql(project, "SET PASSWORD FOR root@localhost = PASSWORD('it''s \\\\ the `root''s`')")
    with killing(project, "shop", "mariadb-dump .*--databases"):
        done = project.ops("backup", "--only", "shop_data", ok=False)
    assert done.returncode == 3
    assert "broke off" in done.stderr
    assert not sets(project)
    dumped(project, "shop_data")
