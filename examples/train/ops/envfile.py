# Managed by scaffold: updates merge this file.
"""`.env` and `.env.example`: keys as Compose reads them, and never a changed line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ops import files
from ops.errors import OpsError

if TYPE_CHECKING:
    from pathlib import Path

KEY = re.compile(r"\s*(?:export[ \t]+)?([A-Za-z0-9_.\-\[\]]+)[ \t]*(?:[=:][ \t]*(.*)|$)", re.DOTALL)
# Said of `.env.example`; it would be wrong in `.env`, which is the user's.
MANAGED = "# Managed by scaffold"
QUOTED = r"{0}((?:[^{0}\\]|\\.)*){0}"


class Entry(NamedTuple):
    """A key, its value and its lines: the comment above it is part of them."""

    key: str
    value: str
    lines: str


def load(path: Path) -> list[Entry]:
    """Read a file; one that is not there holds nothing."""
    try:
        # Odd bytes are kept as they are: only keys are understood here.
        text = path.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return []
    return parse(text, path.name)


def parse(text: str, name: str) -> list[Entry]:
    """Return the entries in order."""
    found: list[Entry] = []
    comment: list[str] = []
    lines = (text[1:] if text.startswith("\ufeff") else text).split("\n")
    at = 0
    while at < len(lines):
        line = lines[at]
        match = KEY.fullmatch(line.rstrip("\r"))
        if line.lstrip().startswith("#"):
            comment += [] if line.startswith(MANAGED) else [line]
        elif match is None:
            comment = []
        else:
            value, more = value_of(match, lines[at + 1 :], f"{name}:{at + 1}")
            own = [*comment, *lines[at : at + 1 + more]]
            found.append(Entry(match.group(1), value, "\n".join(own) + "\n"))
            comment = []
            at += more
        at += 1
    return found


def value_of(match: re.Match[str], following: list[str], place: str) -> tuple[str, int]:
    """Return a value and how many further lines its quotes take in."""
    rest = match.group(2) or ""
    quote = rest[:1]
    if quote not in ("'", '"') or not quote:
        return re.split(r"(?:^|\s)#", rest)[0].strip(), 0
    closed = re.match(QUOTED.format(quote), "\n".join([rest, *following]), re.DOTALL)
    if closed is None:
        # Its value stays unsaid: Compose itself prints it here, and it may be a password.
        raise OpsError(
            f"{place}: the quote that opens the value of `{match.group(1)}` never ends",
            fix="close it; a key added below would become a part of the value",
        )
    return closed.group(1), closed.group(0).count("\n")


def missing(root: Path) -> list[Entry]:
    """Return what `.env.example` has and `.env` has not."""
    present = {entry.key for entry in load(root / ".env")}
    wanted: dict[str, Entry] = {}
    for entry in load(root / ".env.example"):
        if entry.key not in present:
            wanted[entry.key] = entry
    return list(wanted.values())


def create(root: Path) -> bool:
    """Create `.env` from `.env.example`, readable by its owner only, unless there is one."""
    example, path = root / ".env.example", root / ".env"
    if path.exists() or not example.exists():
        return False
    first, _, rest = example.read_bytes().partition(b"\n")
    content = rest if first.startswith(MANAGED.encode()) else example.read_bytes()
    return files.create_once(path, content, 0o600)


def add(root: Path, entries: list[Entry]) -> None:
    """Append entries to `.env`; what is in it stays as it is."""
    path = root / ".env"
    before = path.read_bytes()
    gap = "" if not before else "\n" if before.endswith(b"\n") else "\n\n"
    text = gap + "\n".join(entry.lines for entry in entries)
    files.append(path, text.encode("utf-8", "surrogateescape"))
