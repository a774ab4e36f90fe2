"""A restic repository with snapshots of any time: making each with `restic backup` would take most of a second."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

PASSWORD = "forged"
PRIME = (1 << 130) - 5
CLAMP = 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF


@dataclass
class Repository:
    """Restic's own format: AES-256 in counter mode, and Poly1305-AES over it."""

    path: Path

    def run(self, *arguments: str) -> str:
        """Run restic and return what it said."""
        environment = {**os.environ, "RESTIC_PASSWORD": PASSWORD, "RESTIC_REPOSITORY": str(self.path)}
        command = ["restic", "--no-cache", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    def forge(self, times: Sequence[datetime]) -> None:
        """Make the repository, with a snapshot for each time; its tag is its number."""
        self.run("init")
        key = json.loads(self.run("cat", "masterkey"))
        for data in encrypted([snapshot(*each) for each in enumerate(times)], key):
            (self.path / "snapshots" / hashlib.sha256(data).hexdigest()).write_bytes(data)

    def kept(self, *policy: str) -> set[int]:
        """Return the numbers of the snapshots that a policy keeps."""
        groups = json.loads(self.run("forget", "--dry-run", "--json", *policy))
        return {int(each["tags"][0]) for group in groups for each in group["keep"] or []}


def snapshot(number: int, time: datetime) -> bytes:
    """Return a snapshot of nothing."""
    document = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "tree": hashlib.sha256(b"nothing").hexdigest(),
        "paths": ["/data"],
        "hostname": "host",
        "tags": [str(number)],
    }
    return json.dumps(document).encode()


def encrypted(plain: Sequence[bytes], key: dict[str, Any]) -> list[bytes]:
    """Encrypt some files, with two calls of openssl for all of them."""
    encrypt, k, r = (base64.b64decode(each) for each in (key["encrypt"], key["mac"]["k"], key["mac"]["r"]))
    nonces = [hashlib.sha256(b"%d" % number).digest()[:16] for number in range(len(plain))]
    counters = []
    for nonce, data in zip(nonces, plain, strict=True):
        start = int.from_bytes(nonce, "big")
        counters += [((start + n) % (1 << 128)).to_bytes(16, "big") for n in range(-(-len(data) // 16))]
    stream = ecb(encrypt, b"".join(counters))
    masks = ecb(k, b"".join(nonces))
    files = []
    for number, (nonce, data) in enumerate(zip(nonces, plain, strict=True)):
        pad, stream = stream[: len(data)], stream[-(-len(data) // 16) * 16 :]
        text = bytes(a ^ b for a, b in zip(data, pad, strict=True))
        files.append(nonce + text + poly1305(text, r, masks[number * 16 : number * 16 + 16]))
    return files


def ecb(key: bytes, data: bytes) -> bytes:
    """Encrypt block by block."""
    cipher = f"-aes-{len(key) * 8}-ecb"
    command = ["openssl", "enc", cipher, "-nopad", "-K", key.hex()]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def poly1305(data: bytes, r: bytes, mask: bytes) -> bytes:
    """Return the authenticator of a message."""
    factor = int.from_bytes(r, "little") & CLAMP
    total = 0
    for at in range(0, len(data), 16):
        total = (total + int.from_bytes(data[at : at + 16] + b"\x01", "little")) * factor % PRIME
    return ((total + int.from_bytes(mask, "little")) % (1 << 128)).to_bytes(16, "little")
