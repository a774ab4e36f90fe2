"""What the report says of `up` is what `up` does: after each edit exactly the containers named have a new id."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from scaffold.compose.project import files_in, read_project
from scaffold.project.impact.report import Impact, impact
from tests.engine.conftest import Make
from tests.support import tree
from tests.support.running import Project

pytestmark = pytest.mark.engine

FLASK, REDIS = "services/flask/compose.yaml", "services/redis/compose.yaml"
MINE = """\
networks:
  side:

configs:
  words:
    file: words.txt

services:
  beside:
    image: redis:8.8-trixie
    network_mode: service:redis
    command: sleep infinity
    env_file: [beside.env]
    configs: [words]

  other:
    image: redis:8.8-trixie
    networks: [side]
    command: sleep infinity
    tmpfs: /data
"""


def replace(path: str, old: str, new: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        text = (folder / path).read_text()
        assert re.search(old, text, re.MULTILINE), old
        (folder / path).write_text(re.sub(old, new, text, count=1, flags=re.MULTILINE))

    return edit


def append(path: str, text: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        with (folder / path).open("a") as file:
            file.write(text)

    return edit


def move_secret(folder: Path) -> None:
    (folder / "secrets/moved").write_bytes((folder / "secrets/redis_password").read_bytes())
    replace("compose.yaml", "file: secrets/redis_password", "file: secrets/moved")(folder)


# One after the other, each on top of those before. What is told of `up`, and true, may be nothing at all.
EDITS: dict[str, tuple[Callable[[Path], None], set[str]]] = {
    "a variable": (replace(FLASK, "( +)UPLOADS_DIR", r"\1TEAM: ours\n\1UPLOADS_DIR"), {"flask"}),
    "the same in quotes": (replace(FLASK, "TEAM: ours", 'TEAM: "ours"'), set()),
    "a comment": (replace(FLASK, "^services:", "# ours\nservices:"), set()),
    "a default that .env overrules": (replace(FLASK, "MAX_UPLOAD_MB:-100", "MAX_UPLOAD_MB:-200"), set()),
    "another default in force": (replace(FLASK, "TEAM: .ours.", "TEAM: ${TEAM:-theirs}"), {"flask"}),
    "a label": (replace(FLASK, "^    init: true", "    labels: {team: ours}\n    init: true"), {"flask"}),
    "the label as a list": (replace(FLASK, "{team: ours}", "[team=ours]"), set()),
    "a mount": (
        replace(REDIS, "^      - redis_data:/data", "      - redis_data:/data\n      - user_uploads:/uploads:ro"),
        {"redis", "beside"},
    ),
    "who is waited for": (replace(FLASK, "service_healthy", "service_started"), set()),
    "a profile": (replace(FLASK, "^    init: true", "    profiles: []\n    init: true"), set()),
    "an unknown key of one's own": (replace(FLASK, "^    init: true", "    x-team: ours\n    init: true"), set()),
    "when images are pulled": (replace(REDIS, "^    restart:", "    pull_policy: missing\n    restart:"), set()),
    "a secret less": (replace(FLASK, "^      - redis_password\n", ""), {"flask"}),
    "how long it may take to stop": (
        replace(REDIS, "period: 60s", "period: 50s"),
        {"redis", "beside"},
    ),
    "a client": (append("clients/redis.py", "\nOURS = 1\n"), {"flask"}),
    "the application": (append("services/flask/app/health.py", "\nOURS = 1\n"), {"flask"}),
    "a comment in the Dockerfile": (replace("services/flask/Dockerfile", "^FROM", "# ours\nFROM"), set()),
    "a step in the Dockerfile": (replace("services/flask/Dockerfile", "^EXPOSE", "ENV OURS=1\nEXPOSE"), {"flask"}),
    "another app let into the build": (replace(".dockerignore", "^!clients", "!clients\n!services/other/app"), set()),
    "documentation": (append("README.md", "\nOurs.\n"), set()),
    "a file of variables": (append("beside.env", "B=2\n"), {"beside"}),
    "a file that is a config": (append("words.txt", "more\n"), set()),
    "a network": (
        replace("mine.yaml", "^  side:", "  side:\n    internal: true"),
        set(),
    ),
    "where a secret lies": (move_secret, set()),
    "an override": (
        append("compose.override.yaml", "services:\n  redis:\n    labels: {o: '1'}\n"),
        {"redis", "beside"},
    ),
    "an override that takes back": (
        replace("compose.override.yaml", "labels: .*", "labels: !reset null"),
        {"redis", "beside"},
    ),
    "a service less": (replace("mine.yaml", r"^  other:\n(?:    .*\n)*", ""), set()),
    "a volume of one's own": (replace("compose.yaml", "^  user_uploads:", "  ours:\n  user_uploads:"), set()),
}


def test_exactly_the_containers_that_are_named_are_replaced(make: Make) -> None:
    project = make(services=["flask", "redis"])
    (project.folder / "mine.yaml").write_text(MINE)
    (project.folder / "beside.env").write_text("A=1\n")
    (project.folder / "words.txt").write_text("words\n")
    replace("compose.yaml", "  # your own includes below this line", r"\g<0>\n  - mine.yaml")(project.folder)
    project.init()
    project.up()
    wrong = []
    for name, (edit, expected) in EDITS.items():
        said, was = foretold(project, edit), ids(project)
        project.compose("up", "--detach")
        now = ids(project)
        done = {service for service in was if was[service] != now.get(service)}
        named = {one.service for one in said.recreated if not one.old_compose_only}
        if not named == done == expected:
            wrong.append(f"{name}: foretold {sorted(named)}, done {sorted(done)}, expected {sorted(expected)}")
    assert not wrong, "\n".join(wrong)


def foretold(project: Project, edit: Callable[[Path], None]) -> Impact:
    """Make an edit, and say what is foretold of it."""
    before, files = read_project(files_in(project.folder)), tree.files(project.folder)
    edit(project.folder)
    now = tree.files(project.folder)
    changed = {str(name) for name in files.keys() | now.keys() if files.get(name) != now.get(name)}
    assert changed
    return impact(before, read_project(files_in(project.folder)), changed)


def ids(project: Project) -> dict[str, str]:
    """The container of every service."""
    label = f"label=com.docker.compose.project={project.name}"
    form = '{{.Label "com.docker.compose.service"}} {{.ID}}'
    listed = project.run("docker", "ps", "--all", "--no-trunc", "--filter", label, "--format", form).stdout
    return dict(line.split() for line in listed.splitlines())
