# Managed by scaffold: updates merge this file.
"""What `compose.yaml` declares, read without Compose.

`init` runs before Compose can: one `${VAR:?}` without a value stops every Compose command. So the
few blocks it needs are read here, as the subset of YAML they are written in. Whatever is outside
the subset is refused by line: a secret must never be missed because a line was not understood.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, NoReturn, Union

from ops.errors import OpsError

if TYPE_CHECKING:
    from collections.abc import Iterator

Node = Union[str, dict[str, "Node"]]  # noqa: UP007 (evaluated, and Python 3.9 has no `|` for types)
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
QUOTED = r'"[^"\\]*"|\'(?:[^\']|\'\')*\''
KEY = re.compile(rf"({QUOTED}|[A-Za-z0-9_./][^:#\"']*?)\s*:(?:\s+(.*))?")
SCALAR = re.compile(rf"({QUOTED}|[^\s\"'#&*!|>%@`\[\]{{}},?:-](?:(?!:\s|:$|\s#).)*)?(?:(?:^|\s+)#.*)?")
# YAML ends a line at these too; Python's own text reading does not.
BREAKS = re.compile("[\r\x0b\x0c\x85\u2028\u2029]")


class Line(NamedTuple):
    """One line that holds something."""

    number: int
    indent: int
    text: str


class Entry(NamedTuple):
    """A key, what stands beside it and the lines below it."""

    line: Line
    key: str
    beside: str
    below: list[Line]


@dataclass(frozen=True)
class Secret:
    """A file secret: `ours` to create, or the user's own."""

    name: str
    file: str
    volume: str | None
    ours: bool


@dataclass(frozen=True)
class Declared:
    """The project's name and file secrets, as written."""

    name: str | None
    secrets: list[Secret]


def refuse(number: int, why: str, fix: str) -> NoReturn:
    """Stop at a line that may hide something we need."""
    raise OpsError(f"compose.yaml:{number}: {why}", fix=fix)


def lines_of(text: str) -> list[Line]:
    """Split a file into the lines that hold something."""
    found: list[Line] = []
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw[:-1] if raw.endswith("\r") else raw
        if BREAKS.search(line):
            refuse(number, "a hidden line break inside a line", "end lines with a newline only")
        body = line.strip(" ")
        if not body.strip() or body.startswith("#") or (not found and body == "---"):
            continue
        found.append(Line(number, len(line) - len(line.lstrip(" ")), body))
    return found


def entries(lines: list[Line]) -> Iterator[Entry]:
    """Yield the keys at the indentation of the first line, each with the lines below it."""
    seen: set[str] = set()
    start = 0
    while start < len(lines):
        line = lines[start]
        match = KEY.fullmatch(line.text)
        if line.indent != lines[0].indent or match is None:
            refuse(line.number, f"cannot read `{line.text[:40]}`", "write `key: value`, one per line")
        end = start + 1
        while end < len(lines) and belongs_below(lines[end], line.indent):
            end += 1
        key = unquoted(match.group(1))
        if key in seen:
            refuse(line.number, f"`{key}` a second time", "keep one of the two")
        seen.add(key)
        yield Entry(line, key, match.group(2) or "", lines[start + 1 : end])
        start = end


def belongs_below(line: Line, indent: int) -> bool:
    """Tell whether a line continues the key above it: lists may stand at the key's own column."""
    return line.indent > indent or line.text == "-" or line.text.startswith(("- ", "]", "}"))


def unquoted(text: str) -> str:
    """Return what a scalar says."""
    if text[:1] == '"':
        return text[1:-1]
    if text[:1] == "'":
        return text[1:-1].replace("''", "'")
    return text.strip()


def value_of(entry: Entry) -> Node:
    """Read what a key holds: a scalar, or keys of its own."""
    beside = re.sub(r"(?:^|\s+)#.*", "", entry.beside).strip()
    if beside in ("", "{}", "~", "null"):
        if beside and entry.below:
            refuse(entry.below[0].number, "lines below a value", "indent them as keys, or remove them")
        return {each.key: value_of(each) for each in entries(entry.below)}
    match = SCALAR.fullmatch(entry.beside)
    if match is None:
        refuse(
            entry.line.number,
            f"`{entry.key}` holds more than a plain or quoted value",
            "write it on its line as `key: value`, or as keys below it: no `{…}`, `[…]`, anchors, "
            "tags or block text here",
        )
    if entry.below:
        refuse(entry.below[0].number, "a value that goes on", "write the value on one line, quoted")
    return unquoted(match.group(1))


def read(text: str) -> Declared:
    """Read the blocks that `init` needs; the others may hold any YAML."""
    name: str | None = None
    secrets: dict[str, Node] = {}
    described: dict[str, Node] = {}
    for block in entries(lines_of(text)):
        if block.key == "name":
            value = value_of(block)
            name = value if isinstance(value, str) else None
        elif block.key == "secrets":
            secrets = mapping(block)
        elif block.key == "x-scaffold":
            require_keys(block)
            for part in entries(block.below):
                if part.key == "secrets":
                    described = mapping(part)
    return Declared(name, list(merged(secrets, described)))


def mapping(entry: Entry) -> dict[str, Node]:
    """Read a block whose keys each hold keys."""
    value = value_of(entry)
    if isinstance(value, str) or any(isinstance(body, str) for body in value.values()):
        fix = "write each secret's name with its keys below it, as in `db_password:`"
        refuse(entry.line.number, f"`{entry.key}` holds a plain value", fix)
    for name in value:
        if not NAME.fullmatch(name):
            fix = "use letters, digits, `_`, `-` and `.`, and start with none of the last two"
            refuse(entry.line.number, f"`{name}` is not a name for a secret", fix)
    return value


def require_keys(block: Entry) -> None:
    """Refuse a value beside `x-scaffold:`; what stands there would not be read."""
    if re.sub(r"(?:^|\s+)#.*", "", block.beside).strip() not in ("", "{}"):
        refuse(block.line.number, f"`{block.key}` is not written as keys", "put its keys below it")


def merged(secrets: dict[str, Node], described: dict[str, Node]) -> Iterator[Secret]:
    """Join declarations and descriptions: described under `secrets/` is ours, the rest is not."""
    for name in [*secrets, *(name for name in described if name not in secrets)]:
        file = text_in(secrets.get(name, {"file": f"secrets/{name}"}), "file")
        if file is None:
            continue  # taken from the environment, or from outside: there is no file to look at
        here = posixpath.normpath(file) == f"secrets/{name}"
        volume = text_in(described.get(name, {}), "volume")
        if volume is not None and not NAME.fullmatch(volume):
            raise OpsError(f"compose.yaml: `{volume}` is not a name for a volume", fix="correct it")
        yield Secret(name, file, volume, ours=here and name in described)


def text_in(body: Node, key: str) -> str | None:
    """Return a text that is not empty, or nothing."""
    value = body.get(key) if isinstance(body, dict) else None
    return value if isinstance(value, str) and value else None
