"""Volumes that people share, as answers: one more, another, without somebody, beside what the owner added."""

from __future__ import annotations

from typing import Any

import pytest

from scaffold.catalog.index import load
from scaffold.compose.project import read_project
from scaffold.errors import ScaffoldError
from scaffold.project import shares
from scaffold.project.shares import Wish
from tools.examples import ROOT

CATALOG = load(ROOT)


def wish(**given: Any) -> Wish:
    return Wish("features", **given)


WHOLE = wish(path="/shared/features", writers=("flask",), readers=("fastapi",), responsibility="Features")
SHARE: dict[str, Any] = {
    "name": "features",
    "path": "/shared/features",
    "writer": "flask",
    "readers": ["fastapi"],
    "responsibility": "Features",
}


def test_a_new_one_says_all_that_it_is() -> None:
    assert shares.with_wish([], WHOLE) == [SHARE]
    for given, missing in (
        ({}, "--path and --writer and --responsibility and --reader"),
        ({"path": "/x", "writers": ("flask",), "responsibility": "x"}, "--reader"),
        ({"path": "/x", "readers": ("flask",), "responsibility": "x"}, "--writer"),
    ):
        with pytest.raises(ScaffoldError, match=f"needs {missing}$"):
            shares.with_wish([], wish(**given))
    two = wish(path="/x", writers=("flask", "fastapi"), responsibility="x")
    assert shares.with_wish([], two)[0]["more_writers"] == ["fastapi"], "two that write share as well"


def test_of_one_that_is_there_only_what_is_given_becomes_otherwise() -> None:
    other = {**SHARE, "name": "others"}
    assert shares.with_wish([SHARE, other], wish()) == [SHARE, other]
    assert shares.with_wish([SHARE, other], WHOLE) == [SHARE, other], "the same call twice"
    changed = shares.with_wish([SHARE, other], wish(readers=("mlflow",), klass="cache"))
    assert changed == [{**SHARE, "readers": ["mlflow"], "class": "cache"}, other]
    assert shares.with_wish([SHARE], wish(writers=("fastapi",))) == [{**SHARE, "writer": "fastapi", "readers": []}]
    many = {**SHARE, "more_writers": ["redis"]}
    assert shares.with_wish([many], wish(writers=("flask",))) == [SHARE], "one writer again"
    assert shares.with_wish([many], wish(readers=("mlflow",)))[0]["more_writers"] == ["redis"]


def test_who_goes_leaves_the_volumes_that_they_share() -> None:
    share = {**SHARE, "readers": ["fastapi", "mlflow"], "class": "index"}
    assert shares.remaining([share], ["flask", "mlflow"]) == [{**share, "readers": ["mlflow"]}]
    assert shares.remaining([share], ["flask"]) == [{**share, "readers": []}], "the volume stays the writer's"
    many = {**share, "more_writers": ["redis"]}
    assert shares.remaining([many], ["redis", "mlflow"]) == [{**share, "writer": "redis", "readers": ["mlflow"]}]
    with pytest.raises(ScaffoldError, match=r"`flask` cannot go: it writes") as raised:
        shares.remaining([share], ["fastapi", "mlflow"])
    assert "scaffold unshare features" in raised.value.fix
    assert "--writer fastapi" in raised.value.fix


def test_unsharing_what_is_not_shared() -> None:
    assert shares.without([SHARE], "features") == []
    with pytest.raises(ScaffoldError) as raised:
        shares.without([SHARE], "feature")
    assert "`features`" in raised.value.fix
    with pytest.raises(ScaffoldError) as raised:
        shares.without([], "feature")
    assert "has none" in raised.value.fix


@pytest.mark.parametrize("value", ["features", {"name": "x"}, ["features"], [{"path": "/x"}]])
def test_answers_that_somebody_broke(value: Any) -> None:
    with pytest.raises(ScaffoldError, match="no list of volumes"):
        shares.recorded({"shared_volumes": value})


OWN = """\
services:
  flask:
    volumes:
      - notes:/notes
      - type: bind
        source: .
        target: /shared/features/raw
  redis:
    volumes:
      - features:/shared/features
volumes:
  notes:
  features:
"""


def test_what_the_owner_added_is_not_hidden_and_not_declared_twice() -> None:
    project = read_project({"compose.yaml": OWN}.get)
    for path in ("/notes", "/notes/x", "/shared", "/shared/features", "/shared/features/raw/x"):
        with pytest.raises(ScaffoldError, match="`flask` has"):
            shares.check_own(project, {**SHARE, "path": path})
    shares.check_own(project, {**SHARE, "path": "/shared/other"})
    shares.check_own(project, {**SHARE, "writer": "redis"})  # that is the volume itself
    with pytest.raises(ScaffoldError, match="a volume `notes` already") as raised:
        shares.check_free(CATALOG, project, "notes")
    assert "compose.yaml:12" in raised.value.why
    with pytest.raises(ScaffoldError, match="the catalogue has a volume `qdrant_data`, of `qdrant`"):
        shares.check_free(CATALOG, project, "qdrant_data")
    shares.check_free(CATALOG, project, "others")


def test_a_new_writer_of_another_user_is_told_how_to_take_over() -> None:
    command = shares.handed_over(CATALOG, SHARE, {**SHARE, "writer": "postgres"})
    assert command.endswith("--user 0:0 --entrypoint chown postgres -R 999:999 /shared/features")
    for other in ("flask", "fastapi", "mlflow"):
        assert shares.handed_over(CATALOG, SHARE, {**SHARE, "writer": other}) == "", "the same user, or root"
    assert shares.handed_over(CATALOG, None, SHARE) == ""
    assert "-R 10001:10001" in shares.handed_over(CATALOG, {**SHARE, "writer": "mlflow"}, SHARE)
