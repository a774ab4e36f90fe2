"""A service of the user's own that does nothing but hold a volume, and Python run where that is mounted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.engine.conftest import Make
from tests.support.running import Project

IMAGE = "python:3.13.15-slim-trixie"
DESCRIBED = {"responsibility": "Things of every kind", "class": "files", "owner": "keeper", "backup": "files"}


def project(make: Make, *, described: bool = True, **more: Any) -> Project:
    """The smallest project there is: Redis, and `keeper` with the volume `things`; `more` goes into its override."""
    made = make(services=["redis"])
    override: dict[str, Any] = {
        "services": {
            "keeper": {"image": IMAGE, "command": ["sleep", "infinity"], "init": True, "volumes": ["things:/things"]}
        },
        "volumes": {"things": None},
        **more,
    }
    if described:
        override["x-scaffold-own"] = {"volumes": {"things": DESCRIBED}}
    (made.folder / "compose.override.yaml").write_text(yaml.safe_dump(override))
    made.init()
    return made


def python(volume: str, code: str, *, read_only: bool = False) -> str:
    """Run Python as root in a container that has a volume at `/things`, and return what it prints."""
    mount = f"type=volume,source={volume},target=/things,volume-nocopy{',readonly' if read_only else ''}"
    command = ["docker", "run", "--rm", "--network", "none", "--pull", "never", "--user", "0", "--mount", mount]
    return run([*command, IMAGE, "python", "-c", code])


def run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command[:4])}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def tree(volume: str) -> dict[str, Any]:
    """Everything that can be known of every entry of a volume."""
    said: dict[str, Any] = json.loads(python(volume, f"import os; os.chdir('/things')\n{TREE}", read_only=True))
    return said


def tree_of(folder: Path) -> dict[str, Any]:
    """The same of a folder of this machine."""
    done = subprocess.run([sys.executable, "-c", TREE], cwd=folder, capture_output=True, text=True, check=True)
    said: dict[str, Any] = json.loads(done.stdout)
    return said


TREE = r"""
import hashlib, json, os, stat
found, inodes = {}, {}
def content(path, about):
    digest, at = hashlib.sha256(), 0
    with open(path, "rb", buffering=0) as file:
        while at < about.st_size:  # holes are passed over: they may be larger than the disk
            try:
                start = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:
                break
            at = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            os.lseek(file.fileno(), start, os.SEEK_SET)
            piece = file.read(at - start)
            # A hole and zeroes are the same content.
            if piece.strip(b"\0"):
                digest.update(b"%d:" % start + piece)
    return digest.hexdigest()
def look(path, shown):
    about = os.lstat(path)
    one = {"kind": stat.S_IFMT(about.st_mode), "mode": oct(about.st_mode), "owner": [about.st_uid, about.st_gid],
           "mtime": about.st_mtime_ns}
    if not stat.S_ISLNK(about.st_mode):
        one["xattrs"] = {name: os.getxattr(path, name).hex() for name in sorted(os.listxattr(path))}
    if stat.S_ISLNK(about.st_mode):
        one["to"] = os.fsencode(os.readlink(path)).hex()
    if stat.S_ISREG(about.st_mode):
        inodes.setdefault(about.st_ino, []).append(shown)
        one.update(size=about.st_size, links=about.st_nlink, sparse=about.st_blocks * 512 < about.st_size // 2,
                   content=content(path, about))
    found[shown] = one
def walk(prefix):
    # Step by step: a whole path may be longer than the kernel takes.
    for entry in sorted(os.scandir(b"."), key=lambda each: each.name):
        shown = prefix + "/" + entry.name.decode("utf-8", "backslashreplace")
        look(entry.name, shown)
        if entry.is_dir(follow_symlinks=False) and entry.name != b"lost+found":
            os.chdir(entry.name)
            walk(shown)
            os.chdir(b"..")
import sys
sys.setrecursionlimit(20000)
look(b".", ".")
walk(".")
for names in inodes.values():
    for name in names:
        found[name]["same file"] = names
print(json.dumps(found))
"""
