"""Which containers count: one that is overlooked would write to a volume while that is copied."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.engine.conftest import Make, new_name

IMAGE = "redis:8.8-trixie"
SHAPES = {
    "plain": [],
    "timeout": ["--stop-timeout", "3"],
    "probe": ["--health-cmd", "true"],
    "labels": ["--label", "com.docker.compose.project=elsewhere"],
}


@pytest.fixture
def writer(request: pytest.FixtureRequest, docker: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Run a container of no project that writes to a volume all the time."""
    assert docker is not None
    name, volume = new_name(), f"{new_name()}_uploads"
    write = "while :; do date +%s%N >> /v/log; done"
    command = ["docker", "run", "--detach", "--name", name, "--mount", f"type=volume,source={volume},target=/v"]
    subprocess.run([*command, *request.param, "--entrypoint", "sh", IMAGE, "-c", write], check=True)
    yield name, volume
    subprocess.run(["docker", "rm", "--force", "--volumes", name], check=False)
    subprocess.run(["docker", "volume", "rm", volume], check=False)


@pytest.mark.parametrize("writer", SHAPES.values(), ids=SHAPES, indirect=True)
def test_whoever_writes_stands_still(make: Make, writer: tuple[str, str]) -> None:
    name, volume = writer
    project = make(services=["flask", "redis"])
    project.init()
    override = f"volumes:\n  mine:\n    name: {volume}\n    external: true\n"
    described = "x-scaffold-own:\n  volumes:\n    mine:\n      class: files\n      backup: files\n"
    (project.folder / "compose.override.yaml").write_text(override + described)
    project.compose("up", "--detach", "--no-deps", "redis")
    said = project.ops("backup", "--only", "mine", "--json").stdout
    assert '"method": "pause"' in said
    assert '"frozen_ms": 0' not in said
    state = subprocess.run(
        ["docker", "inspect", "--format", "{{.State.Status}}", name], capture_output=True, text=True, check=True
    )
    assert state.stdout.strip() == "running"
