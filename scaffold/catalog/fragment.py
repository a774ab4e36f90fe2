"""One Compose file of an entry as it is rendered for some answers, with the lines it was written in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from scaffold.catalog.finding import Finding

Service = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fragment:
    """The file's name and text in the template, what it was rendered to, and what YAML makes of that."""

    file: str
    source: str
    text: str
    node: yaml.Node | None
    data: Any
    # Lines that are not in the file: an overlay's part begins inside `services:`.
    before: int

    @property
    def services(self) -> dict[str, Service]:
        """The services by name; none where the file has no such list."""
        services = self.data.get("services") if isinstance(self.data, dict) else None
        named = services if isinstance(services, dict) else {}
        return {str(name): service for name, service in named.items() if isinstance(service, dict)}

    def finding(self, service: str, key: str, why: str, fix: str = "") -> Finding:
        """A finding at one key of a service, with the line that it stands in."""
        where = [service, key] if key else [service]
        return Finding(self.file, self._written(self._line(["services", *where])), ".".join(where), why, fix)

    def block(self, service: str, key: str) -> list[str]:
        """The lines below one key of a service, down to where something else begins; comments belong to it."""
        start = self._line(["services", service, key])
        lines = self.text.splitlines()
        if not start:
            return []
        indent = len(lines[start - 1]) - len(lines[start - 1].lstrip())
        block = []
        for line in lines[start:]:
            if line.strip() and len(line) - len(line.lstrip()) <= indent:
                break
            block.append(line)
        return block

    def _line(self, keys: list[str]) -> int:
        """The rendered line in which a key stands, or the last of its parents that is there."""
        node, line = self.node, 0
        for key in keys:
            pairs = node.value if isinstance(node, yaml.MappingNode) else []
            found = next(((name, value) for name, value in pairs if name.value == key), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
        return line

    def _written(self, line: int) -> int:
        """The line of the template that a rendered line comes from, where it can be told."""
        if not line or self.text == self.source:
            return max(line - self.before, 0)
        rendered = self.text.splitlines()
        content = rendered[line - 1]
        same = [number for number, text in enumerate(self.source.splitlines(), 1) if text == content]
        # One that stands there several times, such as the image of a service and of its jobs: the first is the first.
        which = rendered[: line - 1].count(content) if len(same) > 1 else 0
        return same[which] - self.before if which < len(same) else 0


def read(root: Path, file: str, rendered: str, prefix: str = "") -> Fragment | Finding:
    """The fragment, or what is wrong with its YAML. `prefix` is what stands before a part that other files take up."""
    source = prefix + (root / file).read_text(encoding="utf-8")
    try:
        loader = yaml.SafeLoader(prefix + rendered)
        try:
            node = loader.get_single_node()
            data = loader.construct_document(node) if node is not None else None
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or str(error)
        where = f" in line {mark.line + 1 - prefix.count(chr(10))} of what it renders to" if mark else ""
        return Finding(file, 0, "", f"it is no valid YAML{where}: {said}")
    return Fragment(file, source, prefix + rendered, node, data, before=len(prefix.splitlines()))


def twins(fragment: Fragment) -> Iterator[Finding]:
    """Keys that stand twice in one mapping: YAML readers take the last in silence, Compose refuses them."""
    nodes = [fragment.node] if fragment.node is not None else []
    while nodes:
        node = nodes.pop()
        if isinstance(node, yaml.MappingNode):
            seen = set()
            for key, value in node.value:
                if key.value in seen and isinstance(key.value, str) and key.value != "<<":
                    yield Finding(fragment.file, 0, key.value, "this key stands twice in one place")
                seen.add(str(key.value))
                nodes.append(value)
        elif isinstance(node, yaml.SequenceNode):
            nodes += node.value
