"""Building behind a proxy with a certificate of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.engine.conftest import Make

pytestmark = pytest.mark.engine


def test_an_extra_certificate_from_env_is_trusted_in_the_build_and_after(make: Make) -> None:
    project = make(services=["flask"])
    project.init()
    # Any certificate will do to see where it goes; this one is a public authority's.
    bundle = Path("/etc/ssl/certs/ca-certificates.crt").read_text()
    certificate = re.findall(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", bundle, re.DOTALL)[0]
    with (project.folder / ".env").open("a") as env:
        env.write(f'EXTRA_CA_CERT="{certificate}"\n')
    project.up()
    inside = project.compose("exec", "-T", "flask", "cat", "/usr/local/share/ca-certificates/extra.crt")
    assert inside.strip() == certificate
    trusted = project.compose("exec", "-T", "flask", "cat", "/etc/ssl/certs/ca-certificates.crt")
    assert certificate in trusted
    assert "global.cert=" in project.compose("exec", "-T", "flask", "pip", "config", "list")
    assert project.ops("init").returncode == 0, "several lines in quotes are one value"
