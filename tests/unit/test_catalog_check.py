"""`scaffold catalog check`: the template has no findings, and each that there can be is made once, to be found."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from scaffold.catalog.check import check
from scaffold.catalog.index import generate
from tests.support import cli
from tools.examples import ROOT

SERVICES = "templates/project/services"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the template, to be made wrong."""
    shutil.copy(ROOT / "copier.yml", tmp_path)
    shutil.copytree(ROOT / "templates", tmp_path / "templates", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def change(root: Path, name: str, old: str, new: str) -> None:
    path = root / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def said(root: Path) -> list[str]:
    return [f"{finding.place}: {finding.why}" for finding in check(root)]


def test_the_template_has_no_findings() -> None:
    assert said(ROOT) == [], "scaffold catalog check"


REDIS, FLASK, POSTGRES = (
    f"{SERVICES}/{file}"
    for file in ("redis/compose.yaml.jinja", "flask/compose.yaml.jinja", "postgres/compose.yaml.jinja")
)
MLFLOW = f"{SERVICES}/mlflow/compose.yaml.jinja"
QDRANT = f"{SERVICES}/qdrant/compose.yaml.jinja"
OLLAMA, CHROMA = f"{SERVICES}/ollama", f"{SERVICES}/chroma/compose.yaml.jinja"
TRAIN = f"{SERVICES}/train"


@pytest.mark.parametrize(
    ("name", "old", "new", "where", "why"),
    [
        (REDIS, "127.0.0.1:${REDIS_PORT:-6379}:6379", "6379:6379", ":22: redis.ports", "on every network"),
        (REDIS, "127.0.0.1:${REDIS_PORT:-6379}:6379", '"6379"', ":22: redis.ports", "on every network"),
        (REDIS, "127.0.0.1:${REDIS_PORT:-6379}:6379", "{target: 1}", ":22: redis.ports", "on every network"),
        (REDIS, "      # your own ports below this line\n", "", ":22: redis.ports", "below which users add"),
        (REDIS, "redis:8.8-trixie", "redis", ":5: redis.image", "no version"),
        (REDIS, "redis:8.8-trixie", "r.example.com:5000/redis", ":5: redis.image", "no version"),
        (REDIS, "redis:8.8-trixie", "redis:latest", ":5: redis.image", "no version"),
        (REDIS, "'redis_data:/data'", "'redis_dat:/data'", ": redis.volumes", "nobody declares the volume"),
        (REDIS, "'redis_data:/data'", "'/data'", ": redis.volumes", "anonymous volume"),
        (REDIS, "'redis_data:/data'", "'./data:/data'", ": redis.volumes", "no bind mounts"),
        (REDIS, "- redis_password", "- redis_pass", ":19: redis.secrets", "nobody declares the secret"),
        (REDIS, "    healthcheck:\n", "    x-check:\n", ":4: redis.healthcheck", "has no healthcheck"),
        (
            REDIS,
            "    healthcheck:\n",
            "    healthcheck:\n      disable: true\n",
            ":27: redis.healthcheck",
            "no healthch",
        ),
        (REDIS, "    image:", "    # image:", ":4: redis", "neither an image nor a build"),
        (REDIS, "services:\n", "volumes: {}\nservices:\n", ": volumes", "is the project's"),
        (REDIS, "    restart:", "   restart:", "", "no valid YAML in line 38 of what it renders to"),
        (REDIS, "  redis:\n", "  flask:\n", ":4: flask", "the entry `flask` has a service of this name"),
        (QDRANT, "    ulimits:\n", "    ulimits: {}\n    ulimits:\n", ": ulimits", "stands twice"),
        (FLASK, "    healthcheck:", "    x-check:", ":4: flask.healthcheck", "has no healthcheck"),
        (FLASK, "{{ link.volumes('flask', ['user_uploads:/data/uploads']) }}", "", "", "no service mounts it"),
        (POSTGRES, "postgres_major | int", "postgres_mayor | int", "", "'postgres_mayor' is undefined"),
        (POSTGRES, "}}{% endif %}\n", "}}\n", ":", "it is no valid Jinja"),
        (MLFLOW, "mlflow_artifacts:/mlflow/artifacts", "mlflow_art:/mlflow/artifacts", "", "the volume `mlflow_art`"),
        (MLFLOW, "import boto3", "import {{ boto }}", "", "'boto' is undefined"),
        (
            f"{TRAIN}/compose.yaml.jinja",
            '    restart: "no"',
            "    restart: always",
            ":5: train",
            "start it again when it",
        ),
        (f"{TRAIN}/compose.yaml.jinja", "    profiles: [train]\n", "", ":5: train", "`up` would run this job"),
        (f"{TRAIN}/service.toml", "[jobs.train]", "[jobs.trian]", ": jobs.trian", "no service of its name"),
        (f"{OLLAMA}/amd.yaml", "ollama/ollama:0.32.15-rocm", "ollama/ollama", ":2: ollama.image", "no version"),
        ("templates/lib/dockerfile.jinja", "python:3.13.15-slim-trixie", "python", "", "`python` has no version"),
        (f"{SERVICES}/redis/client.py", "def check", "dfe check", ":25", "no valid Python"),
        (f"{SERVICES}/redis/service.toml", "category", "catgory", ": category", "it is missing"),
        (f"{SERVICES}/redis/service.toml", 'service = "redis"', "service = 1", ": offers.service", "wrong type"),
        ("templates/presets.toml", '["flask", "mongo"]', '["flask", 1]', ": web.services", "wrong type"),
        ("templates/presets.toml", '["flask", "mongo"]', '["flask", "mango"]', ": web", "no entry `mango`"),
        ("templates/project/Makefile.jinja", "stack.", "stak.", "", "cannot be rendered: 'stak' is undefined"),
        ("templates/project/compose.yaml.jinja", "\nvolumes:", "\n volumes:", "", "renders to no valid YAML"),
        ("templates/catalog.json", "Redis", "Radis", "", "not what the entries say"),
        ("copier.yml", "project_name:\n", "_tasks: [id]\n\nproject_name:\n", ":61: _tasks", "ask for trust"),
        ("copier.yml", "project_name:\n", "_migrations: []\n\nproject_name:\n", ":61: _migrations", "ask for trust"),
        (
            "copier.yml",
            "project_name:\n",
            "_jinja_extensions: [x]\n\nproject_name:\n",
            ":61: _jinja_extensions",
            "trust",
        ),
        ("copier.yml", "project_name:\n", "_external_data: {a: b}\n\nproject_name:\n", ":61: _external_data", "trust"),
        ("copier.yml", "!include templates/questions.yml", "!include ../questions.yml", "", "is not in the template"),
        ("copier.yml", "_subdirectory: templates/project", "_subdirectory: .", ":4: _subdirectory", "is not templates"),
        ("copier.yml", "default: my-project", "default: \"{{ '$A' | expandvars }}\"", ":", "the filter `expandvars`"),
    ],
)
def test_each_mistake_is_found_in_its_place(root: Path, name: str, old: str, new: str, where: str, why: str) -> None:
    change(root, name, old, new)
    lines = said(root)
    assert any(why in line for line in lines), lines
    if where:
        assert any(line.startswith(f"{name}{where}") for line in lines), lines


def link(root: Path) -> None:
    (root / SERVICES / "redis/app").symlink_to("/etc")


def repository(root: Path) -> None:
    (root / "templates/project/.GIT/hooks").mkdir(parents=True)


def dots(root: Path) -> None:
    (root / "templates/project/..x").touch()


def pipe(root: Path) -> None:
    os.mkfifo(root / "templates/project/pipe")


def included(root: Path) -> None:
    (root / "templates/more.yml").write_text("_tasks: [id]\n")
    change(root, "copier.yml", "!include templates/questions.yml", "!include templates/*.yml")


def second(root: Path) -> None:
    (root / "copier.yaml").write_text("_tasks: [id]\n")


def name(root: Path) -> None:
    (root / "templates/project/{{ '$HOME' | expandvars }}").touch()


def part(root: Path) -> None:
    change(root, f"{SERVICES}/flask/dev.yaml", "--debug", "{{ 'x' | realpath }}")


def orphan(root: Path) -> None:
    (root / SERVICES / "redis/service.toml").unlink()


def latin(root: Path) -> None:
    for path in (root / REDIS, root / SERVICES / "flask/Dockerfile.jinja"):
        path.write_bytes(b"# \xe4\n" + path.read_bytes())


def taken(root: Path) -> None:
    change(root, f"{SERVICES}/postgres/service.toml", '"postgres_vector"', '"stack"')


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (link, "symbolic link"),
        (repository, "`.git` in a path"),
        (dots, "has `..`"),
        (pipe, "no ordinary file"),
        (included, "templates/more.yml:1: _tasks: it makes copier ask for trust"),
        (second, "copier.yaml is there as well"),
        (name, "its name would read the file system"),
        (part, "dev.yaml:2: the filter `realpath`"),
        (orphan, "services/redis: it has no service.toml"),
        (latin, "redis/compose.yaml.jinja: it is no UTF-8"),
        (taken, "service.toml: stack: every project has this already"),
    ],
)
def test_what_a_template_may_not_have(root: Path, make: Callable[[Path], None], why: str) -> None:
    make(root)
    assert any(why in line for line in said(root)), said(root)


def test_all_of_it_is_said_at_once(root: Path) -> None:
    change(root, REDIS, "redis:8.8-trixie", "redis")
    change(root, QDRANT, "127.0.0.1:$", "$")
    change(root, "copier.yml", "project_name:\n", "_tasks: []\n\nproject_name:\n")
    change(root, "templates/questions.yml", "postgres", "postgras")
    # The image stands there twice: for the server, and for the step before it.
    assert [finding.file for finding in check(root)] == [
        "copier.yml",
        "templates/project" + QDRANT[17:],
        REDIS,
        REDIS,
        "templates/questions.yml",
    ]


def test_entries_that_cannot_be_read_are_all_named(root: Path) -> None:
    for id in ("redis", "mongo"):
        change(root, f"{SERVICES}/{id}/service.toml", "title", "titel")
    assert [finding.file for finding in check(root)] == [f"{SERVICES}/{id}/service.toml" for id in ("mongo", "redis")]


def test_an_entry_may_use_every_filter_that_copier_has(root: Path) -> None:
    text = "    labels:\n      made: {{ [project_name, 1] | to_nice_yaml | hash('sha1') }}\n"
    change(root, FLASK, "    init: true\n", f"    init: true\n\n{text}")
    assert said(root) == []


def test_a_job_needs_no_healthcheck(root: Path) -> None:
    change(root, REDIS, "restart: unless-stopped", 'restart: "no"')
    change(root, REDIS, "    healthcheck:\n", "    x-check:\n")
    assert said(root) == []


def test_the_command(root: Path, scaffold: cli.Runner) -> None:
    result = scaffold("catalog", "check", root)
    assert (result.code, result.out, result.err) == (0, "", "nothing is wrong\n")
    change(root, CHROMA, "chromadb/chroma:1.5.9", "chroma")
    result = scaffold("catalog", "check", root)
    assert (result.code, result.err) == (1, "1 finding\n")
    assert result.out == (f"{CHROMA}:5: chroma.image: `chroma` has no version\n  name the tag, and not `latest`\n")
    result = scaffold("catalog", "check", root, "--json")
    assert (result.code, result.err) == (1, "")
    assert result.document["template"] == str(root)
    assert result.document["findings"] == [
        {
            "file": CHROMA,
            "line": 5,
            "key": "chroma.image",
            "why": "`chroma` has no version",
            "fix": "name the tag, and not `latest`",
        }
    ]
    empty = root / "empty"
    empty.mkdir()
    assert scaffold("catalog", "check", empty).code == 2


def test_a_team_s_policy_is_looked_for_in_what_is_rendered(root: Path) -> None:
    (root / "templates/team.toml").write_text(
        'name = "t"\n[policy]\nregistry = "r.example.com"\n[policy.labels]\nteam = "ml"\n[policy.limits]\ncpus = 2\n'
    )
    for path, text in generate(root).items():
        path.write_text(text)
    lines = said(root)
    for service in ("llama-cpp", "llama-cpp-embed", "llama-cpp-pull", "redis"):
        for key in ("image", "labels", "cpus"):
            assert any(f": {service}.{key}: " in line for line in lines), (service, key)
    assert any("flask/Dockerfile.jinja: `python:3.13.15-slim-trixie` is not from" in line for line in lines)
    assert any("ollama/amd.yaml:2: ollama.image" in line for line in lines)
    assert not any("amd.yaml" in line and "labels" in line for line in lines), "those come from compose.yaml"
