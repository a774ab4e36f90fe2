"""Writing a team's policy into Compose files and Dockerfiles, as text: what Jinja is in them stays as it is.

What cannot be written is a finding. Whether all of it arrived is looked at afterwards, in what the files render to.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from scaffold.catalog.dockerfile import references
from scaffold.catalog.finding import Finding

# A line may begin with what a macro gives.
_START = r"(?:\{\{.*?\}\})*"
_IMAGE = re.compile(rf"({_START} {{4}}image:[ \t]+[\"']?)(?=\S)(.*)")
_NAME = re.compile(r" {2}(?P<name>[^\s#\-{]\S*|\{\{.*\}\}):\s*(#.*)?")
_KEY = re.compile(rf"{_START} {{4}}(?P<key>labels|mem_limit|cpus):(?P<value>.*)")
_ITEM = re.compile(r" {6}(?P<pair>(?:\"[^\"]*\"|'[^']*'|[^\s\"'#\-][^:]*):(?:\s.*)?)")
_OPENS = re.compile(r"\{%-?\+?\s*(?:if|for|macro|call|filter|block|raw|with|autoescape)\b|\{%-?\s*set\s+[^=%]*%\}")
_CLOSES = re.compile(r"\{%-?\+?\s*end\w+")
COMMENT = "    # What this team requires. Set here by `scaffold template build`, in every service."


@dataclass(slots=True)
class Text:
    """A file's lines while they are changed, and what stood in the way."""

    file: str
    lines: list[str]
    findings: list[Finding] = field(default_factory=list)

    def refuse(self, index: int, key: str, why: str, fix: str = "") -> None:
        """Note that a line cannot be changed."""
        self.findings.append(Finding(self.file, index + 1, key, why, fix))

    @property
    def text(self) -> str:
        """The file as it is now."""
        return "\n".join(self.lines)


@dataclass(frozen=True, slots=True)
class Block:
    """A service's lines: its name stands in `start`, something else begins in `end`. `depths` are Jinja's in them."""

    name: str
    start: int
    end: int
    depths: list[int]


def compose(file: str, text: str, registry: str, keys: Mapping[str, Any], known: set[str] | None = None) -> Text:
    """A Compose file with the registry before every image, and the keys in every service.

    `known` are the services of the file that this one lies over: they have the keys from there.
    """
    changed = Text(file, text.split("\n"))
    if registry:
        _prefix_images(changed, registry)
    # From the end, so that what was found above stays where it is.
    for block in reversed(blocks(text, within=known is None)):
        present = _present(changed, block, keys)
        missing = {key: value for key, value in keys.items() if key not in present}
        covered = known is not None and (block.name in known or any("{{" in name for name in known))
        if missing and not covered:
            place = _place(changed, block)
            changed.lines[place:place] = _lines(missing)
    changed.findings.sort()
    return changed


def dockerfile(file: str, text: str, registry: str) -> Text:
    """A Dockerfile with the registry before every image that it takes from elsewhere."""
    changed = Text(file, text.split("\n"))
    for reference in reversed(list(references(text)) if registry else []):
        line, start = changed.lines[reference.line - 1], reference.start
        if reference.image.startswith("$"):
            why = f"which image `{reference.image}` is stands elsewhere, where the policy does not reach"
            changed.refuse(reference.line - 1, "", why, "write the image itself")
        elif not reference.image.startswith(f"{registry}/"):
            changed.lines[reference.line - 1] = f"{line[:start]}{registry}/{line[start:]}"
    return changed


def blocks(text: str, *, within: bool) -> list[Block]:
    """The services of a file, or, not `within` a `services:`, of a part that other files take up."""
    lines, found = text.split("\n"), []
    depths = list(_depths(lines))
    here = not within
    for index, line in enumerate(lines):
        if re.match(r"[A-Za-z_]", line):
            here = line.startswith("services:")
        if here and (match := _NAME.fullmatch(line)):
            end = _end(lines, depths, index)
            found.append(Block(match["name"], index, end, [depth - depths[index] for depth in depths[index:end]]))
    return found


def _end(lines: list[str], depths: list[int], start: int) -> int:
    for index in range(start + 1, len(lines)):
        line = lines[index]
        if depths[index] < depths[start] or (line.strip() and not re.match(r" {3}|\{[{%#]", line)):
            return index
    return len(lines)


def _depths(lines: list[str]) -> Iterator[int]:
    """How many conditions, loops and macros each line is inside of, those that it opens and closes counted."""
    depth = 0
    for line in lines:
        code = re.sub(r"\{#.*?#\}", "", line)
        depth += len(_OPENS.findall(code)) - len(_CLOSES.findall(code))
        yield depth


def _prefix_images(changed: Text, registry: str) -> None:
    for index, line in enumerate(changed.lines):
        match = _IMAGE.fullmatch(line)
        if match is None or match[2].startswith(f"{registry}/"):
            continue
        if match[2][0] in "|>&*!":
            changed.refuse(index, "image", "it is written in a way the policy cannot change", "write it on one line")
        else:
            changed.lines[index] = f"{match[1]}{registry}/{match[2]}"


def _present(changed: Text, block: Block, keys: Mapping[str, Any]) -> set[str]:
    """The keys that the service has already. One with another value, or in a condition, is a finding."""
    present = set()
    for index in range(block.end - 1, block.start, -1):
        match = _KEY.fullmatch(changed.lines[index])
        if match is None or match["key"] not in keys:
            continue
        key, value = match["key"], keys[match["key"]]
        present.add(key)
        if block.depths[index - block.start]:
            changed.refuse(index, f"{block.name}.{key}", "it is inside a condition, and the policy holds always")
        elif key == "labels":
            _merge_labels(changed, block, index, match["value"], value)
        elif not _same(match["value"], value):
            why = f"it is{match['value']}, and the policy says {value}"
            changed.refuse(index, f"{block.name}.{key}", why, "take the line out, or give this entry policy.limits")
    return present


def _merge_labels(changed: Text, block: Block, index: int, value: str, wanted: Mapping[str, str]) -> None:
    """Put those labels that are missing below `labels:`."""
    key = f"{block.name}.labels"
    if value.strip() and not value.strip().startswith("#"):
        changed.refuse(index, key, "it is written on one line", "write one label on a line: name: value")
        return
    missing = dict(wanted)
    for line in range(index + 1, block.end):
        text = changed.lines[line]
        if re.match(r" {6}\s*-", text):
            changed.refuse(line, key, "it is a list", "write one label on a line: name: value")
            return
        if text.strip() and not text.startswith("      "):
            break
        for name, have in _pair(text).items():
            if missing.get(name, have) != have or (name in missing and block.depths[line - block.start]):
                changed.refuse(line, f"{key}.{name}", f"it is {have}, and the policy says {wanted[name]}")
            missing.pop(name, None)
    changed.lines[index + 1 : index + 1] = _label_lines(missing)


def _pair(line: str) -> Mapping[str, str]:
    match = _ITEM.fullmatch(line)
    try:
        pair = yaml.safe_load(match["pair"]) if match else None
    except yaml.YAMLError:
        return {}
    return {str(name): str(value) for name, value in pair.items()} if isinstance(pair, dict) else {}


def _same(written: str, value: str) -> bool:
    try:
        have = yaml.safe_load(written)
        return str(have) == value or float(have) == float(value)
    except (yaml.YAMLError, TypeError, ValueError):
        return False


def _place(changed: Text, block: Block) -> int:
    """Where new keys go: behind the first blank line, so that they touch neither the image nor what comes next.

    Where there is none that every answer keeps, they are the service's first.
    """
    depths = list(_depths(changed.lines[block.start : block.end]))
    for index in range(block.start + 1, block.end - 1):
        line, following = changed.lines[index : index + 2]
        if not line.strip() and not depths[index - block.start] and re.match(r" {4}[A-Za-z_#\"']", following):
            return index + 1
    return block.start + 1


def _lines(missing: Mapping[str, Any]) -> list[str]:
    lines = [COMMENT]
    for key, value in missing.items():
        if key == "labels":
            lines += ["    labels:", *_label_lines(value), "      # your own labels below this line", ""]
        else:
            lines += [f"    {key}: {value}", ""]
    return lines


def _label_lines(labels: Mapping[str, str]) -> list[str]:
    return [f"      {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in labels.items()]
