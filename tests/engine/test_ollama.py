"""Ollama. No model can be pulled here, so one is made from a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.conftest import Make
from tests.support import models
from tests.support.images import is_provided
from tests.support.running import Project, until

IMAGE = "ollama/ollama:0.32.15"
MODELFILE = """\
FROM /tmp/tiny.gguf
TEMPLATE \"\"\"{{ range .Messages }}<|{{ .Role }}|>{{ .Content }}{{ end }}<|assistant|>\"\"\"
"""

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(not is_provided(IMAGE), reason=f"{IMAGE} is dear: SCAFFOLD_DEAR_IMAGES=1 builds it"),
]


@pytest.fixture
def project(make: Make) -> Project:
    project = make(services=["flask", "ollama"])
    project.init()
    project.configure(OLLAMA_CHAT_MODEL="tiny", OLLAMA_EMBED_MODEL="tiny")
    return project


def make_model(project: Project, tmp_path: Path) -> None:
    """What `ollama pull` would do, from a file."""
    (tmp_path / "tiny.gguf").write_bytes(models.tiny_model("chat"))
    (tmp_path / "Modelfile").write_text(MODELFILE)
    for name in ("tiny.gguf", "Modelfile"):
        project.compose("cp", str(tmp_path / name), f"ollama:/tmp/{name}")
    project.compose("exec", "-T", "ollama", "ollama", "create", "tiny", "-f", "/tmp/Modelfile")


def test_without_its_model_it_says_so_and_the_model_outlives_the_container(project: Project, tmp_path: Path) -> None:
    project.compose("up", "--detach")

    def said() -> str:
        return project.ops("status", ok=False).stderr

    until(lambda: "there is no model tiny" in said(), 60)
    assert "docker compose run --rm ollama-pull" in said()
    assert project.get("/health")[0] == 200, "the application is of use without it"
    assert project.get("/links")[0] == 503
    pulled = project.run("docker", "compose", "run", "--rm", "ollama-pull", ok=False)
    assert pulled.returncode != 0, "there is no such model in the library"

    make_model(project, tmp_path)
    project.up()
    assert project.get("/links") == (200, {"ollama": {"ok": True}})
    assert "tiny is there" in project.compose("run", "--rm", "ollama-pull")
    assert project.volumes() == project.declared()
    project.compose("down")
    project.up()
    assert project.get("/links") == (200, {"ollama": {"ok": True}})
    assert project.ops("status").returncode == 0
