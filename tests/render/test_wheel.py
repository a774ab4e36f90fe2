"""What users install: a wheel in a fresh environment, with no network, holding every release."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import venv
from pathlib import Path

import pytest
import yaml

from scaffold.project import git, releases
from scaffold.project.source import BUNDLE, CANONICAL_URL, newest
from tests.support import copier, tree
from tools.examples import ROOT


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command `scaffold` of a wheel in an environment of its own, which borrows the dependencies of this one."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT, check=True)
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    wheel = next(folder.glob("*.whl"))
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", wheel], check=True)
    packages = next((folder / "venv" / "lib").glob("python*/site-packages"))
    # Without the hooks of editable installs, or `scaffold` would be this working tree.
    (packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    return folder / "venv" / "bin" / "scaffold"


@pytest.fixture(scope="module")
def offline() -> list[str]:
    """A prefix that takes the network away, where this machine allows it."""
    prefix = ["unshare", "--net"] if os.getuid() == 0 else ["unshare", "--net", "--map-root-user"]
    if shutil.which("unshare") and subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0:
        return prefix
    return []


def project_of(installed: Path, offline: list[str], workplace: Path) -> Path:
    command: list[str | Path] = [*offline, installed, "new", "p", "--preset", "crud", "--yes"]
    done = subprocess.run(command, cwd=workplace, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return workplace / "p"


def test_a_wheel_needs_no_network_and_its_project_follows_the_repository(
    installed: Path, offline: list[str], workplace: Path
) -> None:
    project = project_of(installed, offline, workplace)
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text())
    assert answers["_src_path"] == CANONICAL_URL
    assert answers["_commit"] == newest(BUNDLE)
    # The repository, as a maintainer would tag it: this release, and one after it.
    repository = workplace / "repository"
    git.run("clone", "--quiet", BUNDLE, repository)
    shutil.copytree(ROOT / "templates", repository / "templates", dirs_exist_ok=True)
    shutil.copy(ROOT / "copier.yml", repository)
    readme = repository / "templates" / "project" / "Makefile.jinja"
    readme.write_text(readme.read_text() + "# from the next release\n")
    copier.commit(repository, "Next")
    copier.git(repository, "tag", "v9.1.0")
    environment = git.settings({f"url.{repository}.insteadOf": CANONICAL_URL})
    (project / "services/flask/app/mine.py").write_text("# mine\n")
    copier.commit(project)
    copier.plain("update", "--defaults", folder=project, environment=environment)
    assert yaml.safe_load((project / ".copier-answers.yml").read_text())["_commit"] == "v9.1.0"
    assert (project / "Makefile").read_text().endswith("# from the next release\n")
    assert copier.git(project, "diff", "--name-only", "--diff-filter=U") == ""


def test_a_project_lives_on_with_no_network(
    installed: Path, offline: list[str], workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first release to the newest one of the wheel, then one service more, and one less."""
    repository = workplace / "repository"
    git.run("clone", "--quiet", BUNDLE, repository)
    (workplace / ".git").mkdir()
    answers = copier.data({"project_name": "p", "services": ["flask", "postgres"]})
    environment = git.settings({f"url.{repository}.insteadOf": CANONICAL_URL})
    first = copier.released_versions()[0]
    copier.plain(
        "copy", "--defaults", "--vcs-ref", first, *answers, CANONICAL_URL, "p", folder=workplace,
        environment=environment,
    )  # fmt: skip
    project = workplace / "p"
    copier.git(project, "init", "--quiet")
    shutil.rmtree(repository)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere")
    for command in (["update"], ["add", "redis"], ["remove", "redis"], ["template", "init", "../team"]):
        copier.commit(project)
        flags = [] if command[0] == "template" else ["--yes"]
        done = subprocess.run(
            [*offline, installed, *command, *flags], cwd=project, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (command, done.stderr)
    kept = yaml.safe_load((project / ".copier-answers.yml").read_text())
    assert (kept["_commit"], kept["services"]) == (newest(BUNDLE), ["flask", "postgres"])
    assert (project / "secrets/redis_password").is_file()
    build: list[str | Path] = [*offline, installed, "template", "build", "team", "--out", "team.git"]
    subprocess.run(build, cwd=workplace, capture_output=True, check=True)
    assert newest(workplace / "team.git") == f"{newest(BUNDLE)}.post1"


def test_a_mirror_is_remembered_as_the_source(installed: Path, offline: list[str], workplace: Path) -> None:
    command: list[str | Path] = [*offline, installed, "new", "p", "-s", "redis", "--yes"]
    environment = {**os.environ, "SCAFFOLD_TEMPLATE_URL": "https://mirror.example/scaffold.git"}
    subprocess.run(command, cwd=workplace, env=environment, capture_output=True, check=True)
    answers = yaml.safe_load((workplace / "p" / ".copier-answers.yml").read_text())
    assert answers["_src_path"] == "https://mirror.example/scaffold.git"
    assert answers["_commit"] == newest(BUNDLE)


def test_the_wheel_is_not_this_working_tree(installed: Path, workplace: Path) -> None:
    python = installed.with_name("python")
    where = subprocess.run(
        [python, "-c", "import scaffold; print(scaffold.__file__)"],
        cwd=workplace,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert str(installed.parents[1]) in where


@pytest.mark.parametrize("tag", copier.released_versions())
def test_every_release_still_renders_and_updates_to_the_working_tree(
    tag: str, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = workplace / "repository"
    git.run("clone", "--quiet", BUNDLE, repository)
    for key, value in git.settings({f"url.{repository}.insteadOf": CANONICAL_URL}).items():
        monkeypatch.setenv(key, value)
    (workplace / ".git").mkdir()
    answers = copier.data({"project_name": "p", "services": ["flask", "postgres", "redis"]})
    copier.plain("copy", "--defaults", "--vcs-ref", tag, *answers, CANONICAL_URL, "p", folder=workplace)
    project = workplace / "p"
    copier.git(project, "init", "--quiet")
    copier.commit(project)
    releases.add_version(repository / ".git", ROOT, "9.0.0")
    copier.plain("update", "--defaults", folder=project)
    assert copier.git(project, "diff", "--name-only", "--diff-filter=U") == ""
    assert yaml.safe_load((project / ".copier-answers.yml").read_text())["_commit"] == "v9.0.0"


@pytest.mark.parametrize("tag", copier.released_versions())
def test_a_release_is_the_same_in_bundle_and_repository(tag: str) -> None:
    """Tags may not have travelled with a clone: then the commit that made the release is looked up by its message."""
    found = git.attempt("rev-parse", "--verify", "--quiet", f"{tag}^{{commit}}", folder=ROOT).stdout.strip()
    found = found or git.run("log", "--format=%H", f"--grep=^Release {tag[1:]}$", "-1", folder=ROOT)
    if not found:
        pytest.skip(f"neither the tag {tag} nor its commit is in this clone")
    with releases.opened(BUNDLE) as repository:
        for path in releases.TEMPLATE_PATHS:
            ours = git.run("rev-parse", f"{found}:{path}", folder=ROOT)
            assert git.run("rev-parse", f"{tag}:{path}", folder=repository) == ours


def test_the_release_command(tmp_path: Path) -> None:
    """In a clone: bumps, dates, renders, bundles, commits and tags; and refuses what is not ready."""
    clone = tmp_path / "clone"
    git.run("clone", "--quiet", ROOT, clone)
    for name in ("scaffold", "templates", "tools", "copier.yml", "CHANGELOG.md"):
        source, target = ROOT / name, clone / name
        shutil.rmtree(target) if target.is_dir() else target.unlink()
        shutil.copytree(
            source, target, ignore=shutil.ignore_patterns("__pycache__")
        ) if source.is_dir() else shutil.copy(source, target)
    changelog = clone / "CHANGELOG.md"
    changelog.write_text(changelog.read_text().replace("## Unreleased\n", "## Unreleased\n\n- Something.\n"))
    command = [sys.executable, "-m", "tools.release", "9.0.0"]
    dirty = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False)
    assert "not clean" in dirty.stderr
    copier.commit(clone, "Ready")
    done = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert copier.git(clone, "status", "--porcelain") == ""
    assert copier.git(clone, "log", "-1", "--format=%s %D").startswith("Release 9.0.0 ")
    assert "tag: v9.0.0" in copier.git(clone, "log", "-1", "--format=%D")
    assert '__version__ = "9.0.0"' in (clone / "scaffold/__init__.py").read_text()
    assert newest(clone / "scaffold/project/releases.bundle") == "v9.0.0"
    assert "_commit: v9.0.0" in (clone / "examples/web/.copier-answers.yml").read_text()
    assert tree.files(clone / "templates") == tree.files(ROOT / "templates")
    again = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False)
    assert again.returncode != 0
    assert "there is nothing to release" in again.stderr
