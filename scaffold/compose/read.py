"""Reads a YAML file: whether it is plain enough to be merged line by line, and what it means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML

from scaffold.compose.blocks import Builder, data_of
from scaffold.compose.tree import Block, Data, Standing, UnreadableError

# YAML 1.1 readers end a line at the last three; git and editors do not.
_FOREIGN = re.compile("[\r\ufeff\x85\u2028\u2029]")


@dataclass(slots=True)
class Document:
    """A file that was read: its lines, ruamel's node tree, and the data."""

    lines: list[str]
    node: Any
    data: Data

    def block(self, standing: Standing) -> Block:
        """Its tree, where `standing` are the comments, by path, that stand alone wherever they are found.

        Raises UnreadableError when something other than comments lies between two parts.
        """
        return Builder(self.lines, standing).mapping(self.node, (), 0, len(self.lines))


def read(text: str) -> Document:
    """Reads one file. Raises UnreadableError for all that is not one plain mapping."""
    if foreign := _FOREIGN.search(text):
        raise UnreadableError("it has a carriage return or a byte order mark", text.count("\n", 0, foreign.start()) + 1)
    try:
        node = YAML(typ="safe", pure=True).compose(text)
        data = data_of(node)
    except UnreadableError:
        raise
    # On strange input ruamel lets IndexError, AttributeError and RecursionError through as well.
    except Exception as error:
        mark = getattr(error, "problem_mark", None)
        raise UnreadableError("it is no valid YAML", mark.line + 1 if mark else 1) from error
    if not isinstance(data, dict) or node.flow_style:
        raise UnreadableError("it is no block of `key: value` lines")
    return Document(text.removesuffix("\n").split("\n"), node, data)
