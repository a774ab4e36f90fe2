"""The index of the catalogue, and the one resolver, over a small catalogue made for the purpose and the real one."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path
from typing import Any

import pytest

from scaffold.catalog.index import PRESETS, QUESTIONS, SERVICES, SHARED, Catalog, generate, load
from scaffold.catalog.links import links_of
from scaffold.catalog.resolve import combinations, images, resolve
from scaffold.errors import ScaffoldError
from tools.examples import ROOT

HEAD = 'title = "{id}"\nsummary = "The {id}"\ncategory = "{category}"\nstate = "proven"\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A template with four entries: app wants stores and files, worker shares files, db stores, model needs db."""
    shutil.copytree(ROOT / "templates" / "lib", tmp_path / "templates" / "lib")
    (tmp_path / SHARED).write_text('[pool]\nresponsibility = "Pool"\nclass = "files"\nbackup = "files"\n')
    (tmp_path / PRESETS).write_text('[both]\nsummary = "Both"\nservices = ["app", "db"]\n')
    volume = '[volumes.{id}_data]\nresponsibility = "Data of {id}"\nclass = "files"\nbackup = "files"\n'
    bodies = {
        "app": ("app", 'wants = ["store", "files"]\n'),
        "worker": (
            "worker",
            volume
            + '[[offers]]\ncapabilities = ["files"]\nmounts = [{{ volume = "worker_data", path = "/data/files" }}]\n',
        ),
        "db": (
            "database",
            volume + "[secrets.db_password]\n"
            'volume = "db_data"\n[[offers]]\ncapabilities = ["store", "sql"]\nservice = "db"\n'
            'environment = {{ DB_HOST = "db" }}\nsecrets = ["db_password"]\n'
            '[[questions]]\nname = "db_major"\nhelp = "Major"\nchoices = ["2", "1"]\ndefault = "2"\nkeep = true\n',
        ),
        "model": ("model", 'requires = ["db"]\n'),
    }
    for id, (category, body) in bodies.items():
        write(tmp_path, id, HEAD.format(id=id, category=category) + body.format(id=id))
    return tmp_path


def write(root: Path, id: str, text: str) -> None:
    folder = root / SERVICES / id
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "service.toml").write_text(text)


def built(root: Path) -> Catalog:
    for path, text in generate(root).items():
        path.write_text(text)
    return load(root)


def test_order_is_by_category_then_id(root: Path) -> None:
    assert list(built(root).entries) == ["app", "worker", "db", "model"]


def test_a_required_service_comes_too_and_says_for_whom(root: Path) -> None:
    stack = resolve(built(root), {"services": ["model"], "project_name": "p"})
    assert stack["services"] == ["db", "model"]
    assert stack["brought"] == [{"id": "db", "by": ["model"]}]
    assert stack["absent"] == ["app", "worker"]


def test_a_question_is_raised_by_who_brings_its_entry_too(root: Path) -> None:
    catalog = built(root)
    assert [question["name"] for question in catalog.questions(["model"])] == ["db_major"]
    assert catalog.questions(["app"]) == []
    text = (root / QUESTIONS).read_text()
    assert "'db' in services or 'model' in services or db_major is defined" in text


def test_links_give_environment_secrets_order_and_read_only_mounts(root: Path) -> None:
    stack = resolve(built(root), {"services": ["app", "db", "worker"], "project_name": "p"})
    assert stack["links"]["app"] == {
        "environment": [{"name": "DB_HOST", "value": "db"}],
        "secrets": ["db_password"],
        "mounts": [{"volume": "worker_data", "path": "/data/files", "access": "read"}],
        "waits": [{"service": "db", "condition": "service_healthy", "of": "db"}],
        "from": ["worker", "db"],
        "shares": [],
    }
    assert stack["links"]["db"]["from"] == []
    volumes = {volume["name"]: (volume["owner"], volume["writers"], volume["readers"]) for volume in stack["volumes"]}
    assert volumes == {"worker_data": ("worker", ["worker"], ["app"]), "db_data": ("db", ["db"], [])}
    assert links_of(load(root), "app") == {"uses": ["worker", "db"], "used_by": []}
    assert links_of(load(root), "db") == {"uses": [], "used_by": ["app"]}


def test_a_link_may_let_write_and_then_the_volume_is_the_writers(root: Path) -> None:
    worker = root / SERVICES / "worker" / "service.toml"
    mount = '{ volume = "pool", path = "/data/pool", access = "write" }'
    worker.write_text(
        worker.read_text()
        .replace("[volumes", 'shared = { pool = "read" }\n[volumes')
        .replace('{ volume = "worker_data", path = "/data/files" }', mount)
    )
    catalog = built(root)
    stack = resolve(catalog, {"services": ["app", "worker"], "project_name": "p"})
    assert stack["links"]["app"]["mounts"] == [{"volume": "pool", "path": "/data/pool", "access": "write"}]
    volumes = {volume["name"]: (volume["owner"], volume["writers"], volume["readers"]) for volume in stack["volumes"]}
    assert volumes["pool"] == ("app", ["app"], ["worker"])
    alone = resolve(catalog, {"services": ["worker"], "project_name": "p"})
    assert [(each["owner"], each["writers"]) for each in alone["volumes"] if each["name"] == "pool"] == [("worker", [])]


def test_who_writes_of_its_own_stays_the_owner_when_others_write_by_a_link(root: Path) -> None:
    worker = root / SERVICES / "worker" / "service.toml"
    worker.write_text(worker.read_text().replace('"/data/files" }', '"/data/files", access = "write" }'))
    stack = resolve(built(root), {"services": ["app", "worker"], "project_name": "p"})
    [volume] = [each for each in stack["volumes"] if each["name"] == "worker_data"]
    assert (volume["owner"], volume["writers"], volume["readers"]) == ("worker", ["worker", "app"], [])


def test_the_order_of_choosing_changes_nothing(root: Path) -> None:
    catalog = built(root)
    stacks = [
        resolve(catalog, {"services": list(order), "project_name": "p"})
        for order in itertools.permutations(["app", "db", "worker"])
    ]
    assert all(stack == stacks[0] for stack in stacks)


def test_a_shared_volume_is_one_and_belongs_to_who_writes_it(root: Path) -> None:
    users = (("reader", "app", "read"), ("first", "worker", "write"), ("second", "worker", "write"))
    for id, category, access in users:
        write(root, id, HEAD.format(id=id, category=category) + f'shared = {{ pool = "{access}" }}\n')
    catalog = built(root)

    def pool(*services: str) -> tuple[str, list[str], list[str]]:
        stack = resolve(catalog, {"services": list(services), "project_name": "p"})
        (volume,) = stack["volumes"]
        return volume["owner"], volume["writers"], volume["readers"]

    assert pool("reader", "first", "second") == ("first", ["first", "second"], ["reader"])
    assert pool("reader", "second") == ("second", ["second"], ["reader"])
    assert pool("reader") == ("reader", [], ["reader"]), "filled by a service of the user's own"


PROVIDED = """only = {{ where = "own" }}
[[questions]]
name = "where"
help = "Where?"
provider = "sql"
default = "own"
keep = true
"""


@pytest.fixture
def keeper(root: Path) -> Catalog:
    """One more entry, whose data is on a volume of its own or in what offers `sql`."""
    volume = '[volumes.keeper_data]\nresponsibility = "Data"\nclass = "files"\nbackup = "files"\n'
    write(root, "keeper", HEAD.format(id="keeper", category="tracking") + volume + PROVIDED.format())
    return built(root)


def test_a_question_for_a_provider_offers_what_was_chosen(keeper: Catalog) -> None:
    def asked(*services: str) -> tuple[list[str], str]:
        (question,) = [question for question in keeper.questions(list(services)) if question["name"] == "where"]
        return question["choices"], question["default"]

    assert asked("keeper") == (["own"], "own")
    assert asked("db", "keeper") == (["own", "db"], "db")


def test_the_answer_decides_on_volume_link_and_company(keeper: Catalog) -> None:
    def stack(services: list[str], where: str) -> dict[str, Any]:
        return resolve(keeper, {"services": services, "project_name": "p", "where": where, "db_major": "2"})

    own = stack(["db", "keeper"], "own")
    assert "keeper_data" in [volume["name"] for volume in own["volumes"]]
    assert own["links"]["keeper"]["from"] == []
    elsewhere = stack(["db", "keeper"], "db")
    assert "keeper_data" not in [volume["name"] for volume in elsewhere["volumes"]]
    assert elsewhere["links"]["keeper"]["secrets"] == ["db_password"]
    # Taking the database out of the choice does not take it from under the one whose data is in it.
    kept = stack(["keeper"], "db")
    assert kept["services"] == ["db", "keeper"]
    assert kept["brought"] == [{"id": "db", "by": ["keeper"]}]
    assert stack(["app"], "db")["services"] == ["app"], "an answer of who is not there brings nobody"


def test_a_stack_is_the_union_of_its_entries() -> None:
    catalog = load(ROOT)
    for size in (1, 2, len(catalog.entries)):
        for chosen in itertools.combinations(catalog.entries, size):
            stack = resolve(catalog, next(combinations(catalog, list(chosen))))
            assert set(stack["services"]) >= set(chosen)
            assert set(stack["services"]) | set(stack["absent"]) == set(catalog.entries)
            expected = [item["name"] for id in stack["services"] for item in catalog.entries[id]["secrets"]]
            assert [item["name"] for item in stack["secrets"]] == expected
            names = [volume["name"] for volume in stack["volumes"]]
            assert len(names) == len(set(names))
            assert set(names) <= {item["name"] for id in stack["services"] for item in catalog.entries[id]["volumes"]}


def test_no_two_ports_are_the_same_by_default() -> None:
    ports = [port["default"] for entry in load(ROOT).entries.values() for port in entry["ports"]]
    assert sorted(ports) == sorted(set(ports))


@pytest.mark.parametrize(
    ("id", "text", "what"),
    [
        ("other", HEAD.format(id="other", category="app") + 'requires = ["dbb"]\n', "requires"),
        ("other", HEAD.format(id="other", category="app") + "[secrets.db_password]\n", "db_password"),
        ("other", HEAD.format(id="other", category="nothing"), "category"),
        ("other", HEAD.format(id="other", category="app") + 'shared = { poool = "read" }\n', "shared"),
    ],
)
def test_an_entry_that_does_not_fit_the_others_is_refused(root: Path, id: str, text: str, what: str) -> None:
    write(root, id, text)
    with pytest.raises(ScaffoldError, match=what):
        generate(root)


def test_a_preset_of_unknown_services_is_refused(root: Path) -> None:
    (root / PRESETS).write_text('[both]\nsummary = "Both"\nservices = ["ap"]\n')
    with pytest.raises(ScaffoldError) as refused:
        generate(root)
    assert "`app`" in refused.value.fix


def test_a_folder_without_an_index_is_no_template(tmp_path: Path) -> None:
    with pytest.raises(ScaffoldError, match="not a template"):
        load(tmp_path)


def test_images_are_those_of_every_answer() -> None:
    catalog = load(ROOT)
    assert images(catalog, "postgres") == [
        "pgvector/pgvector:0.8.6-pg17-trixie",
        "pgvector/pgvector:0.8.6-pg18-trixie",
        "postgres:17-trixie",
        "postgres:18-trixie",
    ]
    assert images(catalog, "flask") == ["python:3.13.15-slim-trixie"]
    assert len(list(combinations(catalog, ["postgres"]))) == 4
