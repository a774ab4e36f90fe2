"""A stack without GNU tar anywhere: the engine copies, and what that cannot keep is said or refused."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.engine.backup import keeper
from tests.engine.conftest import Make, Run, new_name
from tests.support.programs import program
from tests.support.running import Project

pytestmark = pytest.mark.engine

FILL = r"""
import os, struct
os.chdir("/things"); os.umask(0)
def put(name, content=b"x", mode=0o644, owner=(0, 0)):
    open(name, "wb").write(content); os.chown(name, *owner); os.chmod(name, mode)
put("plain", b"text", 0o640, (999, 998)); put("setuid", b"x", 0o4755); put("café\n", b""); put(b"\xff", b"y")
os.mkdir("folder"); os.chown("folder", 5, 6); os.chmod("folder", 0o3770); os.mkdir("empty")
put("folder/inside", bytes(3 << 20))
os.link("plain", "folder/second"); os.symlink("/etc/passwd", "absolute"); os.symlink("nowhere", "dangling")
os.mkfifo("fifo"); put("a" * 255)
os.setxattr("plain", "user.note", b"lost")
with open("hole", "wb") as file:
    file.truncate(8 << 20)
for name in ("plain", "folder", "."):
    os.utime(name, ns=(0, 1_600_000_000_987_654_321))
os.chown(".", 1234, 4321); os.chmod(".", 0o1770)
"""


@pytest.fixture
def image(docker: dict[str, str]) -> Iterator[str]:
    """An image with nothing in it but busybox."""
    assert docker is not None
    name = f"{new_name()}-bare"
    with io.BytesIO() as built:
        with tarfile.open(fileobj=built, mode="w") as root:
            root.add(program("busybox").resolve(), "bin/busybox")
            for link in ("sh", "sleep", "tar", "cat"):
                entry = tarfile.TarInfo(f"bin/{link}")
                entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
                root.addfile(entry)
        made = ["docker", "import", "--change", "ENV PATH=/bin", "-", name]
        subprocess.run(made, input=built.getvalue(), capture_output=True, check=True)
    yield name
    subprocess.run(["docker", "image", "rm", name], capture_output=True, check=False)


@pytest.fixture
def project(make: Make, image: str) -> Project:
    """All its services run on that image."""
    made = make(services=["redis"])
    idle = {"image": image, "command": ["sleep", "infinity"], "init": True, "healthcheck": {"disable": True}}
    described = {"things": keeper.DESCRIBED, "ledger": {**keeper.DESCRIBED, "class": "database", "owner": "redis"}}
    override = {
        "services": {"redis": idle, "keeper": {**idle, "volumes": ["things:/things", "ledger:/ledger"]}},
        "volumes": {"things": None, "ledger": None},
        "x-scaffold-own": {"volumes": described},
    }
    (made.folder / "compose.override.yaml").write_text(yaml.safe_dump(override))
    made.init()
    made.up("keeper")
    return made


def known(tree: dict[str, Any]) -> dict[str, Any]:
    """What the engine's own copy keeps of each entry."""
    for entry in tree.values():
        entry["mtime"] //= 10**9
        for lost in ("xattrs", "sparse"):
            entry.pop(lost, None)
    return tree


def test_files_are_copied_and_databases_refused(project: Project, run: Run) -> None:
    volume = f"{project.name}_things"
    keeper.python(volume, FILL)
    before = keeper.tree(volume)
    done = project.ops("backup", "--only", "things", "ledger", "--json", ok=False)
    assert done.returncode == 1
    made = json.loads(done.stdout)
    items = {item["volume"]: item for item in made["items"]}
    assert items["ledger"]["state"] == "failed"
    assert "GNU tar" in items["ledger"]["why"]
    assert items["things"]["method"] == "pause"
    assert "ACLs" in items["things"]["warnings"][0]
    assert "paused" not in project.run("docker", "ps", "--filter", f"name={project.name}").stdout
    project.ops("verify", "--deep", made["set"])

    refused = project.ops("restore", made["set"], "--replace", ok=False)
    assert refused.returncode == 2
    assert "missing-tool" in refused.stderr
    assert keeper.tree(volume) == before

    other = run(new_name())
    said = project.ops("restore", made["set"], "--to-project", other.name, ok=False)
    assert "ACLs" in said.stdout + said.stderr
    assert known(keeper.tree(f"{other.name}_things")) == known(before)


def test_a_set_with_everything_is_put_back_without_what_the_engine_cannot(
    project: Project, run: Run, image: str
) -> None:
    """Made where there was GNU tar, restored where there is none."""
    volume = f"{project.name}_things"
    keeper.python(volume, FILL)
    before = keeper.tree(volume)
    override = project.folder / "compose.override.yaml"
    bare = override.read_text()
    override.write_text(bare.replace(image, keeper.IMAGE))
    project.up("keeper")
    made = json.loads(project.ops("backup", "--only", "things", "--json").stdout)
    assert made["items"][0]["warnings"] == []
    override.write_text(bare)
    project.up("keeper")
    other = run(new_name())
    project.ops("restore", made["set"], "--to-project", other.name)
    after = keeper.tree(f"{other.name}_things")
    assert after["./plain"]["xattrs"] == before["./plain"]["xattrs"]
    assert known(after) == known(before)
