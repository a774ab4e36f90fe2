"""Which engine the user means: DOCKER_HOST, DOCKER_CONTEXT or the current context, in the order of `docker` itself.

The SDK's own reader passes DOCKER_CONTEXT over, and looks for contexts in the current folder where there is no
configuration file; so the two files are read here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaffold.errors import ScaffoldError

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Tls:
    """Files for an encrypted connection; None where there is none. `verify`: whether the engine has to prove itself."""

    ca: Path | None
    cert: Path | None
    key: Path | None
    verify: bool


@dataclass(frozen=True, slots=True)
class Address:
    """Where an engine is. `host` is empty for the one that `docker` takes when nothing is said."""

    context: str
    host: str = ""
    tls: Tls | None = None

    @property
    def shown(self) -> str:
        """The engine in words."""
        host = self.host or "the default socket"
        return host if self.context == DEFAULT else f"{host}, context `{self.context}`"


def address(env: Mapping[str, str], home: Path) -> Address:
    """The engine that `docker` would talk to. Raises ScaffoldError for a context that is not there or not readable."""
    if env.get("DOCKER_HOST"):
        return Address(DEFAULT, env["DOCKER_HOST"], _from_variables(env, home))
    folder = Path(env["DOCKER_CONFIG"]) if env.get("DOCKER_CONFIG") else home / ".docker"
    name = env.get("DOCKER_CONTEXT") or _current(folder)
    if name == DEFAULT:
        return Address(DEFAULT, "", _from_variables(env, home))
    id = hashlib.sha256(name.encode()).hexdigest()
    try:
        endpoint = json.loads((folder / "contexts" / "meta" / id / "meta.json").read_bytes())["Endpoints"]["docker"]
        host = str(endpoint["Host"])
    except FileNotFoundError:
        why = f"it is not in {folder / 'contexts'}"
        raise ScaffoldError(f"there is no Docker context `{name}`", why, "see: docker context ls") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = f"{type(error).__name__}: {error}"
        raise ScaffoldError(
            f"the Docker context `{name}` cannot be read", why, f"see: docker context inspect {name}"
        ) from error
    return Address(
        name, host, _stored(folder / "contexts" / "tls" / id / "docker", skip=bool(endpoint.get("SkipTLSVerify")))
    )


def _current(folder: Path) -> str:
    try:
        said: Any = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError):
        return DEFAULT
    return str((said.get("currentContext") if isinstance(said, dict) else "") or DEFAULT)


def _from_variables(env: Mapping[str, str], home: Path) -> Tls | None:
    verify = bool(env.get("DOCKER_TLS_VERIFY"))
    if not verify and not env.get("DOCKER_CERT_PATH"):
        return None
    folder = Path(env["DOCKER_CERT_PATH"]) if env.get("DOCKER_CERT_PATH") else home / ".docker"
    return _files(folder, verify=verify)


def _stored(folder: Path, *, skip: bool) -> Tls | None:
    return _files(folder, verify=not skip) if folder.is_dir() else None


def _files(folder: Path, *, verify: bool) -> Tls:
    ca, cert, key = (
        path if path.is_file() else None for path in (folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    )
    return Tls(ca, cert, key, verify)
