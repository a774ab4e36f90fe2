"""Talking to the engine. The only home of the `docker` package."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import docker
import requests

from scaffold.engine import state as states
from scaffold.engine.context import Address, Tls
from scaffold.engine.state import Held, State
from scaffold.errors import CouldNotError

_PATIENCE = 60  # seconds for an answer that should come at once
_COUNTING = 4 * 3600  # and for sizes: the engine walks through every file
_BUSY = 30  # seconds to wait while it counts for somebody else


class NoEngineError(CouldNotError):
    """The engine does not answer."""


class InTheWayError(CouldNotError):
    """The engine refuses: something uses the volume."""


class Engine:
    """One engine. Every method is one question to it, however many volumes it has."""

    def __init__(self, address: Address, api: docker.APIClient) -> None:
        self.address = address
        self._api = api

    def state(self) -> State:
        """All volumes and all containers, in two questions."""
        with _translated(self.address):
            return states.state(self._api.volumes()["Volumes"] or [], self._api.containers(all=True))

    def volume(self, name: str) -> Held | None:
        """One volume; None when it is not there."""
        with _translated(self.address):
            try:
                return states.held(self._api.inspect_volume(name))
            except docker.errors.NotFound:
                return None

    def sizes(self) -> dict[str, int]:
        """The size of every volume in bytes. The engine counts files: that takes its time."""
        deadline = time.monotonic() + _BUSY
        url = f"{self._api.base_url}/v{self._api.api_version}/system/df"
        with _translated(self.address):
            while True:
                # Newer engines leave images and containers out then; older ones pass it over.
                answer = self._api.get(url, params={"type": "volume"}, timeout=_COUNTING)
                if answer.ok:
                    return states.sizes(answer.json())
                # One count at a time: an engine refuses a second.
                if "already running" not in answer.text or time.monotonic() > deadline:
                    raise NoEngineError(
                        f"the Docker engine could not measure volumes ({answer.status_code})", answer.text
                    )
                time.sleep(1)

    def remove(self, name: str) -> None:
        """Remove a volume that nothing mounts; the engine refuses one that a container has. Never by force."""
        with _translated(self.address):
            try:
                self._api.remove_volume(name)
            except docker.errors.NotFound:
                raise InTheWayError(f"volume `{name}` is gone", "somebody removed it meanwhile") from None
            except docker.errors.APIError as error:
                if error.status_code is not None and error.is_client_error():
                    raise InTheWayError(f"volume `{name}` stays", str(error.explanation)) from error
                raise


@contextmanager
def engine(address: Address) -> Iterator[Engine]:
    """The engine at an address. Raises NoEngineError when it does not answer."""
    with _translated(address):
        api = docker.APIClient(
            address.host or None,
            tls=_tls(address.tls, address) if address.tls else False,
            timeout=_PATIENCE,
            use_ssh_client=address.host.startswith("ssh://"),
        )
    try:
        yield Engine(address, api)
    finally:
        api.close()


def _tls(tls: Tls, address: Address) -> Any:
    if not address.host:
        return False
    pair = (str(tls.cert), str(tls.key)) if tls.cert and tls.key else None
    return docker.tls.TLSConfig(pair, str(tls.ca) if tls.ca else None, verify=tls.verify)


@contextmanager
def _translated(address: Address) -> Iterator[None]:
    """Say what an exception of the package, or of what it is made of, means."""
    try:
        yield
    except docker.errors.APIError as error:
        why = str(error.explanation or error)
        raise NoEngineError(f"the Docker engine could not answer ({address.shown})", why) from error
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError) as error:
        why = _cause(error)
        fix = "start Docker and see that `docker version` shows a server"
        if "paramiko" in str(error):
            why, fix = "an engine over ssh needs one more package", "pip install 'compose-scaffold[ssh]'"
        raise NoEngineError(f"no Docker engine in reach ({address.shown})", why, fix) from error


def _cause(error: BaseException) -> str:
    """The innermost reason: what is around it are addresses of objects."""
    seen: set[int] = set()
    deepest: BaseException = error
    while id(deepest) not in seen:
        seen.add(id(deepest))
        args = [each for each in deepest.args if isinstance(each, BaseException)]
        inner = deepest.__cause__ or getattr(deepest, "reason", None) or (args[0] if args else deepest.__context__)
        if not isinstance(inner, BaseException):
            break
        deepest = inner
    return (deepest.strerror if isinstance(deepest, OSError) else "") or str(deepest) or type(deepest).__name__
