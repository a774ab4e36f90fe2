"""No secret of the project gets anywhere that it was not before."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

import pytest

from tests.engine.backup.faults.driver import AFTER, waiting
from tests.engine.backup.faults.rebuilt import unpacked
from tests.engine.backup.faults.world import World, docker

pytestmark = pytest.mark.engine


class Watch(threading.Thread):
    """Read what every process of this machine was called with, again and again."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seen: set[bytes] = set()
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.005):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.seen.add(path.read_bytes())
                except OSError:
                    continue

    def __enter__(self) -> Watch:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.join()


@pytest.fixture(scope="module")
def secret(world: World) -> bytes:
    """The only one there is."""
    return (world.project.folder / "secrets" / "postgres_password").read_bytes().strip()


def everywhere(done: subprocess.CompletedProcess[str]) -> bytes:
    return (done.stdout + done.stderr).encode()


def test_arguments_outputs_and_files(world: World, secret: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPS_DEBUG", "1")
    with Watch() as watch:
        said = everywhere(world.ops("backup", "--json"))
        said += everywhere(world.ops("restore", "latest", "--replace"))
        said += everywhere(world.ops("drill", "latest", "--only", "postgres_data", "--json"))
    calls = [each for each in watch.seen if b"docker" in each]
    assert any(b"pg_dump" in each for each in calls), "the watch saw what was run"
    assert any(b"pg_restore" in each for each in calls)
    assert not [each for each in watch.seen if secret in each]
    assert secret not in said
    [path] = world.sets()
    for file in (each for each in path.rglob("*") if each.is_file()):
        assert secret not in file.read_bytes(), file
        if file.suffix in {".zst", ".gz"}:
            assert secret not in unpacked(file, "zstd" if file.suffix == ".zst" else "gzip"), file
    for journal in (world.project.folder / ".ops").rglob("*"):
        assert not journal.is_file() or secret not in journal.read_bytes(), journal


@pytest.mark.parametrize("moment", ["^docker create .*-ops-lock", "^docker run .*-ops-", "^docker compose .* up "])
def test_what_the_engine_knows(world: World, secret: bytes, moment: str) -> None:
    """Of the lock, of helpers, of sandboxes: their labels, environment and everything else."""
    name = world.project.name
    with waiting(
        world.project, "restore", "latest", "--only", "postgres_data", "--replace", at=moment, when=AFTER
    ) as run:
        found = [each for each in docker("ps", "--all", "--format", "{{.Names}}").split() if f"{name}-ops-" in each]
        assert found
        assert secret.decode() not in docker("inspect", *found)
    assert run.end().code == 0


def test_an_error_that_quotes(world: World, secret: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server refuses its password, and says much about it."""
    monkeypatch.setenv("OPS_DEBUG", "1")
    path = world.project.folder / "secrets" / "postgres_password"
    container = world.project.compose("ps", "-q", "postgres").strip()
    docker("exec", container, "sh", "-c", 'sed -i "s/trust$/scram-sha-256/" "$PGDATA/pg_hba.conf"')
    world.sql("SELECT pg_reload_conf()")
    before = path.read_bytes()
    path.chmod(0o600)
    try:
        path.write_bytes(b"wrong-" + before)
        done = world.ops("backup", "--only", "postgres_data", code=3, cause="down")
        assert secret not in everywhere(done)
    finally:
        path.write_bytes(before)
        path.chmod(0o444)
    world.ops("backup", "--only", "postgres_data")
