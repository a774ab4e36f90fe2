"""Plain `copier update` of generated projects: what users changed stays theirs."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import copier


@pytest.fixture
def template(workplace: Path) -> Path:
    """A template repository with one released version."""
    folder = copier.checkout(workplace / "template")
    copier.git(folder, "tag", "v1.0.0")
    return folder


def new(workplace: Path, template: Path, **answers: Any) -> Path:
    copier.plain("copy", "--defaults", *copier.data({"project_name": "p", **answers}), template, "p", folder=workplace)
    copier.git(workplace / "p", "init", "--quiet")
    copier.commit(workplace / "p", "Start")
    return workplace / "p"


def update(project: Path, *args: str, **answers: Any) -> None:
    copier.commit(project)
    copier.plain("update", "--defaults", *args, *copier.data(answers), folder=project)
    assert copier.git(project, "diff", "--name-only", "--diff-filter=U") == "", "conflicts"


def release(template: Path, changes: Mapping[str, tuple[str, str]], tag: str = "v1.1.0") -> None:
    for name, (old, new_text) in changes.items():
        path = template / "templates" / "project" / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new_text))
    copier.commit(template, tag)
    copier.git(template, "tag", tag)


def answers_of(project: Path) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load((project / ".copier-answers.yml").read_text())
    return data


def test_one_more_service_gives_the_edited_app_its_client(workplace: Path, template: Path) -> None:
    project = new(workplace, template, services=["flask", "mongo"])
    app = project / "services" / "flask" / "app"
    (app / "health.py").write_text("# rewritten\n")
    (app / "uploads.py").unlink()
    (app / "mine.py").write_text("# mine\n")
    update(project, "--vcs-ref", ":current:", services=["flask", "mongo", "redis"])
    assert (project / "clients" / "redis.py").exists()
    assert '"redis",' in (project / "clients" / "__init__.py").read_text()
    assert "REDIS_HOST: redis" in (project / "services" / "flask" / "compose.yaml").read_text()
    assert (app / "health.py").read_text() == "# rewritten\n"
    assert not (app / "uploads.py").exists(), "what was deleted stays deleted"
    assert (app / "mine.py").exists()


def test_the_app_is_its_owners_even_when_the_template_changes_it(workplace: Path, template: Path) -> None:
    project = new(workplace, template, services=["flask", "redis"])
    app = project / "services" / "flask" / "app"
    before = (app / "health.py").read_text()
    release(
        template, {"services/flask/app/health.py": ("pages.get", "pages.route"), "Makefile.jinja": ("Follow", "Watch")}
    )
    (template / "templates/project/services/flask/app/new.py").write_text("# new in the template\n")
    copier.commit(template)
    copier.git(template, "tag", "--force", "v1.1.0")
    update(project)
    assert "Watch the logs" in (project / "Makefile").read_text()
    assert (app / "health.py").read_text() == before
    assert not (app / "new.py").exists()


def test_removing_and_adding_an_app_leaves_it_alone(workplace: Path, template: Path) -> None:
    project = new(workplace, template, services=["flask", "redis"])
    (project / "services/flask/app/mine.py").write_text("# mine\n")
    update(project, "--vcs-ref", ":current:", services=["redis"])
    assert (project / "services/flask/app/mine.py").exists()
    assert not (project / "services/flask/compose.yaml").exists()
    assert answers_of(project)["seeded"] == ["flask"], "it only grows"
    (project / "services/flask/app/health.py").unlink()
    update(project, "--vcs-ref", ":current:", services=["flask", "redis"])
    assert (project / "services/flask/compose.yaml").exists()
    assert not (project / "services/flask/app/health.py").exists()


def test_what_users_add_below_the_lines_never_conflicts(workplace: Path, template: Path) -> None:
    project = new(workplace, template, services=["flask", "mongo"])
    path = project / "compose.yaml"
    text = path.read_text()
    for line, mine in {
        "  # your own includes below this line\n": "  - mine/compose.yaml\n",
        "  # your own volumes below this line\n": "  my_volume:\n",
        "  # your own secrets below this line\n": "  my_secret:\n    file: secrets/my_secret\n",
    }.items():
        assert line in text
        text = text.replace(line, line + mine)
    path.write_text(text)
    flask = project / "services/flask/compose.yaml"
    below = "      # your own variables below this line\n"
    flask.write_text(flask.read_text().replace(below, f"{below}      MINE: here\n"))
    (project / "compose.override.yaml").write_text("services: {}\n")
    update(project, "--vcs-ref", ":current:", services=["flask", "mongo", "postgres", "redis"])
    update(project, "--vcs-ref", ":current:", services=["flask", "redis"])
    for mine in ("  - mine/compose.yaml\n", "  my_volume:\n", "  my_secret:\n"):
        assert mine in path.read_text()
    assert "MINE: here" in flask.read_text()
    assert (project / "compose.override.yaml").exists()
    assert "mongo" not in path.read_text()


def test_a_major_stays_through_removal_and_when_it_is_no_longer_offered(workplace: Path, template: Path) -> None:
    project = new(workplace, template, services=["postgres"], postgres_major="17")
    update(project, "--vcs-ref", ":current:", services=["redis"])
    assert answers_of(project)["postgres_major"] == "17"
    for name in ("questions.yml", "catalog.json"):
        path = template / "templates" / name
        text = (
            path.read_text()
            .replace('\\"18\\", \\"17\\"', '\\"19\\", \\"18\\"')
            .replace('default: "18"', 'default: "19"')
        )
        path.write_text(text)
    copier.commit(template)
    copier.git(template, "tag", "v1.1.0")
    update(project, services=["postgres"])
    assert answers_of(project)["postgres_major"] == "17"
    assert "postgres:17-trixie" in (project / "services/postgres/compose.yaml").read_text()


def test_a_project_that_never_had_postgres_records_no_major(workplace: Path, template: Path) -> None:
    project = new(workplace, template, services=["redis"])
    assert "postgres_major" not in answers_of(project)


def test_env_and_secrets_are_never_touched(workplace: Path, template: Path) -> None:
    project = new(workplace, template, services=["mongo"])
    (project / ".env").write_text("MONGO_PORT=9999\n")
    (project / "secrets").mkdir()
    (project / "secrets" / "mongo_password").write_text("kept")
    release(template, {".env.example.jinja": ("# Ports on this machine", "# The ports on this machine")})
    update(project)
    assert (project / ".env").read_text() == "MONGO_PORT=9999\n"
    assert (project / "secrets" / "mongo_password").read_text() == "kept"


def test_a_retired_entry_stays_where_it_was_chosen(workplace: Path, template: Path) -> None:
    """copier drops a whole answer when one part of it is no longer a choice."""
    project = new(workplace, template, services=["mongo", "redis"])
    entry = template / "templates/project/services/mongo/service.toml"
    entry.write_text('retired = "Use another."\n' + entry.read_text())
    from scaffold.catalog.index import generate

    for path, text in generate(template).items():
        path.write_text(text)
    copier.commit(template)
    copier.git(template, "tag", "v1.1.0")
    update(project)
    assert answers_of(project)["services"] == ["mongo", "redis"]
    assert (project / "services/mongo/compose.yaml").exists()


def test_hidden_files_of_the_entry_are_not_rendered(workplace: Path, template: Path) -> None:
    project = new(workplace, template, services=["flask", "mongo", "postgres", "redis"])
    names = {path.name for path in (project / "services").rglob("*")}
    assert not names & {"service.toml", "client.py", "dev.yaml"}
    shutil.rmtree(project)
