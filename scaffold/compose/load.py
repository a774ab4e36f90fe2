"""Reads Compose files as plain data, and lays one over another as Compose does.

Every scalar but null is text: Compose takes `8000` and `"8000"` for the same, and a comparison is to as well.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import yaml

from scaffold.errors import ScaffoldError

Raw: TypeAlias = dict[str, Any]

# More parts than any project has: aliases of aliases can make millions of them out of a few lines.
_MOST_PARTS = 200_000
# Under these keys a later list takes the place of the earlier one.
_REPLACED = {"command", "entrypoint", "test"}
_NULL, _MERGE = "tag:yaml.org,2002:null", "tag:yaml.org,2002:merge"


@dataclass(frozen=True, slots=True)
class Tagged:
    """A value with `!reset` (it takes the earlier one away) or `!override` (it takes the earlier one's place)."""

    tag: str
    value: Any


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read: its path, its data, and the lines of the entries of its blocks by (block, entry)."""

    path: str
    data: Raw
    lines: Mapping[tuple[str, str], int]


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML whose only special scalars are null and the merge key."""

    yaml_implicit_resolvers: ClassVar = {
        **{first: [(_NULL, yaml.SafeLoader.yaml_implicit_resolvers["~"][0][1])] for first in ("~", "n", "N", "")},
        "<": [(_MERGE, yaml.SafeLoader.yaml_implicit_resolvers["<"][0][1])],
    }


def _tagged(loader: Any, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        value = None if suffix == "reset" else loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return Tagged(suffix, value) if suffix in {"reset", "override"} else value


_Loader.add_multi_constructor("!", _tagged)


def parse(path: str, text: str) -> Source:
    """Read one Compose file.

    Raises ScaffoldError with file and line when it is no YAML, or not one mapping of blocks.
    """
    loader = _Loader(text.removeprefix("\ufeff"))
    try:
        node = loader.get_single_node()
        if node is not None:
            _weigh(node, {}, path)
        data = loader.construct_document(node) if node is not None else {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        why = getattr(error, "problem", None) or str(error).split("\n", 1)[0]
        raise unreadable(path, mark.line + 1 if mark else 1, str(why)) from error
    except (ValueError, RecursionError) as error:
        raise unreadable(path, 1, str(error)) from error
    finally:
        loader.dispose()
    if node is None or data is None:
        return Source(path, {}, {})
    if not isinstance(data, dict):
        raise unreadable(path, 1, "it is no mapping of keys to values")
    return Source(path, data, dict(_lines(node)))


def unreadable(path: str, line: int, why: str) -> ScaffoldError:
    """The error for a file that means nothing to Compose."""
    return ScaffoldError(f"cannot read {path}:{line}", why, "correct that line; `docker compose config -q` checks it")


def _weigh(node: yaml.Node, known: dict[int, int], path: str) -> int:
    """How many parts a node has with its aliases written out; refuses one that contains itself."""
    if id(node) in known:
        return known[id(node)]
    if isinstance(node, yaml.ScalarNode):
        return 1
    known[id(node)] = _MOST_PARTS
    children = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else node.value
    weight = 1 + sum(_weigh(child, known, path) for child in children)
    if weight > _MOST_PARTS:
        raise unreadable(path, node.start_mark.line + 1, "its aliases make it endless")
    known[id(node)] = weight
    return weight


def _lines(node: yaml.MappingNode) -> Iterator[tuple[tuple[str, str], int]]:
    for key, block in node.value:
        if isinstance(block, yaml.MappingNode):
            for entry, _ in block.value:
                yield (str(key.value), str(entry.value)), entry.start_mark.line + 1


def overlay(below: Any, above: Any, key: Hashable = "") -> Any:
    """What Compose makes of a value in one file and, under the same key, another in a later file."""
    if isinstance(above, Tagged):
        return None if above.tag == "reset" else plain(above.value)
    if isinstance(below, dict) and isinstance(above, dict):
        merged = dict(below)
        for name, value in above.items():
            if isinstance(value, Tagged) and value.tag == "reset":
                merged.pop(name, None)
            else:
                merged[name] = overlay(merged[name], value, name) if name in merged else plain(value)
        return merged
    if isinstance(below, list) and isinstance(above, list) and key not in _REPLACED:
        return below + [item for item in plain(above) if item not in below]
    return below if above is None else plain(above)


def plain(value: Any) -> Any:
    """A value without its tags."""
    if isinstance(value, Tagged):
        return None if value.tag == "reset" else plain(value.value)
    if isinstance(value, dict):
        return {
            key: plain(item) for key, item in value.items() if not (isinstance(item, Tagged) and item.tag == "reset")
        }
    return [plain(item) for item in value] if isinstance(value, list) else value
