"""Which engine is meant: as `docker` itself decides it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from scaffold.engine.context import Address, address
from scaffold.errors import ScaffoldError


def context(folder: Path, name: str, host: str = "tcp://there:2376", **more: Any) -> str:
    """A context as `docker context create` leaves it."""
    id = hashlib.sha256(name.encode()).hexdigest()
    meta = folder / "contexts/meta" / id
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(
        json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host, **more}}})
    )
    return id


def test_nothing_said_is_the_default_socket(tmp_path: Path) -> None:
    assert address({}, tmp_path) == Address("default")
    assert address({"DOCKER_CONTEXT": ""}, tmp_path) == Address("default")


def test_the_order_is_that_of_docker(tmp_path: Path) -> None:
    own = tmp_path / ".docker"
    context(own, "current", "unix:///current.sock")
    context(own, "named", "unix:///named.sock")
    (own / "config.json").write_text('{"currentContext": "current"}')
    assert address({}, tmp_path) == Address("current", "unix:///current.sock")
    assert address({"DOCKER_CONTEXT": "named"}, tmp_path) == Address("named", "unix:///named.sock")
    assert address({"DOCKER_CONTEXT": "default"}, tmp_path) == Address("default")
    both = {"DOCKER_CONTEXT": "named", "DOCKER_HOST": "tcp://host:1"}
    assert address(both, tmp_path) == Address("default", "tcp://host:1")


def test_another_configuration_folder_without_a_file_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And contexts that lie in the current folder are nobody's."""
    monkeypatch.chdir(tmp_path)
    context(tmp_path, "mine", "unix:///planted.sock")
    context(tmp_path / "config", "mine", "unix:///mine.sock")
    env = {"DOCKER_CONFIG": str(tmp_path / "config"), "DOCKER_CONTEXT": "mine"}
    assert address(env, tmp_path).host == "unix:///mine.sock"
    with pytest.raises(ScaffoldError, match="no Docker context `mine`"):
        address({"DOCKER_CONFIG": str(tmp_path / "empty"), "DOCKER_CONTEXT": "mine"}, tmp_path)


@pytest.mark.parametrize("skip", [False, True])
def test_a_context_with_certificates(tmp_path: Path, skip: bool) -> None:
    own = tmp_path / ".docker"
    id = context(own, "far", SkipTLSVerify=skip)
    tls = own / "contexts/tls" / id / "docker"
    tls.mkdir(parents=True)
    (tls / "ca.pem").touch()
    found = address({"DOCKER_CONTEXT": "far"}, tmp_path).tls
    assert found is not None
    assert (found.ca, found.cert, found.key, found.verify) == (tls / "ca.pem", None, None, not skip)


def test_certificates_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    env = {"DOCKER_HOST": "tcp://there:2376", "DOCKER_CERT_PATH": str(tmp_path)}
    found = address({**env, "DOCKER_TLS_VERIFY": "1"}, tmp_path).tls
    assert found is not None
    assert (found.ca, found.verify) == (tmp_path / "ca.pem", True)
    unverified = address(env, tmp_path).tls
    assert unverified is not None
    assert not unverified.verify


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"Endpoints": {"docker": {}}}', '{"Endpoints": null}'])
def test_a_context_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    id = context(tmp_path / ".docker", "bad")
    (tmp_path / ".docker/contexts/meta" / id / "meta.json").write_text(text)
    with pytest.raises(ScaffoldError, match="`bad` cannot be read"):
        address({"DOCKER_CONTEXT": "bad"}, tmp_path)


@pytest.mark.parametrize("text", ["", "[]", '{"currentContext": ""}', '{"currentContext": null}', "\0"])
def test_a_configuration_that_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker/config.json").write_text(text)
    assert address({}, tmp_path) == Address("default")
