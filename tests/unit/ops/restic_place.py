"""A project with a repository of the real restic, and sets to store in it."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from ops.errors import OpsError
from ops.project import Project
from ops.sets import folder, manifest
from ops.sets.manifest import File, Item, Manifest
from ops.sets.repository import Repository, staged
from ops.sets.restic import Restic

PASSWORD = "a password"


class Place:
    """A project, its repository, and programs that stand before the real restic on PATH."""

    def __init__(self, tmp_path: Path, restic: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tmp_path, self.restic, self.monkeypatch = tmp_path, restic, monkeypatch
        self.path = tmp_path / "repository"
        # A name that restic would read as a pattern.
        self.root = tmp_path / "my [rag]*"
        self.root.mkdir()
        self.repository = self.of("rag")

    def of(self, name: str) -> Repository:
        return Repository(Project(self.root, name, []), Restic(str(self.path)))

    def run(self, *arguments: str) -> str:
        said = {**os.environ, "RESTIC_REPOSITORY": str(self.path), "RESTIC_PASSWORD": PASSWORD}
        done = subprocess.run([self.restic, *arguments], env=said, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def before(self, script: str) -> None:
        """Put a program in the place of restic; `REAL` in it is the real one."""
        path = self.tmp_path / "bin" / "restic"
        path.parent.mkdir(exist_ok=True)
        path.write_text("#!/bin/sh\n" + script.replace("REAL", str(self.restic)) + "\n")
        path.chmod(0o755)
        self.monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")

    def store(self, content: dict[str, bytes], project: str = "rag") -> str:
        one = self.of(project)
        with staged(one.this) as stage:
            id = make(stage.home, content, project)
            one.store(stage, stage.home / id)
        assert not stage.home.exists()
        return id

    def stored(self, project: str = "rag") -> list[str]:
        return [each.set for each in self.of(project).sets()]

    def made(self, id: str) -> Manifest:
        return manifest.load(self.repository.mirror() / id)

    def size(self) -> int:
        return sum(path.stat().st_size for path in self.path.rglob("*") if path.is_file())

    def locks(self) -> list[Path]:
        return list((self.path / "locks").iterdir())


def make(home: Path, content: dict[str, bytes], project: str) -> str:
    """A complete set."""
    id = folder.new_id(time.time())
    path = home / id
    items = []
    for name, data in content.items():
        (path / name).mkdir(parents=True)
        (path / name / "content.tar").write_bytes(data)
        (path / name / "content.tar").chmod(0o600)
        file = File(f"{name}/content.tar", "content", "none", len(data), "", len(data), "")
        items.append(Item(name, f"{project}_{name}", files=[file]))
    manifest.save(Manifest(id, project, folder.stamp(time.time()), items=items), path)
    return id


def refused(repository: Repository) -> OpsError:
    with pytest.raises(OpsError) as caught:
        repository.mirror()
    return caught.value
