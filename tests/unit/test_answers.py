"""Answers from flags and files: what is wrong is refused with what would be right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from scaffold.catalog.index import Catalog, load
from scaffold.errors import COULD_NOT, ScaffoldError
from scaffold.project import answers
from tools.examples import ROOT


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load(ROOT)


def refused(catalog: Catalog, **given: object) -> ScaffoldError:
    with pytest.raises(ScaffoldError) as caught:
        answers.complete(catalog, {"project_name": "p", "services": ["postgres"], **given})
    return caught.value


def test_open_questions_take_their_defaults(catalog: Catalog) -> None:
    complete = answers.complete(catalog, {"project_name": "p", "services": ["postgres"], "postgres_vector": "yes"})
    assert complete == {
        "project_name": "p",
        "services": ["postgres"],
        "postgres_major": "18",
        "postgres_vector": True,
    }


def test_only_raised_questions_are_answered(catalog: Catalog) -> None:
    assert set(answers.complete(catalog, {"project_name": "p", "services": ["redis"]})) == {"project_name", "services"}


def test_what_does_not_fit_is_refused(catalog: Catalog) -> None:
    assert "18, 17" in refused(catalog, postgres_major="16").fix
    assert "true or false" in refused(catalog, postgres_vector="maybe").fix
    assert "`postgres_major`" in refused(catalog, postgres_majr="17").fix
    assert "there is" in refused(catalog, zzzzzz="1").fix
    unasked = refused(catalog, services=["redis"], postgres_major="17")
    assert "not asked" in unasked.what
    assert "-s postgres" in unasked.fix


@pytest.mark.parametrize("name", ["", "My App", "-x", "UPPER", "a" * 64, "é", "a.b", None, 3, "a/b", "$(x)"])
def test_bad_project_names(name: object) -> None:
    with pytest.raises(ScaffoldError, match="project's name"):
        answers.project_name(name)


@pytest.mark.parametrize("name", ["a", "0", "my-rag", "a_b", "a" * 63])
def test_good_project_names(name: str) -> None:
    assert answers.project_name(name) == name


def test_the_pattern_is_the_templates_too() -> None:
    first = next(yaml.safe_load_all((ROOT / "copier.yml").read_text()))
    assert f"^{answers.PROJECT_NAME.pattern}$" in first["project_name"]["validator"]


@pytest.mark.parametrize(
    ("folder", "name"), [("My App", "my-app"), ("rag.v2", "rag-v2"), ("...", ""), ("_x_", "x"), ("Ünï", "n")]
)
def test_a_name_is_suggested_from_the_folder(folder: str, name: str) -> None:
    assert answers.suggested_name(Path(folder)) == name


def test_flags() -> None:
    assert answers.from_flags(["a=b", "c=d=e", "services=flask, mongo"]) == {
        "a": "b",
        "c": "d=e",
        "services": ["flask", "mongo"],
    }
    for bad in ("a", "=b"):
        with pytest.raises(ScaffoldError, match="cannot read"):
            answers.from_flags([bad])


def test_a_file_may_be_yaml_json_or_a_projects_own(tmp_path: Path) -> None:
    path = tmp_path / "answers"
    path.write_text("_commit: v1\n_src_path: x\nseeded: [flask]\nservices: [flask]\n")
    assert answers.from_file(path) == {"services": ["flask"]}
    path.write_text(json.dumps({"services": ["flask"]}))
    assert answers.from_file(path) == {"services": ["flask"]}


@pytest.mark.parametrize("text", ["[1]", "a: [", "", "1: 2", "!!python/object/apply:os.system ['id']"])
def test_a_file_that_holds_no_answers_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "answers"
    path.write_text(text)
    with pytest.raises(ScaffoldError, match="answers file"):
        answers.from_file(path)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(ScaffoldError) as caught:
            answers.from_file(path)
        assert caught.value.code == COULD_NOT
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScaffoldError, match="neither YAML nor JSON"):
        answers.from_file(tmp_path / "binary")


def test_presets_and_services_add_up(catalog: Catalog) -> None:
    assert answers.merged_services(catalog, ["web"], ["redis", "flask"]) == ["flask", "mongo", "redis"]
    with pytest.raises(ScaffoldError) as caught:
        answers.merged_services(catalog, ["webb"], [])
    assert "`web`" in caught.value.fix
