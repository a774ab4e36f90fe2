# Managed by scaffold: updates merge this file.
"""The project's secrets and its `.env`, as one small archive that is only ever stored encrypted."""

from __future__ import annotations

import hashlib
import io
import tarfile
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ops import files, secret_files
from ops.errors import UNABLE, OpsError
from ops.sets import codec, crypt
from ops.sets.manifest import File, known

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ops.declared import Secret
    from ops.project import Project
    from ops.sets.manifest import Manifest
    from ops.sets.writer import Writer

NAME = "secrets.tar"
ENV = ".env"
ENV_MODE = 0o600
# In the archive a secret has its name, not its path: where it goes is for the project to say that it returns to.
PREFIX = "secret/"
LARGEST = 1 << 20  # bytes of one file
ROLE = "secrets"


@dataclass
class Packed:
    """What went in, and what could not."""

    content: bytes
    names: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


@dataclass
class Unpacked:
    """What became of each file: put back, the same already, another one there, or nowhere to go."""

    restored: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    unplaced: list[str] = field(default_factory=list)


def pack(this: Project) -> Packed:
    """Collect what a new machine needs to open the data; it stays in memory."""
    stream = io.BytesIO()
    packed = Packed(b"")
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for secret in this.secrets:
            if secret_files.unresolved(secret) or secret_files.state(this, secret) != "kept":
                packed.missing.append(secret.name)
                continue
            put(tar, PREFIX + secret.name, read(secret_files.path_of(this, secret)))
            packed.names.append(secret.name)
        with suppress(FileNotFoundError):
            put(tar, ENV, read(this.root / ENV))
            packed.names.append(ENV)
    packed.content = stream.getvalue()
    return packed


def store(this: Project, writer: Writer) -> dict[str, Any]:
    """Store them in a set that nobody else can read; return what the manifest says of them."""
    packed = pack(this)
    name = NAME + (crypt.SUFFIX if writer.filters else "")
    stored = codec.encode(io.BytesIO(packed.content), writer.folder / name, codec.NONE, writer.filters)
    file = File(
        name, ROLE, codec.NONE, stored.size, stored.sha256, stored.plain_size, stored.plain_sha256, bool(writer.filters)
    )
    return {
        "included": True, "names": packed.names, "missing": packed.missing, "size": file.size, "file": asdict(file),
    }  # fmt: skip


def file_of(manifest: Manifest) -> File | None:
    """Return the file of a set that holds its secrets, if it has them."""
    said = manifest.secrets.get("file")
    return File(**known(File, said)) if isinstance(said, dict) else None


def load(folder: Path, file: File, decrypt: Sequence[str]) -> bytes:
    """Return the archive of a set's secrets."""
    with codec.decoded(folder / file.path, file.codec, decrypt if file.encrypted else ()) as stream:
        content = stream.read()
    if hashlib.sha256(content).hexdigest() != file.plain_sha256:
        raise OpsError("the secrets of this set are damaged", "they are not what was stored", "", UNABLE, "damaged")
    return content


def read(path: Path) -> bytes:
    """Return a small file."""
    with path.open("rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise OpsError(f"`{path}` is too large for a secret", fix="keep it in a volume", code=UNABLE)
    return content


def put(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add one file, without whose it is and when it was made."""
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o600
    tar.addfile(member, io.BytesIO(content))


def unpack(this: Project, content: bytes) -> Unpacked:
    """Put back what is missing; nothing that is there is changed."""
    places = {PREFIX + secret.name: secret for secret in this.secrets if not secret_files.unresolved(secret)}
    done = Unpacked()
    for name, stored in members(content):
        if name == ENV:
            settle(done, ENV, this.root / ENV, stored, ENV_MODE)
        elif name in places:
            place(this, places[name], stored, done)
        else:
            done.unplaced.append(name[len(PREFIX) :] if name.startswith(PREFIX) else name)
    return done


def members(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Read the archive; its members' names are looked up, and never used as paths."""
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as tar:
            for member in tar:
                stream = tar.extractfile(member) if member.isreg() else None
                if stream is not None:
                    yield member.name, stream.read()
    except tarfile.TarError:
        raise OpsError("the secrets of this set cannot be read", code=UNABLE, cause="damaged") from None


def place(this: Project, secret: Secret, content: bytes, done: Unpacked) -> None:
    """Put a secret back where this project wants it."""
    path = secret_files.path_of(this, secret)
    if path.parent == this.secrets_folder:
        secret_files.prepare_folder(path.parent)
    if path.parent.is_dir():
        settle(done, secret.name, path, content, secret_files.FILE_MODE)
    else:
        done.unplaced.append(secret.name)


def settle(done: Unpacked, name: str, path: Path, content: bytes, mode: int) -> None:
    """Create a file unless one is there, and note how that went."""
    if not path.is_symlink() and files.create_once(path, content, mode):
        done.restored.append(name)
        return
    same = False
    with suppress(OSError):
        same = path.is_file() and path.read_bytes() == content
    (done.kept if same else done.different).append(name)
