"""Adding a version to a team's repository: counted up, complete or not at all, and never over somebody's work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from scaffold.errors import CouldNotError, ScaffoldError
from scaffold.project import git
from scaffold.team import build as building
from tests.support import copier, team, tree


def improve(root: Path) -> None:
    path = root / "templates" / "project" / "Makefile.jinja"
    path.write_text(path.read_text() + "# improved\n")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return team.bundle_of(tmp_path_factory.mktemp("bundle") / "releases.bundle", improve)


@pytest.fixture
def folder(workplace: Path, bundle: Path) -> Path:
    return team.folder_of(workplace / "team", bundle)


def change(folder: Path, text: str = "x") -> None:
    (folder / "files" / "CODEOWNERS").write_text(text)


def log(repository: Path, ref: str = "HEAD") -> list[str]:
    return copier.git(repository, "log", "--first-parent", "--format=%s", ref).splitlines()


def bare(out: Path) -> Path:
    return out


def clone(out: Path) -> Path:
    """An ordinary clone of a repository that has nothing yet."""
    git.run("init", "--quiet", "--initial-branch=standard", out)
    return out


KINDS = pytest.mark.parametrize("make", [bare, clone])


@KINDS
def test_versions_count_up_by_themselves(
    workplace: Path, bundle: Path, folder: Path, make: Callable[[Path], Path]
) -> None:
    out = make(workplace / "out")
    assert team.build(folder, out, bundle).version == "v9.0.0.post1"
    first = team.refs(out)
    again = team.build(folder, out, bundle)
    assert (again.version, again.unchanged, team.refs(out)) == ("v9.0.0.post1", True, first)
    change(folder)
    second = team.build(folder, out, bundle)
    assert (second.version, second.files) == ("v9.0.0.post2", [("templates/project/CODEOWNERS", "A")])
    later = team.build(folder, out, bundle, team.LATER)
    assert later.version == "v9.1.0.post1"
    assert log(out) == ["Release 9.1.0.post1", "Release 9.0.0.post2", "Release 9.0.0.post1", "Release 9.0.0"]
    if make is clone:
        assert (out / "templates/project/CODEOWNERS").read_text() == "x"
        assert copier.git(out, "status", "--porcelain") == ""


def test_the_base_is_there_under_its_own_name(workplace: Path, bundle: Path, folder: Path) -> None:
    out = workplace / "out.git"
    team.build(folder, out, bundle)
    git.run("clone", "--quiet", "--bare", bundle, workplace / "base.git")
    have, base = team.refs(out), team.refs(workplace / "base.git")
    assert have["refs/tags/v9.0.0"] == base["refs/tags/v9.0.0"]
    assert "refs/tags/v9.1.0" not in have, "nothing newer than the base"
    parents = git.run("rev-parse", "v9.0.0.post1^@", folder=out)
    assert parents == base["refs/tags/v9.0.0"]
    change(folder)
    team.build(folder, out, bundle, team.LATER)
    parents = git.run("rev-parse", "v9.1.0.post1^@", folder=out)
    assert parents.split() == [have["refs/tags/v9.0.0.post1"], base["refs/tags/v9.1.0"]]
    git.run("fsck", "--strict", folder=out)


def test_the_same_folder_gives_the_same_commit(workplace: Path, bundle: Path, folder: Path) -> None:
    team.build(folder, workplace / "a.git", bundle)
    (workplace / "b.git").mkdir()
    team.build(folder, workplace / "b.git", bundle)
    assert team.refs(workplace / "a.git") == team.refs(workplace / "b.git")


def test_nobodys_settings_change_what_is_built(
    workplace: Path, bundle: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(folder, "one\r\ntwo\n")
    (folder / "files" / ".gitignore.jinja").touch()
    (folder / "files" / ".gitattributes").write_text("* text eol=crlf\n")
    (folder / "files" / ".gitignore.jinja").unlink()
    team.build(folder, workplace / "a.git", bundle)
    attributes = workplace / "attributes"
    attributes.write_text("* text eol=crlf ident\n")
    for number, (key, value) in enumerate(
        [("core.autocrlf", "true"), ("core.attributesFile", str(attributes)), ("tag.gpgSign", "true")]
    ):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", key)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "3")
    team.build(folder, workplace / "b.git", bundle)
    monkeypatch.setenv("GIT_CONFIG_COUNT", "0")
    assert team.refs(workplace / "a.git") == team.refs(workplace / "b.git")
    blob = git.ask("cat-file", "blob", "HEAD:templates/project/CODEOWNERS", folder=workplace / "a.git")
    assert blob == b"one\r\ntwo\n"


@pytest.mark.parametrize("state", ["file", "full", "inside", "dirty", "untracked", "detached", "committed", "foreign"])
def test_somebodys_work_is_left_alone(workplace: Path, bundle: Path, folder: Path, state: str) -> None:
    out = workplace / "out"
    if state == "file":
        out.write_text("mine")
    elif state == "full":
        out.mkdir()
        (out / "mine").write_text("mine")
    elif state == "inside":
        clone(workplace / "big")
        out = workplace / "big" / "sub"
        out.mkdir()
        (out / "mine").write_text("mine")
    elif state == "foreign":
        clone(out)
        (out / "mine").write_text("mine")
        copier.commit(out, "Mine")
    else:
        team.build(folder, clone(out), bundle)
        change(folder)
        if state == "untracked":
            (out / "mine").write_text("mine")
        elif state == "detached":
            copier.git(out, "checkout", "--quiet", "--detach")
        else:
            (out / "copier.yml").write_text("mine")
        if state == "committed":
            copier.commit(out, "Mine")
    before = tree.files(workplace, without=())
    with pytest.raises(ScaffoldError) as error:
        team.build(folder, out, bundle)
    assert error.value.code == 2
    assert error.value.fix
    assert tree.files(workplace, without=()) == before


def test_a_version_never_goes_back(workplace: Path, bundle: Path, folder: Path) -> None:
    out = workplace / "out.git"
    team.build(folder, out, bundle, team.LATER)
    with pytest.raises(ScaffoldError, match=r"cannot build on v9\.0\.0"):
        team.build(folder, out, bundle)


def test_a_tag_of_theirs_is_not_taken_for_the_base(workplace: Path, bundle: Path, folder: Path) -> None:
    out = workplace / "out.git"
    team.build(folder, out, bundle)
    git.run("tag", "v9.1.0", "v9.0.0", folder=out)
    before = team.refs(out)
    with pytest.raises(ScaffoldError, match=r"v9\.1\.0 is not the standard's"):
        team.build(folder, out, bundle, team.LATER)
    assert team.refs(out) == before


@KINDS
def test_two_builds_at_once_make_one_version(
    workplace: Path, bundle: Path, folder: Path, make: Callable[[Path], Path]
) -> None:
    out = make(workplace / "out")
    team.build(folder, out, bundle)
    with (
        _planned(workplace, bundle, out, "one") as one,
        _planned(workplace, bundle, out, "two") as two,
        ThreadPoolExecutor(2) as pool,
    ):
        tried = list(pool.map(_attempt, (one, two)))
    assert sorted(map(str, tried)) == ["False", "True"]
    assert log(out)[0] == "Release 9.0.0.post2"
    content = git.run("show", "v9.0.0.post2:templates/project/CODEOWNERS", folder=out)
    assert content == ("one" if tried[0] else "two")
    assert git.run("rev-parse", "HEAD", folder=out) == team.refs(out)["refs/tags/v9.0.0.post2"]


@contextmanager
def _planned(workplace: Path, bundle: Path, out: Path, text: str) -> Iterator[building.Plan]:
    folder = team.folder_of(workplace / text, bundle, files={"files/CODEOWNERS": text})
    with building.planned(folder, out, team.BASE, bundle) as plan:
        yield plan


def _attempt(plan: building.Plan) -> bool:
    try:
        return building.carry_out(plan)
    except CouldNotError:
        return False


def test_two_that_make_the_repository_at_once(workplace: Path, bundle: Path) -> None:
    out = workplace / "out.git"
    with _planned(workplace, bundle, out, "one") as one, _planned(workplace, bundle, out, "two") as two:
        assert [_attempt(one), _attempt(two)] == [True, False]
    assert sorted(path.name for path in workplace.iterdir()) == ["one", "out.git", "two"]
    git.run("fsck", "--strict", folder=out)


def test_a_merge_that_fails_takes_its_tags_back(workplace: Path, bundle: Path, folder: Path) -> None:
    out = clone(workplace / "out")
    team.build(folder, out, bundle)
    change(folder)
    before = team.refs(out)
    with building.planned(folder, out, team.BASE, bundle) as plan:
        (out / "templates/project/CODEOWNERS").write_text("mine")
        with pytest.raises(CouldNotError):
            building.carry_out(plan)
    assert team.refs(out) == before
    assert (out / "templates/project/CODEOWNERS").read_text() == "mine"


# Builds, and dies at the numbered call of git of the step that adds the version: before it, or right after it.
_KILLED = """
import os, signal, sys
from pathlib import Path
from scaffold.project import git
from scaffold.team import build, publish
folder, out, bundle, number, when = sys.argv[1:]
calls, finished, add = 0, git._finished, publish.add
def counting(*args, **options):
    global calls
    calls += 1
    if calls == int(number) and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    done = finished(*args, **options)
    if calls == int(number):
        os.kill(os.getpid(), signal.SIGKILL)
    return done
def watched(*args):
    git._finished = counting
    add(*args)
publish.add = watched
with build.planned(Path(folder), Path(out), "9.0.0", Path(bundle)) as plan:
    build.carry_out(plan)
"""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["new", "bare", "clone"])
def test_killed_at_any_step_it_is_as_before_or_complete(
    workplace: Path, bundle: Path, folder: Path, kind: str, when: str
) -> None:
    steps = 0
    while True:
        steps += 1
        out = workplace / f"out-{steps}"
        if kind != "new":
            change(folder, "before")
            team.build(folder, clone(out) if kind == "clone" else out, bundle)
            change(folder, "after")
        before = team.refs(out) if out.exists() else {}
        command: list[str | Path] = [sys.executable, "-c", _KILLED, folder, out, bundle, str(steps), when]
        done = subprocess.run(command, env={**os.environ}, check=False)
        if done.returncode != -signal.SIGKILL:
            assert done.returncode == 0
            break
        after = team.refs(out) if out.exists() else {}
        plan = team.build(folder, out, bundle)
        if after != before:
            assert plan.unchanged, "it was complete but for the branch"
        assert plan.version == ("v9.0.0.post1" if kind == "new" else "v9.0.0.post2")
        assert git.run("rev-parse", "HEAD", folder=out) == team.refs(out)[f"refs/tags/{plan.version}"]
        if kind == "clone":
            assert copier.git(out, "status", "--porcelain") == ""
    assert steps > 2
