# Managed by scaffold: updates merge this file.
"""Which images that the engine has could serve as helpers, the likeliest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops import docker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops.compose import Model
    from ops.docker import Container


def candidates(model: Model, containers: Sequence[Container], project: str) -> list[str]:
    """Return images of the stack, by number where a container runs one: a name may have moved on."""
    own = [each.image_id for each in containers if each.project == project and each.image_id]
    # Several services may be of one image.
    named = dict.fromkeys(map(model.image, model.services))
    # Those that are not here make it fail, and the others still be told.
    here = docker.run(["image", "inspect", "--format", "{{.Id}}", *named]).output.split() if named else []
    return list(dict.fromkeys([*own, *here]))


def present(image: str) -> str:
    """Return the number of an image that the engine has; empty when it has not."""
    answer = docker.run(["image", "inspect", "--format", "{{.Id}}", image])
    return answer.output.strip() if answer.code == 0 else ""


def variable(image: str, name: str) -> str:
    """Return one variable that an image sets, such as its server's major version."""
    row = "{{range .Config.Env}}{{println .}}{{end}}"
    answer = docker.run(["image", "inspect", "--format", row, image])
    found = [line.partition("=")[2] for line in answer.output.splitlines() if line.partition("=")[0] == name]
    return found[0] if answer.code == 0 and found else ""
