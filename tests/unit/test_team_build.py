"""What is built of a team's folder."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from scaffold.catalog.index import load
from scaffold.errors import ScaffoldError
from scaffold.project import git, source
from scaffold.team import build as building
from scaffold.team.start import start
from tests.support import cli, team, tree


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return team.bundle_of(tmp_path_factory.mktemp("bundle") / "releases.bundle")


@pytest.mark.parametrize("there", ["file", "folder/file"])
def test_a_folder_that_is_not_empty_is_left_alone(workplace: Path, scaffold: cli.Runner, there: str) -> None:
    path = workplace / there
    path.parent.mkdir(exist_ok=True)
    path.write_text("mine")
    result = scaffold("template", "init", there.partition("/")[0])
    assert result.code == 2
    assert "is not empty" in result.err
    assert tree.files(workplace) == {there: b"mine"}


def test_a_started_folder_builds_at_once(
    workplace: Path, bundle: Path, scaffold: cli.Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "BUNDLE", bundle)
    monkeypatch.chdir(workplace)
    assert start(workplace / "deep" / "My team", bundle) == team.BASE
    assert 'name = "My-team"' in (workplace / "deep/My team/template.toml").read_text()
    looked = scaffold("template", "build", "deep/My team", "--out", "out/t.git", "--dry-run", "--json").document
    assert (looked["template"], looked["done"], looked["findings"]) == ("v9.0.0.post1", False, [])
    assert not (workplace / "out").exists()
    made = scaffold("template", "build", "deep/My team", "--out", "out/t.git")
    assert made.code == 0
    assert made.out.splitlines() == ["M\ttemplates/catalog.json", "A\ttemplates/team.toml"]
    assert [path.name for path in (workplace / "out").iterdir()] == ["t.git"]
    again = scaffold("template", "build", "deep/My team", "--out", "out/t.git", "--json")
    assert (again.code, again.document["unchanged"], again.document["done"]) == (0, True, False)


def test_the_starter_says_everything_that_can_be_said(workplace: Path, bundle: Path) -> None:
    """Every line that is commented out in template.toml is one that works."""
    folder = team.folder_of(workplace / "team", bundle)
    for name in ("template.toml", "presets.toml"):
        lines = (folder / name).read_text().splitlines()
        (folder / name).write_text(_uncommented(lines))
    plan = team.build(folder, workplace / "out.git", bundle)
    assert not plan.findings
    assert plan.laid.dropped == ["web"]
    catalog = load(_checkout(workplace / "out.git", workplace / "tree"))
    assert "mongo" not in catalog.offered
    assert (catalog.registry, "chat" in catalog.presets) == ("registry.example.com/mirror", True)


def _uncommented(lines: list[str]) -> str:
    """The lines of a starter with those that are TOML in a comment made TOML."""
    toml = re.compile(r'# (\[[\w.]+\]|["\w.]+ = ["\[].*)')
    return "\n".join(match[1] if (match := toml.fullmatch(line)) else line for line in lines) + "\n"


def _checkout(repository: Path, folder: Path) -> Path:
    git.run("clone", "--quiet", repository, folder)
    return folder


def test_what_was_chosen_differently_is_in_the_index(workplace: Path, bundle: Path) -> None:
    folder = team.folder_of(
        workplace / "team",
        bundle,
        '[defaults]\npostgres_major = "17"\n[policy.forbidden]\nredis = "No."\n',
        {
            **team.THING,
            "presets.toml": '[crud]\nsummary = "Ours"\nservices = ["thing"]\n',
            "files/a/run": "#!/bin/sh\n",
        },
    )
    (folder / "files/a/run").chmod(0o755)
    plan = team.build(folder, workplace / "out.git", bundle)
    assert (plan.version, plan.laid.dropped) == ("v9.0.0.post1", ["search"]), "crud is the team's own now"
    root = _checkout(workplace / "out.git", workplace / "tree")
    catalog = load(root)
    assert catalog.presets["crud"] == {"summary": "Ours", "services": ["thing"]}
    assert catalog.entries["redis"]["retired"] == "No."
    (major,) = [each for each in catalog.questions(["postgres"]) if each["name"] == "postgres_major"]
    assert major["default"] == "17"
    assert os.access(root / "templates/project/a/run", os.X_OK)
    index = json.loads((root / "templates/catalog.json").read_text())
    assert index["team"] == {"base": "9.0.0", "name": "t", "registry": "", "summary": ""}


def test_a_file_is_replaced_only_when_it_is_named(workplace: Path, bundle: Path) -> None:
    files = {"files/Makefile": "all:\n"}
    folder = team.folder_of(workplace / "team", bundle, 'replaces = ["Makefile"]', files)
    plan = team.build(folder, workplace / "out.git", bundle)
    assert plan.laid.replaced == ["Makefile"]
    changed = dict(plan.files)
    assert (changed["templates/project/Makefile"], changed["templates/project/Makefile.jinja"]) == ("A", "D")


def test_the_plan_needs_a_release_that_this_install_wrote(workplace: Path) -> None:
    def older(tree: Path) -> None:
        path = tree / "templates" / "catalog.json"
        path.write_text(path.read_text().replace('"summary"', '"digest"', 1))

    foreign = team.bundle_of(workplace / "foreign.bundle", older)
    folder = team.folder_of(workplace / "team", foreign)
    with pytest.raises(ScaffoldError) as error:
        team.build(folder, workplace / "out.git", foreign, "9.1.0")
    assert "made by another version" in error.value.what
    assert "catalog.json" in error.value.why
    assert "compose-scaffold==9.1.0" in error.value.fix
    with pytest.raises(ScaffoldError, match=r"holds no release 9\.2\.0"):
        team.build(folder, workplace / "out.git", foreign, "9.2.0")
    (folder / "template.toml").write_text('name = "t"\n')
    with pytest.raises(ScaffoldError, match="no base version"):
        team.build(folder, workplace / "out.git", foreign, "")


def test_a_release_of_long_ago_says_what_to_do(workplace: Path, bundle: Path) -> None:
    """0.1.0 has no templates/shared.toml, which this generator reads."""
    folder = team.folder_of(workplace / "team", bundle)
    with pytest.raises(ScaffoldError) as error, building.planned(folder, workplace / "o", "0.1.0"):
        pass
    assert "v0.1.0 was made by another version" in error.value.what
    assert "templates/shared.toml" in error.value.why
