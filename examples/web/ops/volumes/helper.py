# Managed by scaffold: updates merge this file.
"""A container that has volumes mounted and GNU tar in it: the only way by which their content goes in or out.

Its image is one that the engine has already: nothing is pulled. It has no network, no log and no more rights than
reading needs (or writing, when it fills a volume).
"""

from __future__ import annotations

import os
import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, ClassVar

from ops import docker
from ops.errors import UNABLE, OpsError
from ops.volumes import freeze, presence, survey
from ops.volumes import scratch as places

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ops.docker import Answer

LIFE = "86400"  # seconds; a helper whose run was killed does not stay for ever
READ = ("DAC_READ_SEARCH",)
WRITE = ("CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "SETFCAP")
# 64 KiB at a time: a fifth less of a freeze than tar's own 10 KiB, where files are many and small (measured).
RECORDS = "--blocking-factor=128"
# When a file was read or its owner changed is never put back, and would make an unchanged file a new one for restic.
PLAIN_TIMES = "--pax-option=delete=atime,delete=ctime"
# ACLs are among the attributes: why nothing is archived with `--acls`, and all is unpacked so, is in `sets/acls.py`.
LOSSLESS = ("--xattrs", "--xattrs-include=*", "--numeric-owner")
ENGINE_FAILED = 125  # exit code of `docker run` when no program was tried
NO_TAR = "no image of this project that is here has GNU tar"


@dataclass(frozen=True)
class Helper:
    """A running helper. Volumes are at `/ops/0`, `/ops/1` … in the order they were given."""

    id: str
    image: str
    volumes: tuple[str, ...]
    scratch: Path | None = None  # a folder that it shares with this machine
    spare: str = ""  # or a volume of its own beside the engine
    lossless: ClassVar[bool] = True

    def where(self, volume: str) -> str:
        """Return where a volume is mounted."""
        return f"/ops/{self.volumes.index(volume)}"

    def run(self, *arguments: str, patience: int = docker.TIMEOUT) -> Answer:
        """Run a program in it."""
        return docker.run(["exec", self.id, *arguments], patience=patience)

    def ask(self, *arguments: str, patience: int = docker.TIMEOUT) -> str:
        """Run a program that has to succeed."""
        answer = self.run(*arguments, patience=patience)
        if answer.code:
            raise OpsError(f"`{arguments[0]}` failed in a helper container", answer.last_error(), code=UNABLE)
        return answer.output

    def survey(self, volume: str) -> survey.Survey:
        """Go through a volume once: what it takes, whether a device is in it, where it could be cut."""
        with docker.reading(["exec", self.id, *survey.command(self.where(volume))]) as pipe:
            return survey.read(pipe)

    def free(self, volume: str) -> int:
        """Return what is free on a volume's disk, in bytes."""
        return self.free_at(self.where(volume))

    def free_at(self, path: str) -> int:
        """Return what is free on a disk, in bytes."""
        lines = self.ask("df", "--output=avail", "--block-size=1", path).split()
        return int(lines[-1]) if lines[-1].isdigit() else 0

    def read(self, volume: str, name: str) -> str:
        """Return the text of a small file of a volume; empty when there is none."""
        answer = self.run("head", "--bytes=65536", f"{self.where(volume)}/{name}")
        return answer.output if answer.code == 0 else ""

    def empty(self, volume: str) -> bool:
        """Tell whether a volume holds nothing; `lost+found` is the file system's own."""
        top = ["-mindepth", "1", "-maxdepth", "1", "!", "-name", "lost+found"]
        return not self.ask("find", self.where(volume), *top, "-print", "-quit").strip()

    def count(self, volume: str) -> int:
        """Return how many entries a volume has, its root counted; sockets are not archived and not counted."""
        find = ["find", self.where(volume), "-name", "lost+found", "-prune", "-o", "!", "-type", "s", "-printf", "x"]
        return len(self.ask(*find, patience=3600))

    def owner(self, volume: str) -> tuple[int, int]:
        """Return whose a volume's root is."""
        uid, gid = self.ask("stat", "--format=%u %g", self.where(volume)).split()
        return int(uid), int(gid)

    def root(self, volume: str) -> list[str]:
        """Return whose a volume's root is, and its mode, as `chown` and `chmod` take them."""
        owner, mode = self.ask("stat", "--format=%u:%g %a", self.where(volume)).split()
        return [owner, f"0{mode:0>4}"]

    def unpack(self, volume: str, stream: IO[bytes], *more: str) -> None:
        """Unpack an archive into a volume."""
        with docker.feeding(self.extracting(volume, *more)) as pipe:
            copy_into(pipe, stream)

    def tar(self, volume: str, *more: str, members: Sequence[str] = (".",)) -> list[str]:
        """Return the command that archives a volume, or members of it, and loses nothing."""
        return [
            "tar",
            "--create",
            RECORDS,
            "--format=posix",
            "--sparse",
            PLAIN_TIMES,
            *LOSSLESS,
            *more,
            "--exclude=./lost+found",
            "-C",
            self.where(volume),
            *members,
        ]

    def reading(self, volume: str, *more: str) -> list[str]:
        """Return the `docker` command whose output is the archive of a volume."""
        return ["exec", self.id, *self.tar(volume, "-f", "-", *more)]

    def extracting(self, volume: str, *more: str) -> list[str]:
        """Return the `docker` command that unpacks an archive from its standard input into a volume."""
        options = ["--same-owner", "--preserve-permissions", "--delay-directory-restore"]
        return [
            "exec",
            "-i",
            self.id,
            "tar",
            "--extract",
            RECORDS,
            *LOSSLESS,
            "--acls",
            *options,
            "-C",
            self.where(volume),
            "-f",
            "-",
            # Behind `-C`, which counts for the members named after it only.
            *more,
        ]


@contextmanager
def mounted(
    project: str,
    images: Sequence[str],
    volumes: Sequence[str],
    *,
    write: Sequence[str] = (),
    scratch: Path | None = None,
    proven: bool = False,
) -> Iterator[Helper]:
    """Start a helper with volumes of the engine, read-only except those in `write`; it is gone afterwards.

    An absolute path among them is a folder of the engine's machine. `scratch` is a folder of this machine to share.
    Where the engine is on another one, the helper gets a volume. Images that are `proven` have served before.
    """
    held = [each for each in volumes if not presence.is_folder(each)]
    labels = presence.labels(held)
    mounts = [presence.mount(volume, number, write=volume in write) for number, volume in enumerate(volumes)]
    rights = WRITE if write else READ
    container = spare = ""
    try:
        image, container, shared = first(project, images, mounts, rights, scratch, proven=proven)
        if not container:
            from ops.volumes import bare  # noqa: PLC0415 (a kind of Helper)

            with bare.mounted(project, volumes, mounts) as at:
                yield at
            return
        if presence.labels(held) != labels:
            remove(container)
            raise presence.replaced(held, labels)
        if scratch and not shared:
            remove(container)
            spare = make_spare(project)
            mounts.append(f"type=volume,source={spare},target={places.MOUNT}")
            image, container, _ = first(project, [image], mounts, rights, proven=True)
        yield Helper(container, image, tuple(volumes), scratch if shared else None, spare)
    finally:
        remove(container)
        if spare:
            docker.run(["volume", "rm", "--force", spare])


def first(
    project: str,
    images: Sequence[str],
    mounts: list[str],
    rights: Sequence[str],
    scratch: Path | None = None,
    *,
    proven: bool = False,
) -> tuple[str, str, bool]:
    """Start a helper from the first image that serves, and tell whether it shares the scratch folder.

    Image and container are empty when none can.
    """
    for image in images:
        container = ""
        if scratch is not None:
            container = start(project, image, [*mounts, f"type=bind,source={scratch},target={places.MOUNT}"], rights)
            if container and shares(container, scratch):
                return image, container, True
        container = container or start(project, image, mounts, rights)
        if container and (proven or has_tar(container)):
            return image, container, False
        remove(container)
    if images and all(lacks_tar(image) for image in images):
        return "", "", False
    fix = "docker compose pull --ignore-buildable; docker compose build"
    raise OpsError("there is nothing to copy volumes with", NO_TAR, fix, code=UNABLE, cause="missing-tool")


def start(project: str, image: str, mounts: list[str], rights: Sequence[str]) -> str:
    """Start a container of an image that is here; return nothing when it cannot be started."""
    name = f"{project}-ops-{secrets.token_hex(4)}"
    command = [
        "run", "--detach", "--rm", "--pull", "never", "--network", "none", "--log-driver", "none", "--read-only",
        "--cap-drop", "ALL", *(part for each in rights for part in ("--cap-add", each)),
        "--security-opt", "no-new-privileges", "--user", "0:0", "--workdir", "/",
        "--label", f"{docker.HELPER}={project}", "--name", name,
        *(part for each in mounts for part in ("--mount", each)), "--entrypoint", "sleep", image, LIFE,
    ]  # fmt: skip
    try:
        answer = docker.run(command)
    except BaseException:
        with freeze.undisturbed():
            time.sleep(1)  # the engine goes on making it
            remove(name)
        raise
    return answer.output.strip() if answer.code == 0 else ""


def make_spare(project: str) -> str:
    """Make a volume for plain archives, beside the engine."""
    name = f"{project}-ops-scratch-{secrets.token_hex(4)}"
    docker.ask(["volume", "create", "--label", f"{docker.HELPER}={project}", name])
    return name


def has_tar(container: str) -> bool:
    """Tell whether a container's tar is GNU's: others lose ACLs, attributes and holes without a word."""
    answer = docker.run(["exec", container, "tar", "--version"])
    return answer.code == 0 and "GNU tar" in answer.output


def lacks_tar(image: str) -> bool:
    """Tell whether an image does not serve for want of GNU tar, and not because the engine is in trouble."""
    options = ["--rm", "--pull", "never", "--network", "none", "--log-driver", "none", "--entrypoint", "tar"]
    answer = docker.run(["run", *options, image, "--version"])
    return answer.code != ENGINE_FAILED and "GNU tar" not in answer.output


def shares(container: str, scratch: Path) -> bool:
    """Tell whether GNU tar writes to the folder in the container, and that is the one on this machine."""
    mark = scratch / f".probe-{secrets.token_hex(8)}"
    mark.touch()
    os.chmod(mark, 0o666)  # noqa: PTH101 (the helper has no right over files of others)
    try:
        # `--warning` is GNU tar's alone.
        tar = ["tar", "-c", "--warning=all", "--no-recursion", "-f", f"{places.MOUNT}/{mark.name}", "-C", "/ops"]
        return docker.run(["exec", container, *tar, "."]).code == 0 and mark.stat().st_size > 0
    finally:
        mark.unlink()


def remove(container: str) -> None:
    """Remove a helper."""
    if container:
        docker.run(["rm", "--force", "--volumes", container])


def clear(project: str) -> int:
    """Remove the helpers that killed runs of this project left; return how many."""
    label = f"label={docker.HELPER}={project}"
    ids = docker.ask(["ps", "-aq", "--filter", label]).split()
    for each in ids:
        remove(each)
    for each in docker.ask(["volume", "ls", "-q", "--filter", label]).split():
        docker.run(["volume", "rm", each])
    return len(ids)


def copy_into(pipe: IO[bytes], stream: IO[bytes]) -> None:
    """Send a stream to a command, a piece at a time."""
    while chunk := stream.read(1 << 20):
        pipe.write(chunk)
