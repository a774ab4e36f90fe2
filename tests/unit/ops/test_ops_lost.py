"""Secrets whose data exists are not invented, whatever name the project goes by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.ops.helpers import COMPOSE, TOKEN

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.ops.helpers import Engine, Run


@pytest.mark.parametrize(
    "volume",
    [
        {"name": "my-rag_mongo_data", "project": "my-rag", "key": "mongo_data"},
        {"name": "my-rag_mongo_data", "project": "", "key": ""},
        {"name": "renamed", "project": "my-rag", "key": "mongo_data"},
    ],
    ids=["compose's", "by name", "by label"],
)
def test_a_lost_secret_is_not_invented(root: Path, engine: Engine, cli: Run, volume: dict[str, str]) -> None:
    engine.set(volumes=[volume])
    done = cli("init")
    assert done.code == 2
    assert "error: secret `mongo_password` is missing, and the data it opens exists" in done.err
    assert f"docker volume rm {volume['name']}" in done.err
    assert not (root / "secrets" / "mongo_password").exists()
    assert TOKEN.fullmatch((root / "secrets" / "flask_secret_key").read_text())
    assert "next:" not in done.out
    assert [each for each in engine.calls() if "rm" in each] == []


@pytest.mark.parametrize(
    "volume",
    [
        {"name": "other_mongo_data", "project": "other", "key": "mongo_data"},
        {"name": "my-rag_mongo_data_old", "project": "my-rag", "key": "mongo_data_old"},
        {"name": "mongo_data", "project": "", "key": ""},
    ],
)
def test_other_volumes_do_not_matter(engine: Engine, ops: Run, volume: dict[str, str]) -> None:
    engine.set(volumes=[volume])
    assert ops("init").code == 0


def test_all_refused_are_listed(root: Path, engine: Engine, ops: Run) -> None:
    text = COMPOSE.replace("    flask_secret_key:\n", "    flask_secret_key:\n      volume: b\n")
    (root / "compose.yaml").write_text(text)
    engine.hold("my-rag_mongo_data", "my-rag_b")
    done = ops("init", "--json")
    assert done.code == 2
    assert [each["state"] for each in done.document()["secrets"]] == ["refused"] * 2
    assert done.err.count("error: ") == 2


@pytest.mark.parametrize("place", ["environment", ".env", "both"])
def test_the_name_that_compose_will_use(
    root: Path, engine: Engine, ops: Run, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    if place != "environment":
        (root / ".env").write_text(f"COMPOSE_PROJECT_NAME={'loser' if place == 'both' else 'second'}\n")
    if place != ".env":
        monkeypatch.setenv("COMPOSE_PROJECT_NAME", "second")
    engine.hold("my-rag_mongo_data", "loser_mongo_data")
    assert ops("init", "--json").document()["secrets"][0]["state"] == "created"
    (root / "secrets" / "mongo_password").unlink()
    engine.hold("second_mongo_data")
    assert ops("init").code == 2


@pytest.mark.parametrize("name", ["Upper", "${A}x", "../x", "-rf"])
def test_a_name_that_compose_would_not_use_is_refused(root: Path, ops: Run, name: str) -> None:
    (root / ".env").write_text(f"COMPOSE_PROJECT_NAME={name}\n")
    done = ops("init")
    assert done.code == 2
    assert not (root / "secrets").exists()


def test_the_folder_names_a_project_without_name(root: Path, engine: Engine, ops: Run) -> None:
    (root / "compose.yaml").write_text(COMPOSE.replace("name: my-rag\n", ""))
    engine.hold("clone_mongo_data")
    assert ops("init").code == 2
