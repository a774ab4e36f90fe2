# Managed by scaffold: updates merge this file.
"""Volumes that are to be mounted have to be there: the engine makes an empty one of any name that it does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops import docker
from ops.errors import UNABLE, OpsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

UNLABELLED = ("null", "{}")


def mount(volume: str, number: int, *, write: bool) -> str:
    """Return how a volume is mounted. Without copying up: a look at an empty one must not fill it from the image."""
    end = f"target=/ops/{number}{'' if write else ',readonly'}"
    if is_folder(volume):
        # The value of `--mount` is read as CSV.
        quoted = volume.replace('"', '""')
        return f'type=bind,"source={quoted}",{end}'
    return f"type=volume,source={volume},{end},volume-nocopy"


def is_folder(volume: str) -> bool:
    """Tell a folder of the engine's machine from a volume's name."""
    return volume.startswith("/")


def labels(volumes: Sequence[str]) -> dict[str, str]:
    """Return the labels of volumes; refuse one that is not there: the engine would make an empty one of its name."""
    row = "{{.Name}}\t{{json .Labels}}"
    answer = docker.run(["volume", "inspect", "--format", row, *volumes]) if volumes else docker.Answer(0, "", "")
    found = {name: said for name, _, said in (line.partition("\t") for line in answer.output.splitlines())}
    if answer.code:
        raise gone(each for each in volumes if each not in found)
    return found


def replaced(volumes: Sequence[str], before: dict[str, str]) -> OpsError:
    """Remove volumes that the engine made when they were mounted: the real ones had gone a moment before."""
    new = {name: now for name, now in labels(volumes).items() if now != before[name]}
    for name in (name for name, now in new.items() if now in UNLABELLED):
        docker.run(["volume", "rm", name])
    return gone(new)


def gone(volumes: Iterable[str]) -> OpsError:
    """Say that volumes are not there any more."""
    listed = ", ".join(f"`{each}`" for each in volumes)
    return OpsError(f"volume {listed} is gone", "somebody has removed it", code=UNABLE, cause="not-found")
