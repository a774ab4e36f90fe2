"""Merges that git finds nothing wrong with, and that would be wrong all the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.support import compose, copier, life, versions
from tests.support.cli import Runner
from tests.support.versions import Changes

LLAMA = "services/llama-cpp/compose.yaml"
Release = Callable[[Changes], None]
BLOCK = "  - llama_cpp_models:/models:ro\n      # your own mounts below this line\n"


@pytest.fixture
def later(install: Path, tmp_path: Path) -> Release:
    """Release a later version with these changes."""
    return lambda changes: versions.release(install, versions.changed(tmp_path / "later", changes), versions.NEXT)


def test_an_edit_stays_in_its_service_where_the_file_repeats_itself(
    workplace: Path, scaffold: Runner, later: Release
) -> None:
    """A service more of the same shape, before the edited one: the same lines now are where the edit was."""
    assert scaffold("new", life.NAME, "-s", "llama-cpp", "--yes").code == 0
    project = workplace / life.NAME
    text = (project / LLAMA).read_text()
    before, after = text[: text.rindex(BLOCK)], text[text.rindex(BLOCK) + len(BLOCK) :]
    (project / LLAMA).write_text(before + BLOCK + "      - /srv/lora:/lora:ro\n" + after)
    copier.commit(project, "A mount for embeddings")
    later(
        {
            LLAMA + ".jinja": {
                "in [('llama-cpp', 'chat',": "in [('llama-cpp-small', 'chat', 'LLAMA_CPP_SMALL_PORT:-8083', chat), "
                "('llama-cpp', 'chat',"
            }
        }
    )
    assert scaffold("update", "--yes", "--project", project).code == 0
    services = yaml.safe_load((project / LLAMA).read_text())["services"]
    assert "llama-cpp-small" in services
    assert [id for id, one in services.items() if "/srv/lora:/lora:ro" in one["volumes"]] == ["llama-cpp-embed"]


def test_a_variable_that_both_added_with_one_value_is_there_once(
    living: Path, scaffold: Runner, later: Release
) -> None:
    below = "      # your own variables below this line\n"
    mine(living, life.MONGO, {below: f"{below}      # Asked for by Kim.\n      MONGO_EXTRA: here\n"})
    later({"services/mongo/compose.yaml.jinja": {below: f"      MONGO_EXTRA: here\n{below}"}})
    result = scaffold("update", "--yes", "--project", living)
    assert result.code == 0, result.err
    text = (living / life.MONGO).read_text()
    assert text.count("MONGO_EXTRA: here") == 1
    assert "# Asked for by Kim." in text
    compose.config(living, compose.VERSIONS[-1])


def test_a_variable_that_both_added_with_two_values_is_a_conflict(
    living: Path, scaffold: Runner, later: Release
) -> None:
    below = "      # your own variables below this line\n"
    mine(living, life.MONGO, {below: f"{below}      MONGO_EXTRA: mine\n"})
    later({"services/mongo/compose.yaml.jinja": {below: f"      MONGO_EXTRA: here\n{below}"}})
    result = scaffold("update", "--yes", "--json", "--project", living)
    assert result.code == 1, result.err
    text = (living / life.MONGO).read_text().splitlines()
    [conflict] = result.document["conflicts"]
    assert conflict["path"] == life.MONGO
    assert "MONGO_EXTRA" in conflict["reasons"][0]
    assert all("MONGO_EXTRA" in text[line - 1] for line in conflict["lines"])
    assert len(copier.git(living, "ls-files", "-u").splitlines()) == 3
    assert scaffold("update", "--continue", "--project", living).code == 2
    (living / life.MONGO).write_text("\n".join(line for line in text if "MONGO_EXTRA: here" not in line) + "\n")
    copier.git(living, "add", life.MONGO)
    assert scaffold("update", "--continue", "--project", living).code == 0
    compose.config(living, compose.VERSIONS[-1])


@pytest.mark.usefixtures("install")
def test_a_list_item_that_both_added_is_there_once(living: Path, scaffold: Runner) -> None:
    """Somebody linked a service by hand, and later has it added."""
    mine(
        living,
        life.FLASK,
        {"      # your own secrets below this line\n": "      # your own secrets below this line\n"
         "      # For the queue.\n      - redis_password\n"},
    )  # fmt: skip
    mine(
        living,
        "compose.yaml",
        {"  # your own secrets below this line\n": "  # your own secrets below this line\n  redis_password:\n"
         "    file: secrets/redis_password\n"},
    )  # fmt: skip
    result = scaffold("add", "redis", "--yes", "--project", living)
    assert result.code == 0, result.err
    text = (living / life.FLASK).read_text()
    assert yaml.safe_load(text)["services"]["flask"]["secrets"].count("redis_password") == 1
    assert "# For the queue." in text
    assert (living / "compose.yaml").read_text().count("    file: secrets/redis_password") == 1
    compose.config(living, compose.VERSIONS[-1])


def test_a_volume_of_ones_own_that_the_template_brings_as_well(living: Path, scaffold: Runner, later: Release) -> None:
    below = "  # your own volumes below this line\n"
    mine(living, "compose.yaml", {below: f"{below}  mongo_dumps:\n    driver: local\n"})
    later(versions.CHANGES)
    result = scaffold("update", "--yes", "--project", living)
    text = (living / "compose.yaml").read_text()
    if result.code == 0:
        assert text.count("\n  mongo_dumps:") == 1
        assert yaml.safe_load(text)["volumes"]["mongo_dumps"] == {"driver": "local"}
    else:
        assert result.code == 1
        assert "conflict: compose.yaml:" in result.err
        assert "mongo_dumps" in result.err


def mine(project: Path, path: str, texts: dict[str, str]) -> None:
    life.edited(project, life.Edit("mine", replaced={path: texts}))
