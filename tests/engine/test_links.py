"""One more service in a project that runs: its applications get the client, and stay the user's."""

from __future__ import annotations

import pytest
import yaml

from tests.engine.conftest import Make
from tests.support import copier

pytestmark = pytest.mark.engine


@pytest.mark.usefixtures("reachable")
def test_the_edited_application_gets_the_new_store(make: Make) -> None:
    project = make(services=["flask", "redis"])
    app = project.folder / "services/flask/app"
    (app / "health.py").write_text(
        (app / "health.py").read_text() + '\n\n@pages.get("/mine")\ndef mine():\n    return "mine"\n'
    )
    (app / "uploads.py").unlink()
    init = app / "__init__.py"
    init.write_text(
        init.read_text()
        .replace("health, linked, uploads", "health, linked")
        .replace("    app.register_blueprint(uploads.pages)\n", "")
    )
    copier.git(project.folder, "init", "--quiet")
    copier.commit(project.folder)
    project.init()
    project.up()
    assert project.get("/links") == (200, {"redis": {"ok": True}})
    assert project.get("/mine") == (200, b"mine")
    project.in_app("from clients import redis; redis.connect().set('note', 'still here')")

    services = copier.data({"services": ["flask", "postgres", "redis"]})
    copier.plain("update", "--defaults", "--vcs-ref", ":current:", *services, folder=project.folder)
    assert "<<<<" not in (project.folder / "compose.yaml").read_text()
    assert yaml.safe_load((project.folder / "compose.yaml").read_text())["volumes"].keys() >= {"postgres_data"}
    project.init()
    # Plain `up`, nothing else: pull_policy makes it build.
    project.up()
    assert project.get("/links") == (200, {"postgres": {"ok": True}, "redis": {"ok": True}})
    assert project.get("/mine") == (200, b"mine")
    assert not (app / "uploads.py").exists()
    assert project.in_app("from clients import redis; print(redis.connect().get('note'))") == "still here"


def test_a_link_that_fails_is_named_and_nothing_secret_is_told(make: Make) -> None:
    project = make(services=["flask", "postgres", "redis"])
    project.init()
    project.up()
    project.compose("stop", "redis")
    status, links = project.get("/links")
    assert status == 503
    assert links["postgres"] == {"ok": True}
    assert links["redis"]["ok"] is False
    assert set(links["redis"]) == {"ok", "error"}
    assert project.get("/health")[0] == 200, "alive is not the same as linked"


def test_checks_at_once_do_not_disturb_each_other(make: Make) -> None:
    from concurrent.futures import ThreadPoolExecutor

    project = make(services=["flask", "mongo", "postgres", "redis"], postgres_vector=True)
    project.init()
    project.up()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: project.get("/links"), range(24)))
    assert all(status == 200 for status, _ in answers), answers
    extensions = project.compose(
        "exec", "-T", "postgres", "psql", "-qtAU", "app", "app", "-c", "select extname from pg_extension"
    )
    assert "vector" in extensions


def test_uploads_are_whole_never_replaced_and_only_downloaded(make: Make) -> None:
    project = make(services=["flask"])
    project.init()
    with (project.folder / ".env").open("a") as env:
        env.write("MAX_UPLOAD_MB=1\n")
    project.up()
    assert project.upload("page.html", b"<script>")[0] == 201
    assert project.upload("page.html", b"other")[0] == 409
    assert project.get("/uploads/page.html") == (200, b"<script>")
    assert project.upload("big.bin", b"x" * 1_100_000)[0] == 413
    assert project.upload("../../etc/passwd", b"x")[1]["name"] == "etc_passwd"
    assert project.upload(".hidden", b"x")[1]["name"] == "hidden"
    assert project.upload("..", b"x")[0] == 400
    for path in ("/uploads/..%2f..%2fetc%2fpasswd", "/uploads/.x.part", "/uploads/absent"):
        assert project.get(path)[0] == 404
    assert project.compose("exec", "-T", "flask", "id", "-u").strip() == "10001"
    owner = project.compose("exec", "-T", "flask", "stat", "-c", "%u:%g", "/data/uploads", "/data/uploads/page.html")
    assert owner.split() == ["10001:10001"] * 2
