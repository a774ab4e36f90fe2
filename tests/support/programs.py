"""Programs that projects may have on their machine and that backups then use, from Debian packages."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.support.engine import SetupError, install_debian, locked

# Program to package.
PACKAGES = {
    "age": "age",
    "age-keygen": "age",
    "busybox": "busybox-static",
    "getfacl": "acl",
    "getfattr": "attr",
    "openssl": "openssl",
    "pigz": "pigz",
    "restic": "restic",
    "setfacl": "acl",
    "setfattr": "attr",
    "zstd": "zstd",
}


def program(name: str) -> Path:
    """Where the program lies. When it is missing, all that are missing get installed: in one call of apt-get."""
    if shutil.which(name) is None:
        with locked("programs"):
            # Asked again: another run may have installed them while this one waited for the lock.
            missing = {package for each, package in PACKAGES.items() if shutil.which(each) is None}
            if missing:
                install_debian(*sorted(missing))
    found = shutil.which(name)
    if found is None:
        raise SetupError(f"no `{name}`, though the package {PACKAGES[name]} is installed")
    return Path(found)


def needed(name: str) -> Path:
    """Find the program that a test needs. Where nothing may be skipped (.ci/run) it is installed, else the test is."""
    if os.environ.get("SCAFFOLD_REQUIRE_ENGINE") == "1":
        return program(name)
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no `{name}` here; with SCAFFOLD_REQUIRE_ENGINE=1 it gets installed")
    return Path(found)
