"""What stands in a YAML file twice: keys of one mapping, items of one list. Git merges two additions without a word."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

# libyaml where it is there: many times as fast.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Place = tuple[str, ...]


def twice(text: bytes) -> Mapping[Place, list[int]]:
    """The lines, by path, of each key and each scalar item that is there more than once; nothing of unreadable text."""
    found: dict[Place, list[int]] = defaultdict(list)
    try:
        for document in yaml.compose_all(text, _LOADER):
            for place, line in _places(document, ()):
                found[place].append(line)
    except (yaml.YAMLError, UnicodeDecodeError):
        return {}
    return {place: lines for place, lines in found.items() if len(lines) > 1}


def _places(node: Any, above: Place) -> Iterator[tuple[Place, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            place = (*above, str(key.value))
            yield place, key.start_mark.line + 1
            yield from _places(value, place)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            if isinstance(item, yaml.ScalarNode):
                yield (*above, item.value), item.start_mark.line + 1
            else:
                yield from _places(item, (*above, str(number)))
