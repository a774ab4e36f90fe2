"""Sets that nobody else can read: in a repository of restic, and encrypted for recipients. Secrets are in both."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import Make
from tests.support.programs import program
from tests.support.running import Project

pytestmark = pytest.mark.engine

TEXT = "what nobody else should read"
UPLOAD = os.urandom(100_000) + TEXT.encode()
EXPERIMENTS = "from clients import mlflow; print(sorted(each.name for each in mlflow.connect().search_experiments()))"


@pytest.fixture
def project(make: Make, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with rows in Postgres, an experiment in SQLite, and an upload."""
    for name in [name for name in os.environ if name.startswith(("RESTIC_", "OPS_"))]:
        monkeypatch.delenv(name)
    project = make(services=["flask", "postgres", "mlflow"], mlflow_runs="own")
    project.init()
    project.up()
    sql(project, f"CREATE TABLE notes (text text); INSERT INTO notes SELECT '{TEXT}' FROM generate_series(1, 1000)")
    project.in_app("from clients import mlflow; mlflow.connect().create_experiment('kept')")
    assert project.upload("a.bin", UPLOAD)[0] == 201
    return project


def sql(project: Project, statement: str) -> str:
    command = 'exec psql -XAtq -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -c "$1" "$POSTGRES_DB"'
    return project.compose("exec", "-T", "postgres", "sh", "-c", command, "sh", statement).strip()


def complete(project: Project) -> bool:
    """Whether all that was written is there."""
    rows = sql(project, f"SELECT count(*) FROM notes WHERE text = '{TEXT}'")
    experiments = project.in_app(EXPERIMENTS)
    return (rows, "kept" in experiments, project.get("/uploads/a.bin")) == ("1000", True, (200, UPLOAD))


def secrets(project: Project) -> dict[str, bytes]:
    paths = [project.folder / ".env", *(project.folder / "secrets").iterdir()]
    return {path.name: path.read_bytes() for path in paths if not path.name.startswith(".") or path.name == ".env"}


def lose(project: Project) -> None:
    """A new machine: an empty engine, and what git has."""
    project.compose("down", "--volumes")
    for name in ("secrets", ".ops"):
        shutil.rmtree(project.folder / name)
    (project.folder / ".env").unlink()


def hides(folder: Path, project: Project) -> bool:
    """Whether neither content nor secrets can be read in any file of a folder."""
    words = [TEXT.encode(), *(content.strip() for name, content in secrets(project).items() if name != ".env")]
    contents = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert contents
    return not any(word in content for word in words for content in contents)


def said(done: subprocess.CompletedProcess[str]) -> Any:
    return json.loads(done.stdout)


def staged(project: Project) -> bool:
    return (project.folder / ".ops" / "restic" / project.name).exists()


def test_a_repository_of_restic(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    restic, path = program("restic"), tmp_path / "repository"
    (tmp_path / "password").write_text("a password")
    monkeypatch.setenv("RESTIC_PASSWORD_FILE", str(tmp_path / "password"))
    monkeypatch.setenv("RESTIC_CACHE_DIR", str(tmp_path / "cache"))
    there = ["--repository", f"restic:{path}"]

    refused = project.ops("backup", *there, ok=False)
    assert refused.returncode == 3
    assert f"RESTIC_REPOSITORY='{path}' restic init" in refused.stderr
    subprocess.run([restic, "init", "--repo", path], check=True, capture_output=True)

    first = said(project.ops("backup", *there, "--json"))
    assert {item["state"] for item in first["items"] if item["backup"] != "none"} == {"stored"}
    assert first["secrets"]["missing"] == []
    assert hides(path, project)
    second = said(project.ops("backup", *there, "--json"))["set"]
    project.ops("verify", "--deep", *there)
    project.ops("drill", *there)
    listed = said(project.ops("list", "--json", *there))["sets"]
    assert [each["set"] for each in listed] == [first["set"], second]
    assert [bool(each["drilled"]) for each in listed] == [False, True]
    assert said(project.ops("forget", "--keep-last", "1", "--json", *there))["removed"] == [first["set"]]
    assert not staged(project)

    before = secrets(project)
    lose(project)
    project.ops("restore", "latest", *there)
    assert secrets(project) == before
    project.up()
    assert complete(project)
    assert project.volumes() == project.declared()
    assert not staged(project)


def test_encrypted_for_recipients(project: Project, tmp_path: Path) -> None:
    identity, other = tmp_path / "identity", tmp_path / "other"
    for each in (identity, other):
        subprocess.run([program("age-keygen"), "-o", each], check=True, capture_output=True)
    public = subprocess.run([program("age-keygen"), "-y", identity], check=True, capture_output=True, text=True).stdout

    refused = project.ops("backup", "--recipient", "age1nobody", ok=False)
    assert refused.returncode == 2
    made = said(project.ops("backup", "--recipient", public.strip(), "--json"))
    stored = [file for item in made["items"] for file in item["files"]]
    assert all(file["encrypted"] and file["path"].endswith(".age") for file in [*stored, made["secrets"]["file"]])
    runs = next(item for item in made["items"] if item["volume"] == "mlflow_data")
    assert runs["counts"] and all(name.startswith("mlflow.db:") for name in runs["counts"])
    assert hides(project.folder / "backups", project)

    project.ops("verify")
    assert project.ops("verify", "--deep", ok=False).returncode == 2
    assert project.ops("verify", "--deep", "--identity", str(other), ok=False).returncode == 2
    project.ops("verify", "--deep", "--identity", str(identity))
    project.ops("drill", "--identity", str(identity))

    before = secrets(project)
    lose(project)
    assert project.ops("restore", "latest", ok=False).returncode == 2
    assert not (project.folder / ".env").exists()
    project.ops("restore", "latest", "--identity", str(identity))
    assert secrets(project) == before
    project.up()
    assert complete(project)
