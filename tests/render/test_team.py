"""The example of a team's folder: built, and used as its projects would be, by plain copier and in the real Compose."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from scaffold import __version__, facts
from scaffold.catalog.index import Catalog, load
from scaffold.catalog.resolve import Rendering, combinations
from scaffold.project import git
from scaffold.project.render import render
from scaffold.project.source import open_template
from tests.support import cli, compose, copier, team
from tools.examples import TEAM

REGISTRY = "registry.example.com/mirror/"
LABELS = {"com.example.team": "platform", "com.example.cost-centre": "4711"}
LIMITS = {"postgres": ("8g", 2), "llama-cpp": ("12g", 6), "ollama": ("12g", 6)}


def improve(root: Path) -> None:
    """What a later release of the standard might bring: another image, another line in a file."""
    for name, old, new in (
        (
            "services/postgres/compose.yaml.jinja",
            "~ postgres_major ~ '-trixie'",
            "~ postgres_major",
        ),
        ("services/flask/compose.yaml.jinja", "retries: 5", "retries: 7"),
        ("Makefile.jinja", "Follow", "Watch"),
    ):
        path = root / "templates" / "project" / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return team.bundle_of(tmp_path_factory.mktemp("bundle") / "releases.bundle", improve)


@pytest.fixture(scope="module")
def built(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's template, which no test changes."""
    out = tmp_path_factory.mktemp("built") / "template.git"
    plan = team.build(TEAM, out, bundle)
    assert plan.findings == []
    return out


@pytest.fixture
def repository(built: Path, workplace: Path) -> Path:
    """A copy of the template, to be built into again."""
    return Path(shutil.copytree(built, workplace / "template.git"))


@pytest.fixture
def folder(workplace: Path) -> Path:
    """A copy of the team's folder, to be changed."""
    return Path(shutil.copytree(TEAM, workplace / "team"))


def shared(catalog: Catalog) -> Iterator[dict[str, Any]]:
    """A volume that each writes who needs a step before it: the policy holds for that step too."""
    for id in catalog.offered:
        share = catalog.entries[id]["share"]
        if share and not share["built"] and share["user"] != "0:0":
            reader = next(other for other in catalog.offered if other != id)
            name = f"from_{id.replace('-', '_')}"
            yield {"name": name, "path": f"/shared/{id}", "writer": id, "readers": [reader], "responsibility": "x"}


@pytest.fixture(scope="module")
def projects(built: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every entry by itself and all at once, for all that can be answered."""
    found = {}
    parent = tmp_path_factory.mktemp("projects")
    with open_template(str(built)) as template:
        catalog = load(template.root)
        for services in [*([id] for id in catalog.offered), catalog.offered]:
            for number, answers in enumerate(combinations(catalog, services, vary=services[0])):
                if len(services) > 1:
                    answers["shared_volumes"] = list(shared(catalog))
                project = parent / f"{services[0]}-{len(services)}-{number}"
                render(template, answers, project)
                (project / ".env").write_bytes((project / ".env.example").read_bytes())
                found[project.name] = project
    assert len(found) > len(catalog.offered)
    return found


def new(workplace: Path, template: Path | str, *args: str, **answers: Any) -> Path:
    copier.plain(
        "copy", "--defaults", *args, *copier.data({"project_name": "p", **answers}), template, "p", folder=workplace
    )
    copier.git(workplace / "p", "init", "--quiet")
    copier.commit(workplace / "p", "Start")
    return workplace / "p"


def update(project: Path, **answers: Any) -> None:
    copier.commit(project)
    copier.plain("update", "--defaults", *copier.data(answers), folder=project)
    assert copier.git(project, "diff", "--name-only", "--diff-filter=U") == "", "conflicts"


def change(path: Path, old: str, new_text: str) -> None:
    assert old in path.read_text(), path.read_text()
    path.write_text(path.read_text().replace(old, new_text))


def answers_of(project: Path) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load((project / ".copier-answers.yml").read_text())
    return data


def test_the_example_builds_on_the_release_that_is_written_into_it() -> None:
    assert f'version = "{__version__}"' in (TEAM / "template.toml").read_text(), "make examples"


@pytest.mark.compose
@pytest.mark.parametrize("version", compose.VERSIONS)
def test_every_service_keeps_to_the_policy_in_the_real_compose(projects: dict[str, Path], version: str) -> None:
    seen = set()
    for project in projects.values():
        owners = {
            service: path.parent.name
            for path in project.glob("services/*/compose.yaml")
            for service in yaml.safe_load(path.read_text())["services"]
        }
        for file in ("", *(path.name for path in project.glob("compose.*.yaml"))):
            files = ["compose.yaml", *([file] if file else [])]
            for name, service in compose.config(project, version, *files)["services"].items():
                memory, cpus = LIMITS.get(owners[name], ("2g", 2))
                assert service["labels"].items() >= LABELS.items(), name
                assert service["mem_limit"] in (memory, str(int(memory[:-1]) * 2**30)), name
                assert float(service["cpus"]) == cpus, name
                _from_the_registry(project, service)
                seen.add(name)
    assert seen >= {"flask", "valkey", "postgres", "postgres-share-init", "llama-cpp-embed", "ollama-pull"}


def _from_the_registry(project: Path, service: dict[str, Any]) -> None:
    image = str(service.get("image", ""))
    if "build" in service:
        (image,) = re.findall(r"^FROM (\S+)", (project / service["build"]["dockerfile"]).read_text(), re.MULTILINE)
    assert image.startswith(REGISTRY), image
    if "valkey" not in image:
        assert facts.lookup(image, REGISTRY.rstrip("/")), image


def test_scaffold_lists_shows_and_starts_what_is_in_it(built: Path, workplace: Path, scaffold: cli.Runner) -> None:
    listed = scaffold("list", "--json", "--template", built).document
    ids = {service["id"] for service in listed["services"]}
    assert "valkey" in ids
    assert not {"mongo", "redis"} & ids
    assert {preset["name"]: preset["services"] for preset in listed["presets"]} == {
        "crud": ["flask", "postgres", "valkey"],
        "mlops": ["mlflow", "postgres", "seaweedfs"],
        "rag": ["flask", "postgres", "chroma", "llama-cpp"],
        "train": ["ingest", "preprocess", "train", "serve"],
    }
    shown = scaffold("show", "postgres", "--json", "--template", built).document
    assert [image["image"] for image in shown["images"]][-1] == f"{REGISTRY}postgres:18-trixie"
    assert all(image["user"] for image in shown["images"]), "the facts are those of the image that is mirrored"
    refused = scaffold("new", "x", "-s", "mongo", "--template", built, "--yes")
    assert refused.code == 2
    assert "SSPL" in refused.err
    made = scaffold("new", "p", "--preset", "crud", "--template", f"file://{built}", "--yes")
    assert made.code == 0, made.err
    answers = answers_of(workplace / "p")
    assert (answers["_commit"], answers["postgres_major"]) == ("v9.0.0.post1", "17")
    assert (workplace / "p/CODEOWNERS").is_file()
    assert "What changes in p," in (workplace / "p/.github/pull_request_template.md").read_text()
    assert "VALKEY_HOST: valkey" in (workplace / "p/services/flask/compose.yaml").read_text()
    assert "valkey" in (workplace / "p/clients/__init__.py").read_text()


def test_copier_offers_what_is_forbidden_to_those_who_have_it(built: Path) -> None:
    with open_template(str(built)) as template:
        rendering = Rendering(load(template.root))
        offered = json.loads(rendering.text("templates/lib/choices.jinja", {})).values()
        assert "valkey" in offered
        assert not {"mongo", "redis"} & set(offered)
        assert "redis" in json.loads(rendering.text("templates/lib/choices.jinja", {"services": ["redis"]})).values()


def test_a_change_of_the_team_s_arrives_and_edits_stay(
    repository: Path, folder: Path, bundle: Path, workplace: Path
) -> None:
    project = new(workplace, repository, services=["flask", "postgres", "valkey"])
    postgres = project / "services/postgres/compose.yaml"
    change(postgres, "postgres:17-trixie", "postgres:17.9-trixie")
    change(
        postgres,
        "      # your own labels below this line\n",
        "      # your own labels below this line\n      mine: here\n",
    )
    change(postgres, "    cpus: 2\n", "    cpus: 4\n")
    change(project / "CODEOWNERS", "# Managed", "# Ours now. Managed")
    change(folder / "template.toml", '"4711"', '"4712"')
    change(folder / "template.toml", 'memory = "8g"', 'memory = "9g"')
    change(folder / "files/CODEOWNERS", "@example/developers", "@example/everybody")
    change(folder / "services/valkey/compose.yaml", "save 60 1", "save 30 1")
    assert team.build(folder, repository, bundle).version == "v9.0.0.post2"
    update(project)
    assert answers_of(project)["_commit"] == "v9.0.0.post2"
    service = yaml.safe_load(postgres.read_text())["services"]["postgres"]
    assert service["image"] == f"{REGISTRY}postgres:17.9-trixie"
    assert service["labels"] == {**LABELS, "com.example.cost-centre": "4712", "mine": "here"}
    assert (service["mem_limit"], service["cpus"]) == ("9g", 4)
    owners = (project / "CODEOWNERS").read_text()
    assert owners.startswith("# Ours now.")
    assert "@example/everybody" in owners
    assert "save 30 1" in (project / "services/valkey/compose.yaml").read_text()


def test_what_the_standard_improves_arrives_by_one_rebuild(
    repository: Path, folder: Path, bundle: Path, workplace: Path
) -> None:
    project = new(workplace, repository, services=["flask", "postgres"])
    flask = project / "services/flask/compose.yaml"
    line = "      # your own variables below this line\n"
    change(flask, line, f"{line}      MINE: here\n")
    change(project / "services/postgres/compose.yaml", "    mem_limit: 8g\n", "    mem_limit: 16g\n")
    plan = team.build(folder, repository, bundle, team.LATER)
    assert (plan.version, plan.findings) == ("v9.1.0.post1", [])
    update(project)
    assert answers_of(project)["_commit"] == "v9.1.0.post1"
    assert "Watch the logs" in (project / "Makefile").read_text()
    service = yaml.safe_load(flask.read_text())["services"]["flask"]
    assert (service["healthcheck"]["retries"], service["environment"]["MINE"]) == (7, "here")
    service = yaml.safe_load((project / "services/postgres/compose.yaml").read_text())["services"]["postgres"]
    assert (service["image"], service["mem_limit"]) == (f"{REGISTRY}postgres:17", "16g")


def test_a_policy_that_comes_later_meets_edits(bundle: Path, folder: Path, workplace: Path) -> None:
    """The first label and limit come between lines that people edit, too."""
    policy = (folder / "template.toml").read_text()
    presets = (folder / "presets.toml").read_text()
    (folder / "template.toml").write_text('name = "t"\n')
    (folder / "presets.toml").write_text("")
    repository = workplace / "template.git"
    assert team.build(folder, repository, bundle).version == "v9.0.0.post1"
    project = new(workplace, repository, services=["flask", "postgres", "chroma"])
    for id in ("postgres", "chroma"):
        path = project / f"services/{id}/compose.yaml"
        change(path, "    restart: unless-stopped", "    restart: always")
        change(path, "below this line\n", "below this line\n      # mine\n")
    change(project / "services/flask/compose.yaml", "MAX_UPLOAD_MB:-100", "MAX_UPLOAD_MB:-200")
    (folder / "template.toml").write_text(policy)
    (folder / "presets.toml").write_text(presets)
    assert team.build(folder, repository, bundle).version == "v9.0.0.post2"
    update(project)
    for id in ("flask", "postgres", "chroma"):
        text = (project / f"services/{id}/compose.yaml").read_text()
        assert "com.example.team" in text
        assert ("# mine" in text and "restart: always" in text) or "MAX_UPLOAD_MB:-200" in text


def test_a_project_of_the_standard_moves_over(built: Path, bundle: Path, workplace: Path, scaffold: cli.Runner) -> None:
    """By its own version's name, which the team's repository has as well; what is forbidden stays where it was."""
    git.run("clone", "--quiet", "--bare", bundle, workplace / "standard.git")
    project = new(workplace, workplace / "standard.git", "--vcs-ref", "v9.0.0", services=["flask", "postgres", "redis"])
    change(project / "services/flask/compose.yaml", "MAX_UPLOAD_MB:-100", "MAX_UPLOAD_MB:-200")
    before = answers_of(project)
    copier.commit(project)
    switched = scaffold("switch", built, "--project", project, "--yes")
    assert switched.code == 0, switched.err
    assert answers_of(project) == {**before, "_src_path": str(built)}
    update(project)
    after = answers_of(project)
    assert after == {**before, "_src_path": str(built), "_commit": "v9.0.0.post1"}
    assert after["postgres_major"] == "18", "data does not move because a default does"
    redis = (project / "services/redis/compose.yaml").read_text()
    assert f"image: {REGISTRY}redis:8.8-trixie" in redis
    assert "com.example.team" in redis
    assert "MAX_UPLOAD_MB:-200" in (project / "services/flask/compose.yaml").read_text()
    assert (project / "CODEOWNERS").is_file()
