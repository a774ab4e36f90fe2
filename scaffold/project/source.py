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
# Short forms that copier takes; git does not.
_SHORT = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}


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
    url = canonical_url() if source is None else address_of(source)
    if url is None:
        yield _working_tree(Path(source or "").expanduser().resolve())
        return
    with open_version(url, available(url)[-1]) as template:
        yield template


def address_of(source: str) -> str | None:
    """The address of a template's repository, as a project remembers it; None when `source` is a working tree."""
    folder = Path(source).expanduser().resolve()
    if not folder.is_dir():
        return source
    bare = (folder / "HEAD").is_file()
    return str(folder) if bare else None


@contextmanager
def open_version(url: str, tag: str, *, online: bool = False) -> Iterator[Template]:
    """Make one released version of the template at `url` readable for a while. Raises CouldNotError.

    Raises ScaffoldError when something in it leads out of it.
    """
    settings = {**git.HARDENED, **_instead(url, online=online), "advice.detachedHead": "false"}
    with tempfile.TemporaryDirectory(prefix="scaffold-template-") as scratch:
        root = Path(scratch) / "template"
        address = git_address(url)
        git.run(
            "clone", "--quiet", "--depth=1", "--branch", tag, "--", address, root, environment=git.settings(settings)
        )
        _refuse_ways_out(root, url)
        yield Template(url=url, ref=tag, root=root, git_settings=settings)


def canonical_url() -> str:
    """The address of the standard template."""
    return os.environ.get("SCAFFOLD_TEMPLATE_URL", CANONICAL_URL)


def is_bundled(url: str) -> bool:
    """Whether this install holds the releases of the template at `url`."""
    return url in (CANONICAL_URL, canonical_url())


def available(url: str, *, online: bool = False) -> list[str]:
    """The tags of all versions of the template at `url`, oldest first.

    Those of the standard one are in this install; with `online` they are asked for. Raises ScaffoldError when there
    are none, CouldNotError when git cannot look.
    """
    if is_bundled(url) and not online and not BUNDLE.is_file():
        raise CouldNotError(
            "this install holds no released template",
            f"{BUNDLE} is missing",
            "install compose-scaffold from a release, or give --template PATH",
        )
    found = _tags(git_address(url), _instead(url, online=online))
    if not found:
        raise ScaffoldError(f"{url} has no released version", "none of its tags looks like v1.2.3")
    return found


def newest(repository: str | Path) -> str:
    """The tag of the newest version in a bundle or repository.

    Raises ScaffoldError when there is none, CouldNotError when git cannot look.
    """
    return available(str(repository))[-1]


def tree_of(url: str, tag: str, *, online: bool = False) -> str | None:
    """What identifies the template's files at a version: the same at two addresses if they hold the same template.

    None when it cannot be had.
    """
    try:
        with open_version(url, tag, online=online) as template:
            return git.run("rev-parse", "HEAD:copier.yml", "HEAD:templates", folder=template.root)
    except (ScaffoldError, CouldNotError):
        return None


def versions(tags: list[str]) -> list[str]:
    """Those tags that are versions, oldest first."""
    parts = {tag: match.groups(default="0") for tag in tags if (match := _VERSION_TAG.fullmatch(tag))}
    return sorted(parts, key=lambda tag: tuple(map(int, parts[tag])))


def git_address(url: str) -> str:
    """A template's address as git takes it; copier knows short forms."""
    for short, full in _SHORT.items():
        if url.startswith(short):
            return f"{full}{url.removeprefix(short).removesuffix('.git')}.git"
    return url.removeprefix("git+")


def _tags(repository: str | Path, settings: Mapping[str, str]) -> list[str]:
    environment = git.settings({**git.HARDENED, **settings})
    listing = git.run("ls-remote", "--tags", "--refs", "--", repository, environment=environment)
    return versions([line.partition("refs/tags/")[2] for line in listing.splitlines()])


def _instead(url: str, *, online: bool) -> dict[str, str]:
    return {f"url.{BUNDLE}.insteadOf": url} if is_bundled(url) and not online else {}


def _refuse_ways_out(root: Path, url: str) -> None:
    """Refuse links to what is no part of the template, and other repositories inside it. Raises ScaffoldError."""
    for line in git.run("ls-tree", "-r", "-z", "HEAD", folder=root).split("\0"):
        facts, _, path = line.partition("\t")
        out = facts.startswith("120000") and not (root / path).resolve().is_relative_to(root.resolve())
        if out or facts.startswith("160000"):
            what = f"{path} is a link that leads out of it" if out else f"{path} is another repository"
            raise ScaffoldError(
                f"the template at {url} cannot be trusted", what, "have its owners put the files themselves there"
            )


def _working_tree(root: Path) -> Template:
    """A template as it lies in a folder, changes included. Its commit has no version, so no update can start there."""
    if not (root / "copier.yml").is_file():
        raise ScaffoldError(f"{root} is not a template", "it has no copier.yml", "give the root of its repository")
    return Template(url=str(root), ref="HEAD", root=root, updatable=False)
