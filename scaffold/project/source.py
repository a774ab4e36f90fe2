"""Where the template is: the releases inside this package, a git URL, or a working tree."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from scaffold.errors import CouldNotError, ScaffoldError
from scaffold.project import git

# Projects remember this address, and `copier update` asks it. A mirror or a fork sets SCAFFOLD_TEMPLATE_URL.
CANONICAL_URL = "https://github.com/compose-scaffold/scaffold.git"

# Every released template as commits and tags, so that an install needs no network.
BUNDLE = Path(__file__).with_name("releases.bundle")

_VERSION_TAG = re.compile(r"v(\d+)\.(\d+)\.(\d+)(?:\.post(\d+))?")


@dataclass(frozen=True, slots=True)
class Template:
    """One version of a template: what copier is told, and a tree to read its catalogue from."""

    url: str
    ref: str
    root: Path
    updatable: bool = True
    git_settings: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def open_template(source: str | None = None) -> Iterator[Template]:
    """Make a template readable for a while: the newest release, or what `source` (a folder or a git URL) holds.

    Raises ScaffoldError when it is no template, CouldNotError when git cannot get it.
    """
    if source is not None and Path(source).expanduser().is_dir():
        yield _working_tree(Path(source).expanduser().resolve())
        return
    with tempfile.TemporaryDirectory(prefix="scaffold-template-") as scratch:
        root = Path(scratch) / "template"
        if source is None:
            yield _released(root)
        else:
            yield _cloned(source, root)


def _working_tree(root: Path) -> Template:
    """A template as it lies in a folder, changes included. Its commit has no version, so no update can start there."""
    if not (root / "copier.yml").is_file():
        raise ScaffoldError(f"{root} is not a template", "it has no copier.yml", "give the root of its repository")
    return Template(url=str(root), ref="HEAD", root=root, updatable=False)


def _released(root: Path) -> Template:
    url = os.environ.get("SCAFFOLD_TEMPLATE_URL", CANONICAL_URL)
    if not BUNDLE.is_file():
        raise CouldNotError(
            "this install holds no released template",
            f"{BUNDLE} is missing",
            "install compose-scaffold from a release, or give --template PATH",
        )
    return _checkout(url, newest(BUNDLE), root, {f"url.{BUNDLE}.insteadOf": url})


def _cloned(url: str, root: Path) -> Template:
    return _checkout(url, newest(url), root, {})


def _checkout(url: str, tag: str, root: Path, settings: Mapping[str, str]) -> Template:
    settings = {**git.HARDENED, **settings, "advice.detachedHead": "false"}
    environment = git.settings(settings)
    git.run("clone", "--quiet", "--depth=1", "--branch", tag, "--", url, root, environment=environment)
    return Template(url=url, ref=tag, root=root, git_settings=settings)


def newest(repository: str | Path) -> str:
    """The tag of the newest version in a bundle or behind a URL.

    Raises ScaffoldError when there is none, CouldNotError when git cannot look.
    """
    listing = git.run("ls-remote", "--tags", "--refs", "--", repository, environment=git.settings(git.HARDENED))
    tags = [line.partition("refs/tags/")[2] for line in listing.splitlines()]
    found = versions(tags)
    if not found:
        raise ScaffoldError(f"{repository} has no released version", "none of its tags looks like v1.2.3")
    return found[-1]


def versions(tags: list[str]) -> list[str]:
    """Those tags that are versions, oldest first."""
    parts = {tag: match.groups(default="0") for tag in tags if (match := _VERSION_TAG.fullmatch(tag))}
    return sorted(parts, key=lambda tag: tuple(map(int, parts[tag])))
