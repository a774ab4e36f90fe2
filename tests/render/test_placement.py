"""Where volumes live, as copier renders it: what Compose is told, what is refused, and what stays where it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from scaffold.catalog import placement
from scaffold.catalog.index import load
from scaffold.catalog.resolve import resolve
from scaffold.errors import ScaffoldError
from scaffold.project.render import render
from scaffold.project.source import Template
from tests.support import compose
from tools.examples import ROOT

DISK = "block:device=/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0a1b2c"
NFS = "nfs:server=10.0.0.5,export=/srv/ml"
SERVICES = ["flask", "mlflow", "ollama"]
PLACES = [f"user_uploads={NFS},option=hard", f"mlflow_data={DISK}", "ollama_models=tmpfs:size=4g"]


def answers(*places: str, services: list[str] = SERVICES) -> dict[str, Any]:
    return {"project_name": "my-rag", "services": services, "placement": placement.from_flags(places)}


def volumes(project: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((project / "compose.yaml").read_text())["volumes"]
    return found


def recorded(project: Path) -> Any:
    return yaml.safe_load((project / ".copier-answers.yml").read_text()).get("placement")


@pytest.fixture(scope="module")
def placed(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("placed") / "my-rag"
    render(template, answers(*PLACES), folder)
    (folder / ".env").write_bytes((folder / ".env.example").read_bytes())
    return folder


# As https://docs.docker.com/reference/cli/docker/volume/create/ and docs.docker.com/engine/storage/volumes/ have them.
TEXT = """\
  user_uploads:
    driver: local
    driver_opts:
      type: "nfs"
      o: "addr=10.0.0.5,nfsvers=4,hard"
      device: ":/srv/ml/my-rag/user_uploads"

""", """\
  mlflow_data:
    driver: local
    driver_opts:
      type: "ext4"
      device: "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0a1b2c"

""", """\
  ollama_models:
    driver: local
    driver_opts:
      type: "tmpfs"
      o: "size=4g,uid=10001,gid=10001,mode=0755"
      device: "tmpfs"

""", """\
  mlflow_artifacts:

"""  # fmt: skip


@pytest.mark.parametrize("text", TEXT, ids=["nfs", "block", "tmpfs", "local"])
def test_it_is_written_out(placed: Path, text: str) -> None:
    assert f"\n{text}" in (placed / "compose.yaml").read_text()


@pytest.mark.compose
@pytest.mark.parametrize("version", compose.VERSIONS)
def test_compose_reads_it(placed: Path, version: str) -> None:
    declared = compose.config(placed, version)["volumes"]
    assert {name: one.get("driver_opts") for name, one in declared.items()} == {
        "user_uploads": {
            "type": "nfs", "o": "addr=10.0.0.5,nfsvers=4,hard", "device": ":/srv/ml/my-rag/user_uploads",
        },
        "mlflow_data": {"type": "ext4", "device": "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0a1b2c"},
        "ollama_models": {"type": "tmpfs", "o": "size=4g,uid=10001,gid=10001,mode=0755", "device": "tmpfs"},
        "mlflow_artifacts": None,
    }  # fmt: skip
    assert {one["name"] for one in declared.values()} == {f"my-rag_{name}" for name in declared}


def test_a_project_says_where_its_volumes_live(placed: Path) -> None:
    text = (placed / "VOLUMES.md").read_text()
    for where in ("NFS, 10.0.0.5:/srv/ml/my-rag/user_uploads", "vol0a1b2c (ext4)", "memory, at most 4g"):
        assert where in text
    assert recorded(placed) == placement.from_flags(PLACES)


def test_nothing_is_said_where_nothing_was_placed(template: Template, tmp_path: Path) -> None:
    render(template, {"project_name": "my-rag", "services": SERVICES}, tmp_path / "a")
    render(template, answers(), tmp_path / "b")
    for folder in (tmp_path / "a", tmp_path / "b"):
        assert "Where they live" not in (folder / "VOLUMES.md").read_text()
        assert "driver" not in (folder / "compose.yaml").read_text()
    assert recorded(tmp_path / "a") is None


@pytest.mark.parametrize(
    "places",
    [
        ["mlflow_data=nfs:server=nas,export=/srv"],
        ["class:database=nfs:server=nas,export=/srv"],
        ["user_uploads=nfs:server=nas,export=/srv,option=addr=10.6.6.6"],
        ["user_uploads=nfs:server=nas,export=/srv/../etc"],
        ["user_uploads=block:device=/dev/sdb"],
        ["user_uploads=tmpfs:size=1g"],
        [f"user_uploads={DISK}", f"mlflow_data={DISK}"],
    ],
)
def test_copier_and_we_refuse_the_same(template: Template, tmp_path: Path, places: list[str]) -> None:
    given = answers(*places)
    with pytest.raises(ScaffoldError) as ours:
        placement.check(resolve(load(ROOT), given), given)
    with pytest.raises(ScaffoldError) as copiers:
        render(template, given, tmp_path / "project")
    assert ours.value.what.rpartition("`: ")[2] in copiers.value.why
    assert not (tmp_path / "project" / "compose.yaml").exists()
