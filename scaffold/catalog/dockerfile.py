"""Which images a Dockerfile names, and where."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# What Jinja computes may have spaces in it.
_IMAGE = r"((?:\{\{.*?\}\}|[^\s{]|\{(?!\{))+)"
_FROM = re.compile(rf"\s*FROM\s+(?:--\S+\s+)*{_IMAGE}(?:\s+AS\s+(\S+))?", re.IGNORECASE)
_COPY = re.compile(rf"\s*(?:COPY|ADD)\s+(?:--\S+\s+)*?--from={_IMAGE}", re.IGNORECASE)
_MOUNT = re.compile(r"--mount=(?:[^\s,]+,)*from=([^\s,]+)")
_SYNTAX = re.compile(rf"#\s*syntax\s*=\s*{_IMAGE}")
_HEREDOC = re.compile(r"<<-?([\"']?)(\w+)\1")


@dataclass(frozen=True, slots=True)
class Reference:
    """An image in a line (counted from 1), and where it begins there."""

    line: int
    start: int
    image: str
    base: bool


def references(text: str) -> Iterator[Reference]:
    """Every image that a Dockerfile takes from elsewhere: not `scratch`, and not its own stages."""
    stages = {"scratch"}
    for number, line in _instructions(text):
        if match := _FROM.match(line):
            if match[1].lower() not in stages:
                yield Reference(number, match.start(1), match[1], base=True)
            stages.add((match[2] or "").lower())
        for match in filter(None, [_COPY.match(line), *_MOUNT.finditer(line), _SYNTAX.match(line)]):
            if match[1].lower() not in stages and not match[1].isdigit():
                yield Reference(number, match.start(1), match[1], base=False)


def _instructions(text: str) -> Iterator[tuple[int, str]]:
    """The lines in which an instruction may begin or go on, without what a shell reads: continued RUNs, heredocs."""
    until, running = "", False
    for number, line in enumerate(text.splitlines(), 1):
        if until:
            until = "" if line.strip() == until else until
            continue
        if not running or "--mount=" in line:
            yield number, line
        if heredoc := _HEREDOC.search(line):
            until = heredoc[2]
        running = line.rstrip().endswith("\\") or (running and line.lstrip().startswith("#"))
