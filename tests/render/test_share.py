"""Volumes that people share: through every command that changes a project, with edits, and from every release."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import yaml

from scaffold.catalog.index import load
from scaffold.catalog.resolve import combinations
from scaffold.errors import ScaffoldError
from scaffold.project.render import render
from scaffold.project.source import Template
from tests.render.test_life_releases import old  # noqa: F401
from tests.support import compose, copier, life
from tests.support.cli import Runner
from tools.examples import ROOT

CATALOG = load(ROOT)
SHARE = ("--path", "/shared/features", "--writer", "flask", "--reader", "postgres", "--responsibility", "Features")
EDIT = next(edit for edit in life.EDITS if edit.name == "environment")


def answers(project: Path) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load((project / ".copier-answers.yml").read_text())
    return data


def mounts(project: Path, volume: str) -> dict[str, tuple[str, bool]]:
    """Where each service has a volume in what Compose makes of the project, and whether it may write."""
    services = compose.config.__wrapped__(project, compose.VERSIONS[-1])["services"]  # the project goes on changing
    return {
        id: (mount["target"], not mount.get("read_only", False))
        for id, service in services.items()
        for mount in service.get("volumes", [])
        if mount.get("source") == volume
    }


def change(scaffold: Runner, project: Path, *args: object, code: int = 0) -> Any:
    """Change the project and commit that."""
    result = scaffold(*args, "--yes", "--json", "--project", project)
    assert result.code == code, result.err
    copier.commit(project)
    return result.document


def declared_once_and_documented(living: Path) -> None:
    text = (living / "compose.yaml").read_text()
    assert yaml.safe_load(text)["x-scaffold"]["volumes"]["features"] == {
        "responsibility": "Features", "class": "files", "owner": "flask", "backup": "files",
    }  # fmt: skip
    assert "  # Features\n  features:\n" in text
    listed = (living / "VOLUMES.md").read_text()
    assert "| `features` | Features | files | flask | flask | postgres | files |" in listed
    assert "flask -->|writes| features\n" in listed
    assert "features -->|reads| postgres\n" in listed
    assert "/data/uploads /shared/features" in (living / "services/flask/Dockerfile").read_text()


@pytest.mark.usefixtures("install")
def test_shared_changed_and_unshared(living: Path, scaffold: Runner) -> None:
    life.edited(living, EDIT)
    before = life.tracked(living)
    looked = scaffold("share", "features", *SHARE, "--dry-run", "--json", "--project", living)
    assert looked.code == 0, looked.err
    assert life.tracked(living) == before
    assert [one["name"] for one in looked.document["impact"]["volumes_added"]] == ["features"]
    change(scaffold, living, "share", "features", *SHARE)
    assert mounts(living, "features") == {"flask": ("/shared/features", True), "postgres": ("/shared/features", False)}
    declared_once_and_documented(living)
    # Nothing else, and the edits are there.
    touched = {path for path, text in life.tracked(living).items() if before.get(path) != text}
    assert touched == {
        ".copier-answers.yml", "VOLUMES.md", "compose.yaml", "services/flask/Dockerfile",
        "services/flask/compose.yaml", "services/postgres/compose.yaml",
    }  # fmt: skip
    assert "TEAM: ours" in (living / "services/flask/compose.yaml").read_text()
    again = scaffold("share", "features", *SHARE, "--json", "--project", living)
    assert (again.code, again.document["changed"]) == (0, False)
    # Another path is something to look at; other readers are not.
    change(scaffold, living, "share", "features", "--reader", "postgres", "--reader", "mongo")
    assert mounts(living, "features").keys() == {"flask", "postgres", "mongo"}
    change(scaffold, living, "share", "features", "--path", "/shared/other", code=1)
    assert {path for path, _ in mounts(living, "features").values()} == {"/shared/other"}
    # Back to what it was, but for the answer.
    result = scaffold("unshare", "features", "--yes", "--project", living)
    assert result.code == 1, "the writer loses its mount: something to look at"
    assert "scaffold share features --path /shared/other --writer flask --reader postgres --reader mongo" in result.err
    copier.commit(living)
    assert answers(living)["shared_volumes"] == []
    after = life.tracked(living)
    del before[".copier-answers.yml"], after[".copier-answers.yml"]
    assert after == before


@pytest.mark.usefixtures("install")
def test_services_come_and_go(living: Path, scaffold: Runner) -> None:
    change(scaffold, living, "share", "features", *SHARE, "--reader", "mongo")
    change(scaffold, living, "add", "redis")
    assert mounts(living, "features").keys() == {"flask", "postgres", "mongo"}
    change(scaffold, living, "share", "features", "--reader", "postgres", "--reader", "mongo", "--reader", "redis")
    change(scaffold, living, "remove", "mongo")
    assert mounts(living, "features").keys() == {"flask", "postgres", "redis"}
    assert answers(living)["shared_volumes"][0]["readers"] == ["postgres", "redis"]
    before = life.tracked(living)
    refused = scaffold("remove", "flask", "--yes", "--project", living)
    assert refused.code == 2
    assert "scaffold unshare features" in refused.err
    assert life.tracked(living) == before
    change(scaffold, living, "share", "features", "--writer", "redis", code=1)
    assert mounts(living, "features")["redis"] == ("/shared/features", True)
    assert mounts(living, "features")["redis-share-init"] == ("/shared/features", True)
    change(scaffold, living, "remove", "flask")
    assert mounts(living, "features").keys() == {"postgres", "redis", "redis-share-init"}


@pytest.mark.usefixtures("install")
def test_a_service_that_would_meet_a_shared_volume_does_not_come(living: Path, scaffold: Runner) -> None:
    # Where the worker's index is mounted in every application, once there is a worker.
    change(scaffold, living, "share", "features", *SHARE, "--path", "/data/vector_store")
    before = life.tracked(living)
    refused = scaffold("add", "faiss-worker", "--yes", "--project", living)
    assert refused.code == 2
    assert "`flask` has something at /data/vector_store already" in refused.err
    assert life.tracked(living) == before


@pytest.mark.usefixtures("newer")
def test_the_next_version_of_the_template_keeps_them(begun: Path, workplace: Path, scaffold: Runner) -> None:
    living = life.copy(begun, workplace)
    change(scaffold, living, "share", "features", *SHARE, "--reader", "mongo")
    life.edited(living, EDIT)
    recorded = answers(living)["shared_volumes"]
    change(scaffold, living, "update")
    assert answers(living)["_commit"] == "v9.1.0"
    assert answers(living)["shared_volumes"] == recorded
    assert mounts(living, "features").keys() == {"flask", "postgres", "mongo"}
    copier.plain("--version", folder=living)


@pytest.mark.usefixtures("install")
def test_a_project_of_every_release_can_share_after_an_update(old: Path, scaffold: Runner) -> None:  # noqa: F811
    if answers(old)["_commit"] in copier.released_versions(before="v0.5.0"):
        refused = scaffold("share", "features", *SHARE, "--yes", "--project", old)
        assert refused.code == 2
        assert "knows no shared volumes" in refused.err
        assert "scaffold update" in refused.err
    assert scaffold("update", "--yes", "--project", old).code in (0, 1)
    copier.commit(old)
    assert "shared_volumes" not in answers(old), "nobody who shares nothing hears of it"
    change(scaffold, old, "share", "features", *SHARE)
    assert mounts(old, "features").keys() == {"flask", "postgres"}


@pytest.mark.parametrize(
    ("args", "error", "hint"),
    [
        (["share", "features"], "needs --path and --writer", "scaffold share features --path"),
        (["share", "features", *SHARE, "--reader", "mogno"], "`mogno` is not in this project", "`mongo`"),
        (["share", "features", *SHARE, "--writer", "mongo"], "would both write", "--multi-writer"),
        (["share", "features", *SHARE, "--writer", "mongo", "--multi-writer"], "neither could change", "give each"),
        (["share", "mongo_data", *SHARE], "`mongo` has a volume `mongo_data`", "another name"),
        (["share", "qdrant_data", *SHARE], "the catalogue has a volume `qdrant_data`", "another name"),
        (["share", "features", *SHARE, "--class", "data"], "`data` is no class", "artifacts"),
        (["share", "features", *SHARE, "--path", "/data/uploads"], "/data/uploads already", "/shared/features"),
        (["share", "features", *SHARE, "--path", "/usr"], "a folder of the image itself", "/data/features"),
        (["share", "own_volume", *SHARE], "a volume `own_volume` already", "take out its declaration"),
        (["share", "features", *SHARE, "--path", "/own/x"], "`flask` has `own_volume` at /own", "choose another"),
        (["unshare", "features"], "no shared volume `features`", "has none"),
    ],
)
@pytest.mark.usefixtures("install")
def test_what_is_refused_changes_nothing(
    living: Path, scaffold: Runner, args: list[str], error: str, hint: str
) -> None:
    for path, below, line in (
        ("compose.yaml", "  # your own volumes below this line\n", "  own_volume:\n"),
        ("services/flask/compose.yaml", "      # your own mounts below this line\n", "      - own_volume:/own\n"),
    ):
        text = (living / path).read_text()
        (living / path).write_text(text.replace(below, below + line))
    copier.commit(living)
    before = life.tracked(living)
    result = scaffold(*args, "--yes", "--project", living)
    assert result.code == 2, result.err
    assert error in result.err
    assert hint in result.err
    assert life.tracked(living) == before


def test_plain_copier_takes_them_keeps_them_and_ends_at_what_does_not_fit(workplace: Path) -> None:
    template = copier.checkout(workplace / "template")
    copier.git(template, "tag", "v1.0.0")
    volume = {"name": "features", "path": "/shared/features", "writer": "flask", "readers": ["redis"],
              "responsibility": "Features"}  # fmt: skip
    given = {"project_name": "p", "services": ["flask", "redis"]}
    with pytest.raises(AssertionError, match="`flask` has something at /data/uploads already"):
        wrong = {**given, "shared_volumes": [{**volume, "path": "/data/uploads"}]}
        copier.plain("copy", "--defaults", *copier.data(wrong), template, "q", folder=workplace)
    assert not (workplace / "q").exists()
    copier.plain("copy", "--defaults", *copier.data({**given, "shared_volumes": [volume]}), template, "p",
                 folder=workplace)  # fmt: skip
    project = workplace / "p"
    copier.git(project, "init", "--quiet")
    copier.commit(project)
    assert answers(project)["shared_volumes"] == [volume]
    (template / "templates/project/docs.md").write_text("# More\n")
    copier.commit(template)
    copier.git(template, "tag", "v1.1.0")
    copier.plain("update", "--defaults", folder=project)
    assert answers(project)["shared_volumes"] == [volume]
    assert "features:/shared/features\n" in (project / "services/flask/compose.yaml").read_text()
    copier.commit(project)
    before = life.tracked(project)
    # A recorded one that does not fit any more is no reason to drop them all without a word.
    with pytest.raises(AssertionError, match="`flask` is not in this project"):
        copier.plain(
            "update", "--defaults", "--vcs-ref", ":current:", *copier.data({"services": ["redis"]}), folder=project
        )
    assert life.tracked(project) == before


def test_a_new_project_takes_them_from_an_answers_file(workplace: Path, scaffold: Runner) -> None:
    volume = {"name": "features", "path": "/shared/features", "writer": "redis", "readers": ["flask"],
              "responsibility": "Features", "class": "cache"}  # fmt: skip
    file = workplace / "answers.yaml"
    given = ["new", workplace / "p", "--template", ROOT, "--answers", file, "--yes", "--json"]
    file.write_text(yaml.safe_dump({"services": ["flask", "redis"], "shared_volumes": [{**volume, "path": "/data/x"}]}))
    refused = scaffold(*given)
    assert refused.code == 2
    assert "`redis` has something at /data already" in refused.err
    file.write_text(yaml.safe_dump({"services": ["flask", "redis"], "shared_volumes": [volume]}))
    made = scaffold(*given)
    assert made.code == 0, made.err
    assert "features" in [one["name"] for one in made.document["volumes"]]
    assert mounts(workplace / "p", "features").keys() == {"flask", "redis", "redis-share-init"}
    refused = scaffold("new", workplace / "q", "--template", ROOT, "-s", "flask", "--set", "shared_volumes=x", "--yes")
    assert refused.code == 2
    assert "scaffold share" in refused.err


@pytest.mark.parametrize("version", compose.VERSIONS)
@pytest.mark.parametrize("writer", CATALOG.offered)
def test_every_entry_writes_for_all_others(writer: str, version: str, template: Template, tmp_path: Path) -> None:
    """One project of everything: who writes, and that all others read, is in what each Compose makes of it."""
    readers = [id for id in CATALOG.offered if id != writer]
    volume = {"name": "shared", "path": "/shared/x", "writer": writer, "readers": readers, "responsibility": "x"}
    given = next(combinations(CATALOG, list(CATALOG.offered)))
    render(template, {**given, "shared_volumes": [volume]}, tmp_path / "p")
    (tmp_path / "p/.env").write_bytes((tmp_path / "p/.env.example").read_bytes())
    services = compose.config(tmp_path / "p", version)["services"]
    found = {
        id: mount
        for id, service in services.items()
        for mount in service.get("volumes", [])
        if mount.get("source") == "shared"
    }
    assert all(mount["target"] == "/shared/x" for mount in found.values())
    both = {id for id in found if id.startswith(writer)} - {"llama-cpp-pull"}
    assert {id for id, mount in found.items() if not mount.get("read_only")} == both
    assert {*readers, writer} <= found.keys()
    built = CATALOG.entries[writer]["share"]["built"]
    assert {id for id, mount in found.items() if not mount.get("volume", {}).get("nocopy")} == (
        {writer} if built else set()
    )


def test_rules_are_the_same_for_copier_and_for_us(template: Template, tmp_path: Path) -> None:
    """Copier and the preview run one file; what the one refuses the other does, in the same words."""
    from tests.unit.test_share_rules import BAD, CHOSEN

    given = next(combinations(CATALOG, CHOSEN))
    for _, volume, why in itertools.islice(BAD, 0, None, 5):
        with pytest.raises(ScaffoldError) as raised:
            render(template, {**given, "shared_volumes": [volume]}, tmp_path / "p")
        assert why in raised.value.why
    assert not any(tmp_path.glob("p/*"))
