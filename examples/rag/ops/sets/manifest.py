# Managed by scaffold: updates merge this file.
"""`manifest.json`: what a backup set holds and how it was made. It is written last: a set without one is no set."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from ops import files
from ops.errors import UNABLE, OpsError

if TYPE_CHECKING:
    from pathlib import Path

# 2: ACLs are among the attributes of an archive only. An `ops` that knows of 1 would lose them without a word.
FORMAT = 2
NAME = "manifest.json"
STORED, LEFT_OUT, FAILED = "stored", "left out", "failed"


@dataclass(frozen=True)
class File:
    """One file of an item. Sizes in bytes, hashes are SHA-256 in hex: of the file, and of what went into it."""

    path: str
    role: str
    codec: str
    size: int
    sha256: str
    plain_size: int
    plain_sha256: str
    encrypted: bool = False
    about: dict[str, Any] = field(default_factory=dict)


@dataclass
class Item:
    """One volume in a set: how it was copied, and from what."""

    volume: str
    name: str
    responsibility: str = ""
    kind: str = ""  # the volume's class
    owner: str = ""
    backup: str = ""
    refill: str = ""
    state: str = STORED
    method: str = ""
    why: str = ""
    service: str = ""
    image: str = ""
    image_id: str = ""
    driver: str = ""
    group: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, int] | None = None
    bytes: int = 0
    entries: int = 0
    frozen_ms: int = 0
    files: list[File] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Return what the item takes in the set, in bytes."""
        return sum(each.size for each in self.files)

    @property
    def plain_size(self) -> int:
        """Return what it takes unpacked, in bytes."""
        return sum(each.plain_size for each in self.files)

    def file(self, role: str) -> File:
        """Return the one file of a role."""
        for each in self.files:
            if each.role == role:
                return each
        raise OpsError(f"the set has no `{role}` of volume `{self.volume}`", code=UNABLE, cause="damaged")


@dataclass
class Manifest:
    """A whole set. Times are UTC, as `2026-01-31T02:00:00Z`."""

    id: str
    project: str
    started: str
    ended: str = ""
    format: int = FORMAT
    host: str = ""
    engine: str = ""
    template: str = ""
    items: list[Item] = field(default_factory=list)
    secrets: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Tell whether everything that was meant to be in it is."""
        return all(each.state != FAILED for each in self.items)

    @property
    def size(self) -> int:
        """Return what the set takes, in bytes."""
        return sum(each.size for each in self.items) + int(self.secrets.get("size", 0))

    def stored(self) -> list[Item]:
        """Return the items that hold something."""
        return [each for each in self.items if each.state == STORED]


def save(manifest: Manifest, folder: Path) -> None:
    """Write the manifest with a seal: a hash of all the rest of it."""
    document = asdict(manifest)
    document["complete"] = manifest.complete
    document["seal"] = seal(document)
    files.write_new(folder / NAME, json.dumps(document, indent=1, ensure_ascii=True).encode() + b"\n", 0o600)


def seal(document: dict[str, Any]) -> str:
    """Return the hash of a manifest without its seal."""
    rest = {key: value for key, value in document.items() if key != "seal"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def load(folder: Path) -> Manifest:
    """Read a manifest and check its seal; OpsError when it is not whole or newer than this program."""
    try:
        document = json.loads((folder / NAME).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        why = "`manifest.json` is written last: without it a backup did not end"
        raise OpsError(f"`{folder}` is no backup set", why, "python3 ops list", cause="not-found") from None
    except (ValueError, RecursionError):
        raise damaged(folder, "it is not JSON") from None
    if not isinstance(document, dict) or not isinstance(document.get("format"), int):
        raise damaged(folder, "it has no format")
    if document["format"] > FORMAT:
        what = f"set `{folder.name}` has format {document['format']}, this `ops` reads {FORMAT}"
        fix = "restore it with a newer `ops`: scaffold update, or copier update"
        raise OpsError(what, fix=fix, cause="newer-format")
    if document.get("seal") != seal(document):
        raise damaged(folder, "its seal does not fit: something in it has changed")
    return manifest_of(document)


def manifest_of(document: dict[str, Any]) -> Manifest:
    """Build a manifest from its document; what this version does not know is passed over."""
    items = [
        Item(**known(Item, {**each, "files": [File(**known(File, one)) for one in each.get("files") or []]}))
        for each in document.get("items") or []
    ]
    return Manifest(**known(Manifest, {**document, "items": items}))


def known(kind: Any, document: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that a class has."""
    names = {each.name for each in fields(kind)}
    return {key: value for key, value in document.items() if key in names}


def damaged(folder: Path, why: str) -> OpsError:
    """Say that a manifest cannot be believed."""
    fix = "take another set: python3 ops list"
    return OpsError(f"the manifest of set `{folder.name}` is damaged", why, fix, cause="damaged")
