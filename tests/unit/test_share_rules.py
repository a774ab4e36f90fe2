"""Volumes that people share: what the rules take and refuse, and who entries say they are."""

from __future__ import annotations

import re
from typing import Any

import pytest

from scaffold import facts
from scaffold.catalog.entry import BUILT, CLASSES
from scaffold.catalog.index import SERVICES, load
from scaffold.catalog.refusal import refusal
from scaffold.catalog.resolve import Rendering, combinations, images, resolve
from scaffold.compose.project import read_project
from scaffold.errors import ScaffoldError
from tools.examples import ROOT

CATALOG = load(ROOT)
RENDERING = Rendering(CATALOG)
CHOSEN = ["fastapi", "flask", "faiss-worker", "postgres", "redis", "seaweedfs", "mlflow"]
GOOD: dict[str, Any] = {
    "name": "features",
    "path": "/shared/features",
    "writer": "flask",
    "readers": ["fastapi", "postgres"],
    "responsibility": "Features for training",
}


def stack(*volumes: Any, services: list[str] | None = None) -> dict[str, Any]:
    answers = next(combinations(CATALOG, services or CHOSEN))
    return RENDERING.stack({**answers, "shared_volumes": list(volumes)})


def without(key: str) -> dict[str, Any]:
    return {other: value for other, value in GOOD.items() if other != key}


def test_one_is_declared_and_mounted() -> None:
    found = stack(GOOD)
    assert found["volumes"][-1] == {
        "name": "features",
        "responsibility": "Features for training",
        "class": "files",
        "backup": "files",
        "refill": "",
        "owner": "flask",
        "writers": ["flask"],
        "readers": ["fastapi", "postgres"],
        "options": {},
        "where": "",
    }
    mounts = {id: [one["mode"] for one in link["shares"]] for id, link in found["links"].items() if link["shares"]}
    assert mounts == {"flask": [""], "fastapi": [":ro,nocopy"], "postgres": [":ro,nocopy"]}
    assert found["inits"] == {}, "its Dockerfile makes the folder"


@pytest.mark.parametrize(
    ("writer", "init"), [("postgres", "999:999"), ("redis", "999:999"), ("seaweedfs", "1000:1000"), ("mlflow", None)]
)
def test_a_writer_with_a_user_of_its_own_gets_an_init_step(writer: str, init: str | None) -> None:
    found = stack({**GOOD, "writer": writer, "readers": ["flask"]})
    path = {"volume": "features", "path": "/shared/features"}
    assert found["inits"] == ({writer: {"user": init, "mounts": [path]}} if init else {})
    assert found["links"][writer]["shares"][0]["mode"] == ":nocopy"


def test_a_cache_is_not_backed_up_and_says_how_it_fills_again() -> None:
    volume = stack({**GOOD, "class": "cache"})["volumes"][-1]
    assert (volume["backup"], volume["refill"]) == ("none", "`flask` writes it again")
    assert stack({**GOOD, "class": "cache", "backup": "files"})["volumes"][-1]["backup"] == "files"


@pytest.mark.parametrize("klass", CLASSES)
def test_every_class_can_be(klass: str) -> None:
    assert stack({**GOOD, "class": klass})["volumes"][-1]["class"] == klass


BAD: list[tuple[str, Any, str]] = [
    ("no record", "features", "is not `name`, `path`"),
    *((f"no {key}", without(key), f"has no `{key}`") for key in ("name", "path", "writer", "responsibility")),
    ("unknown key", {**GOOD, "reader": "fastapi"}, "`reader`, which is not known"),
    ("number", {**GOOD, "path": 1}, "`path` is no text"),
    ("text for a list", {**GOOD, "readers": "fastapi"}, "`readers` is no list"),
    ("mapping for a list", {**GOOD, "readers": {"fastapi": 1}}, "`readers` is no list"),
    ("number for a list", {**GOOD, "more_writers": 1}, "`more_writers` is no list"),
    ("number in a list", {**GOOD, "readers": [1]}, "`1` is not in this project"),
    *(
        (f"name {name!r}", {**GOOD, "name": name}, "cannot be a volume's name")
        for name in ("", "A", "a b", "a-b", "1a", "_a", "a", "a\n", "no", "null", "true", "ä1", "a" * 64, "../a", "a$b")
    ),
    ("an entry's name", {**GOOD, "name": "postgres_data"}, "`postgres` has a volume `postgres_data`"),
    ("a name of several entries", {**GOOD, "name": "user_uploads"}, "has a volume `user_uploads`"),
    *(
        (f"path {path!r}", {**GOOD, "path": path}, "is no path in a container")
        for path in (
            "", "/", "data", "./data", "/data/", "//data", "/data//x", "/data/../etc", "/..", "/.x", "/a:b", "/a b",
            "/a\n", "/a\n/b", "/a$b", "/a,b", "/ä", "/" + "a" * 200, "C:\\x", "~/x", "/a'b", '/a"b',
        )
    ),
    *(
        (f"path {path}", {**GOOD, "path": path}, "is a folder of the image itself")
        for path in ("/etc", "/etc/x", "/usr/local/x", "/app", "/app/x", "/proc/x", "/tmp/x", "/var", "/data")
    ),
    ("the service's own", {**GOOD, "path": "/data/uploads"}, "`flask` has something at /data/uploads"),
    ("inside its own", {**GOOD, "path": "/data/uploads/x"}, "`flask` has something at /data/uploads"),
    ("above its own", {**GOOD, "path": "/var/lib/postgresql"}, "`postgres` has something at /var/lib/postgresql"),
    ("inside a reader's", {**GOOD, "path": "/data/x", "readers": ["redis"]}, "`redis` has something at /data"),
    ("a link's", {**GOOD, "path": "/data/vector_store"}, "has something at /data/vector_store"),
    ("the entrypoint's", {**GOOD, "path": "/docker-entrypoint-initdb.d"}, "`postgres` has something at"),
    ("unknown writer", {**GOOD, "writer": "mongo"}, "`mongo` is not in this project"),
    ("unknown reader", {**GOOD, "readers": ["mongo"]}, "`mongo` is not in this project"),
    ("writer reads", {**GOOD, "readers": ["flask"]}, "named twice"),
    ("twice", {**GOOD, "readers": ["fastapi", "fastapi"]}, "named twice"),
    ("other users", {**GOOD, "more_writers": ["redis"], "readers": []}, "`flask` writes as user 10001:10001"),
    ("root and another", {**GOOD, "more_writers": ["mlflow"], "readers": []}, "neither could change"),
    ("class", {**GOOD, "class": "data"}, "`data` is no class"),
    ("backup", {**GOOD, "backup": "postgres-dump"}, "is no way to back up"),
    *(
        (f"responsibility {text!r}", {**GOOD, "responsibility": text}, "no sentence that fits in a table")
        for text in ("", " ", "a\nb", "a\n", "a|b", 'a"b', "a`b", "<b>", "${X}", "{{ x }}", "{% x %}", "a #b", "a\\b",
                     " a", "a ", "a" * 201, "a\x00", "a\u2028b")
    ),
]  # fmt: skip


@pytest.mark.parametrize(("volume", "why"), [pytest.param(volume, why, id=name) for name, volume, why in BAD])
def test_what_does_not_fit_is_refused_with_the_reason(volume: Any, why: str) -> None:
    with pytest.raises(ScaffoldError) as raised:
        stack(volume)
    assert "shared volume" in raised.value.what
    assert why in raised.value.why
    assert raised.value.fix


@pytest.mark.parametrize(
    "volume",
    [
        {**GOOD, "path": "/data/features"},
        {**GOOD, "path": "/var/lib/features"},
        {**GOOD, "path": "/data/uploads2"},
        {**GOOD, "more_writers": ["faiss-worker"], "readers": []},
        {**GOOD, "writer": "postgres", "more_writers": ["redis"], "readers": []},
        {**GOOD, "responsibility": "Für alle: 100 % (roh) & 'fein', ja!"},
        {**GOOD, "name": "a1", "readers": []},
        {**GOOD, "name": "mongo_data"},  # of who is not chosen: the next version's new entry is no reason to stop
    ],
)
def test_what_fits_is_taken(volume: dict[str, Any]) -> None:
    assert volume["name"] in [one["name"] for one in stack(volume)["volumes"]]


def test_two_volumes_meet_neither_by_name_nor_by_path() -> None:
    other = {**GOOD, "name": "others", "path": "/shared/others"}
    assert len(stack(GOOD, other)["links"]["flask"]["shares"]) == 2
    for second, why in (
        (GOOD, "is there twice"),
        ({**other, "path": "/shared/features/x"}, "`flask` has something at /shared/features"),
        ({**other, "path": "/shared"}, "`flask` has something at /shared/features"),
    ):
        with pytest.raises(ScaffoldError) as raised:
            stack(GOOD, second)
        assert why in raised.value.why
    apart = {**other, "path": "/shared/features", "writer": "redis", "readers": ["seaweedfs"]}
    assert stack(GOOD, apart), "where no service has both"


def test_what_is_no_list_is_refused() -> None:
    for value in ("features", {"name": "features"}, 1):
        with pytest.raises(ScaffoldError, match="shared_volumes"):
            resolve(CATALOG, {**next(combinations(CATALOG, CHOSEN)), "shared_volumes": value})


def test_only_a_refusal_is_read_as_one() -> None:
    assert refusal("'dict object' has no attribute 'refused'") is None
    assert refusal("'x' is undefined") is None
    assert refusal("'dict object' has no attribute 'refused: a' + 'b'") is None
    hostile = refusal(r"'dict object' has no attribute 'refused: \x1b[2J'")
    assert hostile is not None
    assert hostile.what == "?[2J", "nothing for a terminal to obey"
    error = refusal("""'dict object' has no attribute "refused: it's `a`; why: x; do; this" """)
    assert error is not None
    assert (error.what, error.why, error.fix) == ("it's `a`", "why: x", "do; this")


@pytest.mark.parametrize("id", CATALOG.entries)
def test_an_entry_is_who_its_image_is(id: str) -> None:
    share, folder = CATALOG.entries[id]["share"], ROOT / SERVICES / id
    assert share, "every entry of the standard template takes part"
    assert share["built"] == (folder / "Dockerfile.jinja").is_file()
    if share["built"]:
        answers = next(combinations(CATALOG, [id]))
        dockerfile = RENDERING.text(f"{SERVICES}/{id}/Dockerfile.jinja", {**answers, "stack": RENDERING.stack(answers)})
        assert re.findall(r"^USER (.*)", dockerfile, re.MULTILINE)[-1] == share["user"] == BUILT
        return
    owners = {known.owner for reference in images(CATALOG, id) if (known := facts.lookup(reference))}
    assert owners == {share["user"].replace("0:0", "root") if share["user"] == "0:0" else share["user"]}


@pytest.mark.parametrize("id", CATALOG.entries)
def test_every_mount_of_an_entry_is_taken(id: str) -> None:
    share = CATALOG.entries[id]["share"]
    for answers in combinations(CATALOG, [id]):
        text = RENDERING.text(f"{SERVICES}/{id}/compose.yaml.jinja", {**answers, "stack": RENDERING.stack(answers)})
        project = read_project({"compose.yaml": text}.get)
        targets = {one.target for service in project.services.values() for one in service.mounts}
        assert targets <= set(share["taken"])
