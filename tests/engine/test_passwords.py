"""Changing a password the way the generated README says."""

from __future__ import annotations

import pytest

from tests.engine.conftest import Make

pytestmark = pytest.mark.engine


def test_postgres(make: Make) -> None:
    project = make(services=["flask", "postgres"])
    project.init()
    project.up()
    readme = (project.folder / "README.md").read_text()
    assert "docker compose exec postgres psql -U app app -c '\\password app'" in readme
    # What \password sends, without a terminal to ask on.
    project.compose(
        "exec", "-T", "postgres", "psql", "-qU", "app", "app", "-c", "alter role app password 'another one'"
    )
    assert project.get("/links")[0] == 503
    path = project.folder / "secrets" / "postgres_password"
    path.chmod(0o600)
    path.write_text("another one")
    path.chmod(0o444)
    project.up("--force-recreate")
    assert project.get("/links")[0] == 200


def test_one_that_is_free_is_made_anew(make: Make) -> None:
    project = make(services=["flask", "redis"])
    project.init()
    project.up()
    project.in_app("from clients import redis; redis.connect().set('note', 'still here')")
    path = project.folder / "secrets" / "redis_password"
    before = path.read_text()
    path.unlink()
    project.ops("init")
    assert path.read_text() != before
    project.up("--force-recreate")
    assert project.get("/links")[0] == 200
    assert project.in_app("from clients import redis; print(redis.connect().get('note'))") == "still here"
