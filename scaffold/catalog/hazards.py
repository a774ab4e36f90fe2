"""What a template may not have in it, since it would need trust, reach outside, or read the user's surroundings."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from jinja2 import Environment, TemplateSyntaxError, nodes

from scaffold.catalog.finding import Finding, line_of

SETTINGS = ("copier.yml", "copier.yaml")
SUBDIRECTORY = "templates/project"
# What tools leave behind; no part of a template.
LEFTOVERS = ("__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache")

# Each of these runs code as the user, or reads files of theirs: copier asks for trust.
_TRUSTED = ("_tasks", "_migrations", "_jinja_extensions", "_external_data")
# These read the environment and the file system, without trust.
FILTERS = ("expandvars", "fileglob", "expanduser", "realpath")
# Files that others include, so they go through Jinja whatever their name ends in.
_INCLUDED = ("client.py", "dev.yaml", "gpu.yaml", "amd.yaml")
# Files that scaffold reads, whether Jinja does or not.
_READ = ("compose", "Dockerfile")


def files(root: Path) -> Iterator[Path]:
    """Everything that makes up the template at `root`, files and links, in order."""
    yield from (root / name for name in SETTINGS if os.path.lexists(root / name))
    yield from below(root / "templates")


def below(folder: Path) -> Iterator[Path]:
    """Every file in a folder, links of whatever kind unfollowed, without what tools leave behind."""
    for path in sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else ():
        if path.name in LEFTOVERS or path.name.endswith((".pyc", ".pyo")):
            continue
        if path.is_dir() and not path.is_symlink() and path.name.lower() != ".git":
            yield from below(path)
        else:
            yield path


def find(root: Path) -> list[Finding]:
    """All hazards of the template at `root`."""
    found = []
    for path in files(root):
        name = path.relative_to(root).as_posix()
        found += of_file(path, PurePosixPath(name), name)
    return found + list(_settings(root))


def of_file(path: Path, name: PurePosixPath, file: str) -> list[Finding]:
    """The hazards of one file: `name` is what it is called in the template, `file` what messages call it."""
    if why := unsafe(path, name):
        return [Finding(file, 0, "", why, "take it out")]
    if not _is_jinja(name) and not name.name.startswith(_READ):
        return []
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return [Finding(file, 0, "", "it is no UTF-8")]
    return list(_filters(text, file)) if _is_jinja(name) else []


def unsafe(path: Path, name: PurePosixPath) -> str:
    """Why a file cannot be part of a template, or nothing. `name` is what it is called there."""
    if path.is_symlink():
        return "it is a symbolic link, which could lead out of the project"
    if any(part.lower() in (".git", "git~1") for part in name.parts):
        return "`.git` in a path would be taken for a repository"
    if not path.is_file():
        return "it is no ordinary file"
    text = str(name)
    if ".." in text or re.search(r"[\\\x00-\x1f\x7f]", text):
        return "its name has `..`, a backslash or a control character in it"
    if not text.isprintable():
        return "its name is not UTF-8, or cannot be printed"
    if re.search("|".join(FILTERS), text):
        return "its name would read the file system"
    return ""


def _is_jinja(name: PurePosixPath) -> bool:
    included = name.match("services/*/*") and name.name in _INCLUDED
    return name.suffix == ".jinja" or str(name) in SETTINGS or included


def _filters(text: str, name: str) -> Iterator[Finding]:
    try:
        tree = Environment(autoescape=True).parse(text)
    except TemplateSyntaxError as error:
        yield Finding(name, error.lineno, "", f"it is no valid Jinja: {error.message}")
    else:
        for node in tree.find_all(nodes.Filter):
            for filter in _named(node):
                yield Finding(name, node.lineno, "", filter, "take it out: a template depends on its answers alone")


def _named(node: nodes.Filter) -> Iterator[str]:
    """What is wrong with the filter, or with the one that `map` is told to use."""
    names: list[nodes.Expr | str] = [node.name]
    if node.name == "map":
        names += node.args[:1]
    for name in names:
        if isinstance(name, nodes.Expr) and not isinstance(name, nodes.Const):
            yield "which filter `map` uses is computed, so nobody can tell what it reads"
        else:
            word = name.value if isinstance(name, nodes.Const) else name
            if word in FILTERS:
                yield f"the filter `{word}` reads the user's environment or file system"


class _Loader(yaml.SafeLoader):
    """copier.yml as copier reads it: several documents, and parts in other files."""


class _Include(str):
    """A pattern of files that stand for themselves."""


def _include(loader: yaml.SafeLoader, node: yaml.Node) -> _Include:
    return _Include(loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else "")


_Loader.add_constructor("!include", _include)


def _settings(root: Path) -> Iterator[Finding]:
    """copier.yml and what it includes: no setting in it asks for trust."""
    present = [name for name in SETTINGS if (root / name).is_file()]
    if len(present) != 1:
        why = "there is none" if not present else "copier.yaml is there as well"
        yield Finding(SETTINGS[0], 0, "", why, "a template has one copier.yml")
    seen: set[str] = set()
    left = list(present)
    while left:
        name = left.pop()
        if name in seen:
            continue
        seen.add(name)
        try:
            text = (root / name).read_text(encoding="utf-8")
            parts = list(yaml.load_all(text, _Loader))
        except (OSError, ValueError, yaml.YAMLError) as error:
            yield Finding(name, 0, "", f"it cannot be read: {' '.join(str(error).split())}")
            continue
        for pattern in _includes(parts):
            if not pattern or pattern.startswith("/") or ".." in pattern:
                yield Finding(name, 0, "", f"it includes {pattern}, which is not in the template")
            else:
                left += [path.relative_to(root).as_posix() for path in root.glob(pattern)]
        yield from _refused(name, text, parts, main=name in SETTINGS)


def _includes(part: Any) -> Iterator[str]:
    if isinstance(part, _Include):
        yield str(part)
    for value in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _includes(value)


def _refused(name: str, text: str, parts: list[Any], *, main: bool) -> Iterator[Finding]:
    settings: dict[str, Any] = {}
    for part in parts:
        settings |= part if isinstance(part, dict) else {}
    for key in _TRUSTED:
        if key in settings:
            why = "it makes copier ask for trust: people would have to let the template run what it likes"
            yield Finding(name, line_of(text, key), key, why, "take it out: pure Jinja has to do")
    where = settings.get("_subdirectory", SUBDIRECTORY if not main else None)
    if where != SUBDIRECTORY:
        yield Finding(name, line_of(text, "_subdirectory"), "_subdirectory", f"it is not {SUBDIRECTORY}")
