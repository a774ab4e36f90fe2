"""Sets with other content and hashes that fit: what somebody could have made on purpose."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any


def change(path: Path, volume: str, role: str, how: Callable[[bytes], bytes], *, honest: bool = False) -> None:
    """Replace a file and its hash; `honest`: those of what is in it as well."""
    document = json.loads((path / "manifest.json").read_text())
    [item] = [each for each in document["items"] if each["volume"] == volume]
    file = next(each for each in item["files"] if each["role"] == role)
    old = path / file["path"]
    plain = how(unpacked(old, file["codec"]))
    old.unlink()
    new = old.with_name(f"{role}.changed")
    new.write_bytes(plain)
    file.update(path=f"{volume}/{new.name}", codec="none", size=len(plain), sha256=hashlib.sha256(plain).hexdigest())
    if honest:
        file.update(plain_size=file["size"], plain_sha256=file["sha256"])
    seal(path, document)


def unpacked(path: Path, codec: str) -> bytes:
    """What went into a file."""
    if codec == "zstd":
        return subprocess.run(["zstd", "-dqc", path], capture_output=True, check=True).stdout
    return gzip.decompress(path.read_bytes())


def seal(path: Path, document: dict[str, Any]) -> None:
    """Write a manifest whose seal fits."""
    rest = {key: value for key, value in document.items() if key != "seal"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    (path / "manifest.json").write_text(json.dumps({**rest, "seal": hashlib.sha256(canonical.encode()).hexdigest()}))
