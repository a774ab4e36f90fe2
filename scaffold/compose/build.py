"""What an image is built from: which files of the project a change of which leads to another image."""

from __future__ import annotations

import fnmatch
import json
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scaffold.compose.services import joined

_CONTINUED = re.compile(r"\\[ \t]*\n")
_FLAG = re.compile(r"--[a-z]+(?:=\S*)?\s+")


@dataclass(frozen=True, slots=True)
class Build:
    """How a service's image is built.

    `settings` is the `build` block; `steps` the Dockerfile without comments; `copied` what it takes from the project
    (patterns; "." is everything); `ignored` the lines of .dockerignore that may concern that.
    """

    context: str
    dockerfile: str
    settings: Mapping[str, Any]
    steps: tuple[str, ...]
    copied: tuple[str, ...]
    ignored: tuple[str, ...]

    def uses(self, path: str) -> bool:
        """Whether the file at a path of the project goes into the image."""
        return any(_covers(pattern, path) for pattern in self.copied)


def build(settings: Mapping[str, Any], read: Callable[[str], str | None]) -> Build:
    """What a `build` block, with its context counted from the project's folder, comes to."""
    context = str(settings.get("context") or ".")
    if "://" in context or context.startswith(("$", "git@")):
        return Build(context, "", settings, (), (), ())
    inline = settings.get("dockerfile_inline")
    dockerfile = "" if inline else joined(context, str(settings.get("dockerfile") or "Dockerfile"))
    text = str(inline) if inline else read(dockerfile)
    steps = tuple(_steps(text or ""))
    copied = tuple(dict.fromkeys(joined(context, path) for step in steps for path in _sources(step)))
    if text is None:
        copied = (context,)
    ignored = read(joined(context, ".dockerignore")) or ""
    lines = (line.strip() for line in ignored.split("\n"))
    rules = (line for line in lines if line and not line.startswith("#"))
    concerned = tuple(rule for rule in rules if _concerns(joined(context, rule.lstrip("!").lstrip("/")), copied))
    return Build(context, dockerfile, settings, steps, copied, concerned)


def _steps(text: str) -> Iterator[str]:
    lines = (line.strip() for line in text.split("\n"))
    whole = _CONTINUED.sub(" ", "\n".join(line for line in lines if line and not line.startswith("#")))
    return (step for step in whole.split("\n") if step)


def _sources(step: str) -> list[str]:
    """What a step takes out of the context."""
    word, _, rest = step.partition(" ")
    if word.upper() not in {"COPY", "ADD"}:
        return ["."] if "--mount=type=bind" in step and "from=" not in step else []
    rest = rest.strip()
    while flag := _FLAG.match(rest):
        if flag[0].startswith("--from="):
            return []
        rest = rest[flag.end() :]
    if "$" in rest or "<<" in rest:
        return ["."]
    try:
        words = [str(word) for word in json.loads(rest)] if rest.startswith("[") else rest.split()
    except ValueError:
        return ["."]
    return [word.lstrip("/") or "." for word in words[:-1] if "://" not in word]


def _covers(pattern: str, path: str) -> bool:
    if pattern in {".", path} or path.startswith(f"{pattern}/"):
        return True
    return _is_glob(pattern) and any(fnmatch.fnmatchcase(part, pattern) for part in _and_above(path))


def _and_above(path: str) -> Iterator[str]:
    while path:
        yield path
        path = posixpath.dirname(path)


def _concerns(rule: str, copied: tuple[str, ...]) -> bool:
    return _is_glob(rule) or any(
        _is_glob(source) or _covers(source, rule) or rule in {".", *_and_above(source)} for source in copied
    )


def _is_glob(path: str) -> bool:
    return any(letter in path for letter in "*?[")
