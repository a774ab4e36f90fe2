"""The mounts of a service, in either of Compose's two ways of writing them."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Any

# A colon inside `${…}` belongs to the variable.
_PART = re.compile(r"(?:\$\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}|[^:])*")
_DRIVE = re.compile(r"[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Mount:
    """What a service sees at `target`: a volume, a folder of the host (bind), memory (tmpfs) or another kind.

    `source` is the volume's key or the host's path; empty for an anonymous volume.
    """

    kind: str
    source: str
    target: str
    read_only: bool = False

    @property
    def volume(self) -> str:
        """The key of the named volume; empty when it is something else."""
        return self.source if self.kind == "volume" else ""


def mount(item: Any) -> Mount | None:
    """One item of `volumes`, short or long; None when it says no target."""
    if isinstance(item, dict):
        target = str(item.get("target") or "")
        kind, source = str(item.get("type") or "volume"), str(item.get("source") or "")
        return Mount(kind, source, _clean(target), str(item.get("read_only")).lower() == "true") if target else None
    parts = _split(str(item))
    if len(parts) == 1:
        return Mount("volume", "", _clean(parts[0])) if parts[0] else None
    source, target, *options = parts
    kind = "bind" if source[:1] in {".", "/", "~", "\\", "$"} or ":" in source else "volume"
    return Mount(kind, source, _clean(target), "ro" in ":".join(options).split(","))


def tmpfs(item: Any) -> Mount:
    """One item of `tmpfs`: a path and options."""
    return Mount("tmpfs", "", _clean(_split(str(item))[0]))


def _split(text: str) -> list[str]:
    parts, at = [], 0
    while at <= len(text):
        found = _PART.match(text, at)
        end = found.end() if found else len(text)
        parts.append(text[at:end])
        at = end + 1
    # `C:\data:/data`: the first colon is that of a drive.
    if len(parts) > 1 and _DRIVE.fullmatch(parts[0]):
        parts[:2] = [":".join(parts[:2])]
    return parts


def _clean(target: str) -> str:
    return posixpath.normpath(target) if target.startswith("/") else target
