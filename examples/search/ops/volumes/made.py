# Managed by scaffold: updates merge this file.
"""How a volume is made: its driver, its options, its labels; as the engine has it, and as `compose.yaml` wants it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ops import docker
from ops.errors import NoEngineError

if TYPE_CHECKING:
    from ops.compose import Model

LOCAL = "local"
# Compose notes with it how it made a volume. One that we make goes without: where it differs from the file, Compose
# offers to make the volume anew, empty.
HASH = "com.docker.compose.config-hash"


@dataclass(frozen=True)
class Made:
    """What `docker volume create` is told."""

    driver: str = LOCAL
    options: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)

    def arguments(self) -> list[str]:
        """Return the command line, without the name."""
        said = ["--driver", self.driver] if self.driver != LOCAL else []
        for flag, pairs in (("--opt", self.options), ("--label", self.labels)):
            said += [part for key, value in sorted(pairs.items()) if key != HASH for part in (flag, f"{key}={value}")]
        return said

    def same_place(self, other: Made) -> bool:
        """Tell whether content would lie at the same place."""
        return (self.driver, self.options) == (other.driver, other.options)


def wanted(model: Model, key: str, project: str) -> Made:
    """Return how Compose would make a volume."""
    body = (model.document.get("volumes") or {}).get(key) or {}
    own = {docker.PROJECT: project, docker.VOLUME: key}
    return Made(str(body.get("driver") or LOCAL), text(body.get("driver_opts")), {**text(body.get("labels")), **own})


def look(volume: str) -> Made | None:
    """Return how the engine made a volume; nothing when it has none of that name."""
    row = '{"driver":{{json .Driver}},"options":{{json .Options}},"labels":{{json .Labels}}}'
    answer = docker.run(["volume", "inspect", "--format", row, volume])
    if answer.code:
        if "no such volume" in answer.errors.lower():
            return None
        raise NoEngineError(f"volume `{volume}` cannot be looked at", answer.last_error())
    said = json.loads(answer.output)
    return Made(str(said["driver"]), text(said["options"]), text(said["labels"]))


def text(pairs: Any) -> dict[str, str]:
    """Return options or labels as text."""
    return {str(key): str(value) for key, value in (pairs or {}).items()}
