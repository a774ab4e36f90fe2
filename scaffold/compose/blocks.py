"""Cuts the lines of a YAML file into the parts of its blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scaffold.compose.tree import (
    NULL,
    Block,
    Data,
    Part,
    Path,
    Scalar,
    Standing,
    UnreadableError,
    indent_of,
    is_blank,
    numbered,
)

# Far more than any Compose file, far less than what Python's stack holds.
_DEEPEST = 60

# What `_fill` makes one part of: kind, name, line, node.
_Row = tuple[str, str, int, Any]

# Lists of arguments: their order and their repetitions mean something, so they are one value, not a set.
_ARGUMENTS = frozenset({"command", "entrypoint", "test"})


def data_of(node: Any, depth: int = 0) -> Data:
    """What a node means. Raises UnreadableError for anchors, tags, merge keys and keys that come twice."""
    if node is None:
        return NULL
    line = node.start_mark.line + 1
    if depth > _DEEPEST:
        raise UnreadableError("it is nested too deep", line)
    if node.anchor is not None:
        raise UnreadableError("it uses an anchor", line)
    if not str(node.tag).startswith("tag:yaml.org,2002:"):
        raise UnreadableError(f"it uses the tag {node.tag}", line)
    if isinstance(node.value, str):
        return (str(node.tag), "" if str(node.tag) == NULL[0] else node.value)
    if node.value and isinstance(node.value[0], tuple):
        return _mapping_data(node, depth)
    return {} if str(node.tag).endswith(":map") else tuple(data_of(item, depth + 1) for item in node.value)


def _mapping_data(node: Any, depth: int) -> dict[str, Data]:
    data: dict[str, Data] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        data_of(key)
        if not isinstance(key.value, str) or str(key.tag).endswith(":merge"):
            raise UnreadableError("it uses a merge key or a key that is no plain word", line)
        if key.value in data:
            raise UnreadableError(f"it has the key `{key.value}` twice", line)
        data[key.value] = data_of(value, depth + 1)
    return data


@dataclass(slots=True)
class Builder:
    """Cuts the lines of a file into the parts of its blocks."""

    lines: list[str]
    standing: Standing

    def mapping(self, node: Any, path: Path, start: int, limit: int) -> Block:
        """The block of a mapping in lines `start` to `limit`; what it leaves at the end is its parent's.

        Raises UnreadableError for parts that do not have lines of their own.
        """
        block = Block("map", node.start_mark.column)
        rows = []
        for key, value in node.value:
            self._own_line(key.start_mark)
            rows.append(("key", key.value, key.start_mark.line, value))
        self._fill(block, rows, path, (start, limit, block.indent))
        return block

    def _list(self, node: Any, path: Path, start: int, limit: int, least: int) -> Block:
        block = Block("list", node.start_mark.column)
        rows = [("item", repr(data_of(item)), item.start_mark.line, item) for item in node.value]
        self._fill(block, rows, path, (start, limit, least))
        return block

    def _own_line(self, mark: Any) -> None:
        if not is_blank(self.lines[mark.line][: mark.column]):
            raise UnreadableError("it has two parts of a block on one line", mark.line + 1)

    def _fill(self, block: Block, rows: list[_Row], path: Path, within: tuple[int, int, int]) -> None:
        at, limit, least = within
        for number, (kind, name, line, value) in enumerate(rows):
            after = rows[number + 1][2] if number + 1 < len(rows) else limit
            lead = self._gap(block, path, at, line, before_part=True)
            part = Part((kind, name, 0), line, data_of(value), lead)
            at = self._value(part, value, path, block.indent, after)
            part.body = self.lines[line:at]
            block.parts.append(part)
        block.end = self._tail(at, limit, least) if path else limit
        self._gap(block, path, at, block.end, before_part=False)
        for part, id in zip(block.parts, numbered([part.id for part in block.parts]), strict=True):
            part.id = id

    def _value(self, part: Part, node: Any, path: Path, indent: int, limit: int) -> int:
        """Fills in what `part` holds; the line after its last one."""
        below = node.start_mark.line > part.line
        deeper = (*path, part.id[1])
        if part.id[0] == "key" and _is_block(node) and below:
            if isinstance(node.value[0], tuple):
                part.inner = self.mapping(node, deeper, part.line + 1, limit)
                return part.inner.end
            if part.id[1] not in _ARGUMENTS and self._is_set(node):
                part.inner = self._list(node, deeper, part.line + 1, limit, _least(node, indent))
                return part.inner.end
        end = self._end(node, part.line, indent, limit)
        if end == part.line + 1 and not below and _is_inline(node):
            part.scalar = self._scalar(node)
            if part.id[0] == "key" and part.id[1] not in _ARGUMENTS and _is_flow(node) and self._is_set(node):
                part.inner = self._flow(node)
        return end

    def _is_set(self, node: Any) -> bool:
        data = data_of(node)
        if not isinstance(data, tuple) or not all(isinstance(item.value, str) for item in node.value):
            return False
        dashed = _is_flow(node) or all(
            self.lines[item.start_mark.line][: item.start_mark.column].strip() == "-" for item in node.value
        )
        return bool(data) and len(set(data)) == len(data) and dashed

    def _flow(self, node: Any) -> Block:
        block = Block("list", 0, flow=True)
        for item in node.value:
            scalar = self._scalar(item)
            scalar.before, scalar.after = "- ", ""
            line = item.start_mark.line
            block.parts.append(
                Part(("item", repr(data_of(item)), 0), line, data_of(item), body=["- " + scalar.text], scalar=scalar)
            )
        return block

    def _scalar(self, node: Any) -> Scalar:
        line = self.lines[node.start_mark.line]
        start, end = node.start_mark.column, node.end_mark.column
        return Scalar(line[:start], line[start:end], line[end:])

    def _end(self, node: Any, line: int, indent: int, limit: int) -> int:
        """The line after the last one of a value that begins at `line` or below."""
        if isinstance(node.value, str) and node.style in ("|", ">"):
            return self._end_of_text(node.start_mark, indent, limit)
        if not _is_block(node):
            # An empty value has its marks where the next word begins.
            return min(int(node.end_mark.line) + 1, limit) if _is_inline(node) else line + 1
        last = node.value[-1]
        first, value = last if isinstance(last, tuple) else (last, last)
        column = node.start_mark.column
        end = self._end(value, first.start_mark.line, column, limit)
        return self._tail(end, limit, _least(node, indent))

    def _end_of_text(self, mark: Any, indent: int, limit: int) -> int:
        header = self.lines[mark.line][mark.column :].split("#")[0]
        if any(character.isdigit() for character in header):
            raise UnreadableError("it says itself how far a block of text is indented", mark.line + 1)
        end: int = mark.line + 1
        inside = next((indent_of(line) for line in self.lines[end:limit] if not is_blank(line)), 0)
        while inside > indent and end < limit and (is_blank(self.lines[end]) or indent_of(self.lines[end]) >= inside):
            end += 1
        while "+" not in header and end > mark.line + 1 and is_blank(self.lines[end - 1]):
            end -= 1
        return end

    def _tail(self, start: int, limit: int, least: int) -> int:
        """Where a block ends that has its last value before `start`: comments as far in as `least` are its own."""
        end = start
        for number in range(start, limit):
            line = self.lines[number]
            if is_blank(line):
                continue
            if indent_of(line) < least or not line.lstrip().startswith("#"):
                break
            end = number + 1
        return end

    def _gap(self, block: Block, path: Path, start: int, stop: int, *, before_part: bool) -> list[str]:
        """Shares the lines between two parts out: blank ones go up, comments on their own become parts.

        Returns the comments right above the next part.
        """
        known = self.standing.get(path, set())
        # The file's own first lines speak of the file, not of its first key.
        is_heading = not path and not block.parts
        lead: list[Part] = []
        for number in range(start, stop):
            line = self.lines[number]
            if is_blank(line):
                # Blank lines below mean that none of them belongs to what follows.
                block.parts.extend(lead)
                lead = []
                (block.parts[-1].trail if block.parts else block.head).append(line)
                continue
            self._must_be_comment(line, number, is_heading=is_heading)
            lead.append(Part(("comment", line.strip(), 0), number, None, body=[line]))
            if is_heading or not before_part or line.strip() in known:
                block.parts.extend(lead)
                lead = []
        return [part.body[0] for part in lead]

    def _must_be_comment(self, line: str, number: int, *, is_heading: bool) -> None:
        if not line.lstrip().startswith("#") and not (is_heading and line.rstrip() == "---"):
            raise UnreadableError("it has a directive or a key of a kind that is not read here", number + 1)


def _is_block(node: Any) -> bool:
    return not isinstance(node.value, str) and bool(node.value) and not _is_flow(node)


def _is_inline(node: Any) -> bool:
    if isinstance(node.value, str):
        return node.style not in ("|", ">") and bool(node.value or node.style)
    return _is_flow(node)


def _least(node: Any, indent: int) -> int:
    """How far in a comment below the last part of `node` must be to be its own.

    A list may be indented no further than its key, at `indent`: then a comment there is rather the next key's.
    """
    return max(int(node.start_mark.column), indent + 1)


def _is_flow(node: Any) -> bool:
    return not isinstance(node.value, str) and bool(node.flow_style)
