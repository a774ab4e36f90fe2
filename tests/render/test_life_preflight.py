"""What keeps a project from being changed: said with the reason, before anything is written."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scaffold.cli.main import run
from tests.support import copier, life, tree, versions
from tests.support.cli import Runner

pytestmark = pytest.mark.usefixtures("newer")

ANSWERS = ".copier-answers.yml"
NOBODY = 65534


def untouched(project: Path) -> dict[str, bytes]:
    """All but what git refreshes by itself, and the lock that keeps others out."""
    files = tree.files(project, without=())
    return {path: text for path, text in files.items() if path not in {".git/index", ".git/scaffold/%/lock"}}


def remember(key: str, value: str) -> Callable[[Path], None]:
    """Have the answers file say this, committed."""

    def change(project: Path) -> None:
        path = project / ANSWERS
        kept = [line for line in path.read_text().splitlines() if not line.startswith(f"{key}:")]
        path.write_text("\n".join([*kept, *([f"{key}: {value}"] if value else [])]) + "\n")
        copier.commit(project)

    return change


def dirty(project: Path) -> None:
    (project / "Makefile").write_text("# mine\n")


def staged(project: Path) -> None:
    (project / "mine.txt").write_text("mine\n")
    copier.git(project, "add", "mine.txt")


def no_git(project: Path) -> None:
    shutil.rmtree(project / ".git")


def no_commit(project: Path) -> None:
    no_git(project)
    copier.git(project, "init", "--quiet")


def answers_untracked(project: Path) -> None:
    copier.git(project, "rm", "--quiet", "--cached", ANSWERS)
    copier.git(project, "commit", "--quiet", "--message", "Forget")


def no_answers(project: Path) -> None:
    copier.git(project, "rm", "--quiet", ANSWERS)
    copier.git(project, "commit", "--quiet", "--message", "Forget")


def broken_answers(project: Path) -> None:
    (project / ANSWERS).write_text("services: [flask\n")
    copier.commit(project)


def ignored_in_the_way(project: Path) -> None:
    (project / ".gitignore").write_text((project / ".gitignore").read_text() + "/docs/\n")
    copier.commit(project)
    (project / "docs").mkdir()
    (project / "docs" / "operating.md").write_text("mine\n")


def untracked_in_the_way(project: Path) -> None:
    (project / "docs").mkdir()
    (project / "docs" / "operating.md").write_text("mine\n")


def folder_in_the_way(project: Path) -> None:
    (project / "docs" / "operating.md").mkdir(parents=True)
    (project / "docs" / "operating.md" / "mine").write_text("mine\n")


REASONS: dict[str, tuple[Callable[[Path], None], str]] = {
    "dirty": (dirty, "there are changes that are not committed: Makefile"),
    "staged": (staged, "there are changes that are not committed: mine.txt"),
    "no git": (no_git, "is in no git repository"),
    "no commit": (no_commit, "has no commit yet"),
    "answers not tracked": (answers_untracked, f"git does not track {ANSWERS}"),
    "not a project": (no_answers, "is no project of scaffold"),
    "answers unreadable": (broken_answers, "is neither YAML nor JSON"),
    "no source": (remember("_src_path", ""), "does not say which template it follows"),
    "no version": (remember("_commit", ""), "does not say which template it follows"),
    "a commit between two versions": (remember("_commit", "v9.0.0-3-gabcdef0"), "between two versions"),
    "a newer version than this install has": (remember("_commit", "v99.0.0"), "install a newer compose-scaffold"),
    "a relative source": (remember("_src_path", "../template"), "at a relative address"),
    "a source in this folder": (remember("_src_path", "template"), "at a relative address"),
    "no services": (remember("services", ""), "follows another template"),
    "services of no kind": (remember("services", "[{a: b}]"), "no readable `services`"),
    "a service that never was": (remember("services", "[flask, mongodb]"), "`mongodb`"),
    "no name": (remember("project_name", ""), "no readable `project_name`"),
    "a name that is none": (remember("project_name", "[1]"), "no readable `project_name`"),
    "an ignored file in the way": (ignored_in_the_way, "docs/operating.md"),
    "an untracked file in the way": (untracked_in_the_way, "docs/operating.md"),
    "a folder in the way": (folder_in_the_way, "docs/operating.md"),
}


@pytest.mark.parametrize("reason", REASONS)
def test_an_update_is_refused(reason: str, living: Path, scaffold: Runner) -> None:
    prepare, words = REASONS[reason]
    prepare(living)
    before = untouched(living)
    result = scaffold("update", "--yes", "--project", living)
    assert result.code == 2, result.err
    assert words in result.err
    assert untouched(living) == before


@pytest.mark.parametrize("reason", ["dirty", "no name", "services of no kind", "a service that never was"])
@pytest.mark.parametrize("command", [("add", "redis"), ("remove", "mongo")], ids=" ".join)
def test_adding_and_removing_are_refused(reason: str, command: tuple[str, ...], living: Path, scaffold: Runner) -> None:
    prepare, words = REASONS[reason]
    prepare(living)
    before = untouched(living)
    result = scaffold(*command, "--yes", "--project", living)
    assert result.code == 2, result.err
    assert words in result.err
    assert untouched(living) == before


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("add",), "no service was named"),
        (("add", "reddis"), "did you mean `redis`?"),
        (("add", "redis", "--set", "postgres_major=17"), "`postgres_major` is `18` in this project, and stays"),
        (("add", "redis", "--set", "redis_major=7"), "there is no question `redis_major`"),
        (("add", "redis", "--set", "mlflow_runs=own"), "`mlflow_runs` is not asked for this choice"),
        (("add", "mlflow", "--set", "mlflow_runs=sqlite"), "choose one of"),
        (("add", "--preset", "wep"), "did you mean `web`?"),
        (("remove", "redis"), "`redis` is not in this project"),
        (("remove", "reddis"), "`reddis` is not in this project"),
        (("remove", "flask", "mongo", "postgres"), "nothing would be left"),
        (("remove", "flask", "flask", "redis"), "`redis` is not in this project"),
        (("update", "--to", "0.1.0"), "v0.1.0 is older than v9.0.0"),
        (("update", "--to", "v9.9.9"), "the template has no version v9.9.9"),
        (("update", "--to", "next"), "the template has no version vnext"),
        (("update", "--check", "--abort"), "exclude each other"),
        (("update", "--continue"), "nothing to finish"),
        (("update", "--abort"), "nothing to take back"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_asked_for_cannot_be(command: tuple[str, ...], words: str, living: Path, scaffold: Runner) -> None:
    before = untouched(living)
    result = scaffold(*command, "--yes", "--project", living)
    assert result.code == 2, result.err
    assert words in result.err
    assert untouched(living) == before


def test_the_version_it_is_at_is_nothing_to_do(living: Path, scaffold: Runner) -> None:
    before = untouched(living)
    same = scaffold("update", "--to", versions.NOW, "--yes", "--project", living)
    assert (same.code, "nothing to change" in same.err) == (0, True)
    there = scaffold("add", "flask", "--yes", "--json", "--project", living)
    assert (there.code, there.document["changed"]) == (0, False)
    assert untouched(living) == before


def test_a_project_of_a_working_tree_cannot_be_updated(workplace: Path, scaffold: Runner) -> None:
    template = copier.checkout(workplace / "template")
    assert scaffold("new", "p", "-s", "redis", "--template", template, "--yes").code == 0
    before = untouched(workplace / "p")
    result = scaffold("update", "--yes", "--project", workplace / "p")
    assert result.code == 2
    assert "was made from a working tree" in result.err
    assert untouched(workplace / "p") == before


def test_without_git_nothing_can_be_done(living: Path, scaffold: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    before = untouched(living)
    monkeypatch.setenv("PATH", str(living / "nowhere"))
    result = scaffold("update", "--yes", "--project", living)
    assert result.code == 3
    assert "git is not installed" in result.err
    assert untouched(living) == before


def test_a_folder_inside_the_project_will_do(living: Path, scaffold: Runner) -> None:
    result = scaffold("update", "--check", "--project", living / "services" / "flask")
    assert result.code == 1, result.err
    assert versions.NEXT in result.out


@pytest.fixture
def public(newer: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that every user of this machine can read, with the install's releases in it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        monkeypatch.setattr("scaffold.project.source.BUNDLE", Path(shutil.copy(newer, folder)))
        for variable in ("HOME", "XDG_CONFIG_HOME", "DOCKER_CONFIG"):
            monkeypatch.setenv(variable, name)
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        yield folder


@pytest.mark.parametrize("command", [("add", "redis"), ("update",), ("update", "--check")], ids=" ".join)
def test_a_folder_that_cannot_be_written_stays_as_it_is(command: tuple[str, ...], begun: Path, public: Path) -> None:
    project = life.copy(begun, public)
    before = tree.files(project, without=())
    for path in (project, *project.rglob("*")):
        if os.getuid() == 0:
            shutil.chown(path, NOBODY, NOBODY)
        path.chmod(path.stat().st_mode & ~0o222)
    code, said = as_nobody([*command, "--yes", "--project", str(project)], public / "said")
    assert code == (1 if "--check" in command else 3), said
    assert "scaffold itself failed" not in said
    assert tree.files(project, without=()) == before


def as_nobody(arguments: list[str], said: Path) -> tuple[int, str]:
    """Run `scaffold` as a user whom file modes stop: root may write everywhere."""
    said.touch()
    child = os.fork()
    if child == 0:  # what happens here is no part of the test
        code = 99
        try:
            output = os.open(said, os.O_WRONLY)
            os.dup2(output, 1)
            os.dup2(output, 2)
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            code = run(arguments)
            sys.stdout.flush()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), said.read_text()
