"""A service that a user adds to a project which has no application: the project's clients, and a Python to use them."""

from __future__ import annotations

from typing import Any

import yaml

from scaffold.catalog.index import load
from tests.support.running import OWN_SERVICE, Project
from tools.examples import ROOT

DOCKERFILE = """\
FROM python:3.13.15-slim-trixie
COPY clients/requirements.txt /src/clients/
RUN pip install --no-cache-dir -r /src/clients/requirements.txt
COPY clients /src/clients
RUN pip install --no-deps /src/clients
CMD ["sleep", "infinity"]
"""


def add(project: Project, services: list[str]) -> None:
    """Write it into compose.override.yaml, linked to what `services` offer to applications."""
    offers = [
        offer for id in services for offer in load(ROOT).entries[id]["offers"] if "store" in offer["capabilities"]
    ]
    service: dict[str, Any] = {
        "build": {"context": ".", "dockerfile": f"{OWN_SERVICE}/Dockerfile"},
        "init": True,
        # Offers hold values as they stand in a Compose file.
        "environment": {
            variable["name"]: yaml.safe_load(variable["value"]) for offer in offers for variable in offer["environment"]
        },
        "secrets": [name for offer in offers for name in offer["secrets"]],
    }
    folder = project.folder / OWN_SERVICE
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    override = {"services": {OWN_SERVICE: service}}
    (project.folder / "compose.override.yaml").write_text(yaml.safe_dump(override))
