"""Stand-ins behave as facts/images.toml says the real images do; with real images, the facts themselves are tested."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from scaffold import facts
from scaffold.catalog.index import load
from scaffold.catalog.resolve import images
from tests.engine.conftest import FindProgram
from tests.support.images import STANDINS, is_provided
from tests.support.programs import PACKAGES
from tools.examples import ROOT

pytestmark = pytest.mark.engine

CATALOG = load(ROOT)
REFERENCES = sorted({reference for id in CATALOG.entries for reference in images(CATALOG, id)})


@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.usefixtures("docker")
def test_volumes_and_tools(reference: str) -> None:
    if not is_provided(reference):
        pytest.skip(f"{reference}: SCAFFOLD_DEAR_IMAGES=1 builds it" if reference in STANDINS else f"no {reference}")
    known = facts.lookup(reference)
    assert known is not None
    said = subprocess.run(["docker", "image", "inspect", reference], capture_output=True, text=True, check=True).stdout
    config = json.loads(said)[0]["Config"]
    assert set(config["Volumes"] or {}) == set(known.volumes)
    probe = "for name in $NAMES; do command -v $name >/dev/null && echo $name; done; true"
    for names, expected in ((known.missing, set()), (known.tools, set(known.tools))):
        command = [
            "docker",
            "run",
            "--rm",
            "--network",
            "none",
            "--entrypoint",
            "sh",
            "--env",
            f"NAMES={' '.join(names)}",
        ]
        found = subprocess.run([*command, reference, "-c", probe], capture_output=True, text=True, check=True).stdout
        assert set(found.split()) == expected


def test_every_entry_that_says_it_ran_has_something_that_runs() -> None:
    for id, entry in CATALOG.entries.items():
        if entry["state"] != "unproven":
            assert set(images(CATALOG, id)) <= set(STANDINS), id


@pytest.mark.parametrize("name", PACKAGES)
def test_programs_that_backups_use(name: str, program: FindProgram) -> None:
    assert os.access(program(name), os.X_OK)
