"""Volumes on a disk of their own and in memory, for real; and what is said when a disk or a server is not there.

The disk is a file behind a loop device, with a name as udev would give it. No kernel here mounts NFS: of that only what
is said before anything starts is tried.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.backup.keeper import python
from tests.engine.conftest import Make
from tests.support.running import Project, until

pytestmark = pytest.mark.engine

BY_ID = Path("/dev/disk/by-id")
LIST = "import os; print(sorted(os.listdir('/things')))"
# Lines run before `ops` itself, in its process: they break it at one point.
BROKEN = """
import os, sys
sys.path.insert(0, os.getcwd()); sys.dont_write_bytecode = True
from ops.volumes.refill import Refill
from ops.errors import OpsError
def fill(*_, **__):
    {end}
Refill.fill = fill
from ops.cli import main
sys.exit(main(sys.argv[1:]))
"""


class Disk:
    """A small disk: 64 MB, ext4, and the name that stays with it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "disk.img"
        self.file.touch()
        subprocess.run(["truncate", "--size", "64M", self.file], check=True)
        self.format()
        found = subprocess.run(["losetup", "--find", "--show", self.file], check=True, capture_output=True, text=True)
        self.device = found.stdout.strip()
        self.name = BY_ID / f"scaffold-test-{uuid.uuid4().hex[:10]}"
        BY_ID.mkdir(parents=True, exist_ok=True)
        self.attach()

    def format(self) -> None:
        """Make an empty file system, with nothing in it at all: what is there keeps Docker from giving it an owner."""
        subprocess.run(["mkfs.ext4", "-q", "-F", self.file], check=True)
        subprocess.run(["debugfs", "-w", "-R", "rmdir lost+found", self.file], check=True, capture_output=True)

    def attach(self) -> None:
        self.name.symlink_to(self.device)

    def detach(self) -> None:
        self.name.unlink(missing_ok=True)

    def remove(self) -> None:
        self.detach()
        subprocess.run(["losetup", "--detach", self.device], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    try:
        made = Disk(tmp_path)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no loop device: {error}")
    yield made
    made.remove()


@pytest.fixture
def placed(make: Make, disk: Disk) -> Project:
    """Flask, with its uploads on the disk."""
    place = {"driver": "block", "device": str(disk.name)}
    project = make(services=["flask"], placement={"volumes": {"user_uploads": place}})
    project.init()
    return project


def volume_of(project: Project) -> str:
    return f"{project.name}_user_uploads"


def start(project: Project) -> None:
    project.up()
    assert project.get("/health")[0] == 200


def upload(project: Project, name: str, content: bytes) -> None:
    """Upload a file; a worker that was paused for long may be replaced meanwhile."""

    def stored() -> bool:
        try:
            return project.upload(name, content)[0] in {201, 409}
        except OSError:
            return False

    until(stored)


def content(project: Project) -> str:
    return python(volume_of(project), LIST, read_only=True).strip()


def drop(project: Project) -> None:
    """Take the project out of the engine, volumes and all."""
    project.compose("down", "--volumes")
    assert not project.volumes()


def test_a_disk_through_its_life(placed: Project, disk: Disk) -> None:
    start(placed)
    assert placed.upload("kept.txt", b"still here")[0] == 201, "a user that is not root may write"
    inspected = json.loads(placed.run("docker", "volume", "inspect", volume_of(placed)).stdout)[0]
    assert inspected["Options"] == {"type": "ext4", "device": str(disk.name)}
    placed.compose("down")
    start(placed)
    assert placed.get("/uploads/kept.txt") == (200, b"still here")
    assert placed.ops("status", ok=False).returncode == 0

    made = json.loads(placed.ops("backup", "--json").stdout)
    before = content(placed)
    placed.ops("drill", made["set"])
    assert content(placed) == before, "a drill is no business of the disk"
    placed.ops("restore", made["set"], "--to-project", f"{placed.name}-two")
    two = json.loads(placed.run("docker", "volume", "inspect", f"{placed.name}-two_user_uploads").stdout)[0]
    placed.run("docker", "volume", "rm", f"{placed.name}-two_user_uploads")
    assert not two["Options"], "a project of another name is not given the same disk"

    # A new machine with a new disk.
    drop(placed)
    disk.format()
    placed.ops("restore", made["set"])
    again = json.loads(placed.run("docker", "volume", "inspect", volume_of(placed)).stdout)[0]
    assert again["Options"] == inspected["Options"]
    start(placed)
    assert placed.get("/uploads/kept.txt") == (200, b"still here")


def test_a_restore_looks_what_is_on_the_disk(placed: Project) -> None:
    start(placed)
    upload(placed, "old.txt", b"old")
    made = json.loads(placed.ops("backup", "--json").stdout)["set"]
    upload(placed, "new.txt", b"newer than the set")
    # The disk goes to a new machine, whose engine knows nothing of it.
    drop(placed)
    refused = placed.ops("restore", made, ok=False)
    assert refused.returncode == 2
    assert "would replace it" in refused.stdout + refused.stderr
    assert not placed.volumes(), "a look leaves no volume behind"
    start(placed)
    assert placed.get("/uploads/new.txt") == (200, b"newer than the set")
    drop(placed)
    report = json.loads(placed.ops("restore", made, "--replace", "--json").stdout)
    start(placed)
    assert placed.get("/uploads/new.txt")[0] == 404
    assert placed.get("/uploads/old.txt") == (200, b"old")
    (safety,) = report["safety"].values()
    assert "new.txt" in python(safety, LIST)


@pytest.mark.parametrize("end", ["raise OpsError('broken')", "os._exit(9)"], ids=["fails", "killed"])
def test_a_restore_that_ends_half_way_gives_the_disk_its_content_back(placed: Project, end: str) -> None:
    start(placed)
    upload(placed, "old.txt", b"old")
    made = json.loads(placed.ops("backup", "--json").stdout)["set"]
    upload(placed, "new.txt", b"newer than the set")
    before = content(placed)
    drop(placed)
    broken = [sys.executable, "-c", BROKEN.format(end=end), "restore", made, "--replace"]
    # `ops` finds its project by where it lies.
    done = placed.run(*broken, ok=False)
    assert done.returncode == (9 if "_exit" in end else 3), done.stdout + done.stderr
    if "_exit" in end:
        assert content(placed) == "[]", "it was killed with an empty disk"
        placed.ops("recover")
    assert not placed.volumes()
    start(placed)
    assert content(placed) == before
    assert placed.get("/uploads/new.txt") == (200, b"newer than the set")


def test_a_disk_that_is_not_there(placed: Project, disk: Disk) -> None:
    disk.detach()
    done = placed.ops("init", ok=False)
    assert done.returncode == 1
    assert "disk of volume `user_uploads` is not on this machine" in done.stdout + done.stderr
    assert str(disk.name) in done.stdout + done.stderr
    # What the engine itself says, only after it made everything else.
    said = placed.run("docker", "compose", "up", "--detach", "--build", ok=False)
    assert said.returncode != 0
    assert "no such file or directory" in said.stderr
    backup = placed.ops("backup", ok=False)
    assert backup.returncode != 0
    disk.attach()
    start(placed)
    upload(placed, "a", b"a")
    made = json.loads(placed.ops("backup", "--json").stdout)["set"]
    placed.compose("down")
    disk.detach()
    for command in (["backup"], ["restore", made, "--replace"], ["status"]):
        done = placed.ops(*command, ok=False)
        assert done.returncode in {1, 3}, command
        assert "is not on this machine" in done.stdout + done.stderr, command
    disk.attach()
    start(placed)
    assert placed.get("/uploads/a") == (200, b"a")


def test_the_engine_has_it_elsewhere(make: Make, disk: Disk) -> None:
    project = make(services=["redis"])
    project.init()
    project.up()
    path = project.folder / "compose.yaml"
    text = path.read_text().replace(
        "  redis_data:\n\n", f"  redis_data:\n    driver_opts:\n      type: ext4\n      device: {disk.name}\n\n"
    )
    path.write_text(text)
    for verb in ("init", "status"):
        done = project.ops(verb, ok=False)
        assert done.returncode == 1
        assert "`redis_data` is not where `compose.yaml` puts it" in done.stdout + done.stderr


def test_a_cache_in_memory(make: Make) -> None:
    place = {"driver": "tmpfs", "size": "8m"}
    project = make(services=["llama-cpp"], placement={"volumes": {"llama_cpp_models": place}})
    project.init()
    # Without models they are not healthy, and have the volume mounted.
    project.compose("up", "--detach")
    volume = f"{project.name}_llama_cpp_models"
    mounts = python(volume, "print(open('/proc/mounts').read())").splitlines()
    mount = next(each for each in mounts if " /things " in each)
    assert mount.startswith("tmpfs ")
    assert "size=8192k" in mount
    assert "uid=10001,gid=10001" in mount
    python(volume, "open('/things/note', 'w').write('kept')")
    assert python(volume, "print(open('/things/note').read())") == "kept\n", "it is one as long as somebody mounts it"
    full = "try: open('/things/big', 'wb').write(bytes(16 << 20))\nexcept OSError as error: print(error.strerror)"
    assert python(volume, full) == "No space left on device\n"
    made = project.ops("backup", "--caches", ok=False)
    assert "nothing to back up" in made.stdout + made.stderr
    project.compose("down")
    project.compose("up", "--detach")
    assert python(volume, LIST) == "[]\n", "memory forgets at every stop"


@pytest.fixture
def nfs(make: Make) -> Callable[[str], Project]:
    def on(server: str) -> Project:
        place = {"driver": "nfs", "server": server, "export": "/srv/ml"}
        return make(services=["flask"], placement={"volumes": {"user_uploads": place}})

    return on


@pytest.mark.parametrize("server", ["127.0.0.1", "nas.invalid", "[::1]"])
def test_a_server_that_is_not_there(nfs: Callable[[str], Project], server: str) -> None:
    project = nfs(server)
    began = time.monotonic()
    done = project.ops("init", ok=False)
    assert time.monotonic() - began < 15
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert f"the NFS server `{server.strip('[]')}` of volume `user_uploads` does not answer" in said
    assert (project.folder / ".env").exists()
    assert not project.volumes(), "nothing was started"
