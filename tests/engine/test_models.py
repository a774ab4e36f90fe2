"""Model servers: without their model they say so, with the command that downloads it. Half a download is none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engine.conftest import Make
from tests.support import models
from tests.support.running import Project, until

pytestmark = pytest.mark.engine

PULL = "docker compose run --rm llama-cpp-pull"


@pytest.fixture
def downloads(docker: dict[str, str]) -> Iterator[models.Downloads]:
    assert docker is not None, "containers are to reach it"
    with models.serve() as downloads:
        downloads.files = {"chat.gguf": models.tiny_model(), "embed.gguf": models.tiny_model()}
        yield downloads


@pytest.fixture
def project(make: Make, downloads: models.Downloads) -> Project:
    project = make(services=["llama-cpp"])
    project.init()
    project.configure(
        LLAMA_CPP_CHAT_MODEL=downloads.url("chat.gguf?download=true"), LLAMA_CPP_EMBED_MODEL=downloads.url("embed.gguf")
    )
    return project


def in_volume(project: Project) -> list[str]:
    listing = ["run", "--rm", "--entrypoint", "ls", "llama-cpp-pull", "-A", "/models"]
    return project.compose(*listing).split()


def test_without_its_model_it_says_so_and_starts_when_it_comes(project: Project) -> None:
    project.compose("up", "--detach")

    def said() -> str:
        status = project.ops("status", ok=False)
        return status.stderr if status.returncode == 1 else ""

    until(said, 30)
    assert "service `llama-cpp` is starting" in said() or "service `llama-cpp` is unhealthy" in said()
    assert "there is no model chat.gguf" in said()
    assert "there is no model embed.gguf" in said()
    assert PULL in said()
    name = f"{project.name}-llama-cpp-1"
    health = project.run("docker", "inspect", "--format", "{{json .State.Health}}", name).stdout
    assert "there is no model chat.gguf" in health
    assert PULL in project.logs()

    project.compose("run", "--rm", "llama-cpp-pull")
    # The servers find the files by themselves: nothing is started again.
    project.up("--no-recreate")
    status = project.ops("status")
    assert status.returncode == 0, status.stderr
    assert project.compose("logs", "llama-cpp").count("waiting for the model") == 1


def test_a_download_goes_on_where_it_was_cut_and_is_done_once(project: Project, downloads: models.Downloads) -> None:
    downloads.cut = 100_000
    assert project.run("docker", "compose", "run", "--rm", "llama-cpp-pull", ok=False).returncode != 0
    assert "chat.gguf" not in in_volume(project), "half a model is none"
    downloads.cut = None
    project.compose("run", "--rm", "llama-cpp-pull")
    assert downloads.ranges[1] == "bytes=100000-"
    assert {"chat.gguf", "embed.gguf"} <= set(in_volume(project))
    before = len(downloads.ranges)
    assert "chat.gguf is there" in project.compose("run", "--rm", "llama-cpp-pull")
    assert len(downloads.ranges) == before, "nothing is asked for twice"


def test_what_is_no_model_is_not_kept(project: Project, downloads: models.Downloads) -> None:
    downloads.files["chat.gguf"] = b"<html>Please log in</html>"
    refused = project.run("docker", "compose", "run", "--rm", "llama-cpp-pull", ok=False)
    assert refused.returncode != 0
    assert "is no GGUF file" in refused.stderr + refused.stdout
    assert [name for name in in_volume(project) if not name.startswith(".")] == []
    del downloads.files["chat.gguf"]
    assert project.run("docker", "compose", "run", "--rm", "llama-cpp-pull", ok=False).returncode != 0
    assert [name for name in in_volume(project) if name.endswith("gguf")] == []


def test_a_download_killed_before_it_got_its_name(project: Project) -> None:
    """The part is complete, and asking for what comes behind it is answered with 416: it only needs its name."""
    project.compose("run", "--rm", "llama-cpp-pull")
    undo = "mv /models/chat.gguf /models/chat.gguf.part"
    project.compose("run", "--rm", "--entrypoint", "bash", "llama-cpp-pull", "-c", undo)
    project.compose("run", "--rm", "llama-cpp-pull")
    assert "chat.gguf" in in_volume(project)
    assert "chat.gguf.part" not in in_volume(project)
