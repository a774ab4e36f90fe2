"""Calling copier. Its own question and answer is never used: answers come complete."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import copier
from copier.errors import DirtyLocalWarning
from plumbum import ProcessExecutionError, local

from scaffold.catalog.refusal import refusal
from scaffold.errors import CouldNotError, ScaffoldError
from scaffold.project import git
from scaffold.project.quick_render import sparing
from scaffold.project.source import Template

# With the usual three lines of context git applies an edit wherever those lines are: where a file repeats itself, in
# another service. With all lines it applies only to a file that the template left as it was; others get a real merge.
_WHOLE_FILE = 10**6

# What people set for themselves would decide what copier sees: patches refused for their blanks, rejects that `git
# status` does not show, files that are ignored everywhere. Edits would be lost without a word.
_STEADY = {
    "apply.ignoreWhitespace": "no",
    "apply.whitespace": "nowarn",
    "core.attributesFile": os.devnull,
    "core.excludesFile": os.devnull,
    "status.showUntrackedFiles": "normal",
}


def render(template: Template, answers: Mapping[str, Any], folder: Path) -> None:
    """Render the template with `answers` into `folder`, which is new or empty.

    Raises ScaffoldError when the template refuses the answers, CouldNotError when git or the disk fails.
    """
    with _quiet_and_hardened(template), _explained(template):
        copier.run_copy(
            template.url,
            folder,
            data=dict(answers),
            vcs_ref=template.ref,
            exclude=[".git"],
            defaults=True,
            quiet=True,
        )


def update(template: Template, answers: Mapping[str, Any], folder: Path) -> None:
    """Bring the project in `folder`, which git counts as clean, to a version of its template and to `answers`.

    Conflicts stay as markers and in git's index; an edited file that the template has no more is gone. So this is for
    a scratch clone. Raises as `render` does.
    """
    with _quiet_and_hardened(template), _explained(template):
        copier.run_update(
            folder,
            data=dict(answers),
            vcs_ref=template.ref,
            exclude=[".git"],
            defaults=True,
            skip_answered=True,
            overwrite=True,
            context_lines=_WHOLE_FILE,
            quiet=True,
        )


@contextmanager
def _quiet_and_hardened(template: Template) -> Iterator[None]:
    """Give copier's git the template's settings, and copier a cache of its own.

    plumbum copied os.environ when it was imported, so what git is to see goes there. copier itself asks os.environ
    for its cache: the shared one is a mirror of the URL, which a bundle, older than the remote, would prune.
    """
    with tempfile.TemporaryDirectory(prefix="scaffold-copier-") as cache, warnings.catch_warnings():
        warnings.simplefilter("ignore", DirtyLocalWarning)
        inherited = {key: value for key, value in os.environ.items() if key.startswith("GIT_")}
        environment = {**inherited, **git.settings({**git.HARDENED, **_STEADY, **template.git_settings})}
        with _cache_in(cache), sparing(), local.env(**{**environment, "GIT_TERMINAL_PROMPT": "0"}):
            yield


@contextmanager
def _cache_in(folder: str) -> Iterator[None]:
    before = os.environ.get("COPIER_CACHE_DIR")
    os.environ["COPIER_CACHE_DIR"] = folder
    try:
        yield
    finally:
        if before is None:
            del os.environ["COPIER_CACHE_DIR"]
        else:
            os.environ["COPIER_CACHE_DIR"] = before


@contextmanager
def _explained(template: Template) -> Iterator[None]:
    try:
        yield
    except ProcessExecutionError as error:
        words = str(error.stderr).strip().splitlines() or [str(error)]
        raise CouldNotError(f"git cannot read the template at {template.url}", words[-1]) from error
    except OSError as error:
        raise CouldNotError("cannot write the project", str(error)) from error
    except Exception as error:  # CopierError, and whatever the template's own code comes to
        said = str(error) or type(error).__name__
        if refused := refusal(said):
            raise refused from error
        raise ScaffoldError(f"the template at {template.url} cannot be rendered", said) from error
