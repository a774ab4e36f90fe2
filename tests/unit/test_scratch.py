"""The scratch clone: what is committed, exactly, from every kind of repository, and nothing else touched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scaffold.errors import CouldNotError, ScaffoldError
from scaffold.project.carryover import carry, changes
from scaffold.project.scratch import scratch_clone
from tests.unit import carry_helpers as helpers
from tests.unit.carry_helpers import FILES, git, make, snapshot, write


def committed(project: Path) -> dict[str, bytes]:
    """Every file of a folder as its commit has it."""
    names = git(project, "ls-tree", "-r", "-z", "--name-only", "HEAD").split(b"\0")[:-1]
    return {os.fsdecode(name): git(project, "show", b"HEAD:./".decode() + os.fsdecode(name)) for name in names}


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.relative_to(folder).parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def same(project: Path) -> None:
    """The scratch clone has what is committed, is clean, and leaves the project's repository as it was."""
    refs, before = git(project, "for-each-ref"), snapshot(project)
    with scratch_clone(project) as scratch:
        assert files(scratch) == committed(project)
        assert git(scratch, "status", "--porcelain", "--ignored") == b""
        assert git(scratch, "remote") == b""
        assert changes.plan(project, scratch).changes == ()
        write(scratch, {"logo.png": b"new"})
        assert [one.path for one in changes.plan(project, scratch).changes if one.kind != "blocked"] == ["logo.png"]
        where = scratch
    assert not where.exists()
    assert git(project, "for-each-ref") == refs
    assert snapshot(project) == before


@pytest.mark.parametrize("sub", ["", "deep/shop é"])
def test_a_repository_and_a_folder_of_one(tmp_path: Path, sub: str) -> None:
    project, _ = make(tmp_path, sub)
    write(tmp_path / "repository", {"sibling/dirty": b"not committed\n", ".gitignore": b"*.png\n"})
    same(project)
    with scratch_clone(project) as scratch:
        top = Path(os.fsdecode(git(scratch, "rev-parse", "--show-toplevel")[:-1]))
        assert not (top / "sibling").exists()
        assert top / sub == scratch


SETTINGS = [
    {"core.autocrlf": "true"},
    {"core.autocrlf": "input", "core.safecrlf": "true"},
    {"core.eol": "crlf"},
    {"core.fileMode": "false"},
    {"core.ignoreCase": "true"},
    {"core.precomposeUnicode": "true"},
    {"core.fsmonitor": "true"},
    {"status.showUntrackedFiles": "no"},
    {"extensions.worktreeConfig": "true"},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=" ".join)
@pytest.mark.parametrize("attributes", [b"", b"* text=auto\n", b"*.yaml text eol=crlf\n*.txt ident\n"])
def test_settings_that_decide_what_files_hold(tmp_path: Path, settings: dict[str, str], attributes: bytes) -> None:
    project, _ = make(tmp_path)
    for name, value in settings.items():
        git(project, "config", name, value)
    write(project, {".gitattributes": attributes, "id.txt": b"$Id$\n"})
    git(project, "-c", "core.safecrlf=false", "add", "-A")
    git(project, "commit", "-qm", "attributes")
    for name in ("compose.yaml", "id.txt"):  # as git itself would write them now
        (project / name).unlink()
    git(project, "checkout", "-f", "--", "compose.yaml", "id.txt")
    same(project)


def test_line_ends_of_the_project_are_kept(tmp_path: Path) -> None:
    project, _ = make(tmp_path)
    git(project, "config", "core.autocrlf", "true")
    (project / "compose.yaml").unlink()
    git(project, "checkout", "--", "compose.yaml")
    assert b"\r\n" in (project / "compose.yaml").read_bytes()
    with scratch_clone(project) as scratch:
        write(scratch, {"compose.yaml": b"name: new\n", "windows.txt": b"one\r\nthree\r\n", "fresh": b"a\n"})
        carry.carry_out(changes.plan(project, scratch), project, scratch)
    assert (project / "compose.yaml").read_bytes() == b"name: new\r\n"
    assert (project / "windows.txt").read_bytes() == b"one\r\nthree\r\n"
    assert (project / "fresh").read_bytes() == b"a\n"


@pytest.mark.parametrize("installed", [False, True])
def test_filters_never_run_and_nothing_is_rewritten(tmp_path: Path, installed: bool) -> None:
    """As with Git LFS: pointers are committed, and the files are here, or (not installed) the pointers are."""
    project, _ = make(tmp_path)
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4\n"
    write(project, {".gitattributes": b"*.bin filter=lfs\n", "model.bin": pointer, "old.bin": pointer})
    git(project, "add", "-A")
    git(project, "commit", "-qm", "pointers")
    if installed:
        filters = {"clean": f"printf '{pointer.decode()}'".replace("\n", "\\n"), "smudge": f"touch {tmp_path / 'ran'}"}
        for name, value in {**filters, "required": "true"}.items():
            git(project, "config", f"filter.lfs.{name}", value)
        write(project, {"model.bin": b"real", "old.bin": b"real"})
    same(project)
    with scratch_clone(project) as scratch:
        assert (scratch / "model.bin").read_bytes() == pointer
        write(scratch, {"model.bin": b"from the template"})
        (scratch / "old.bin").unlink()
        planned = changes.plan(project, scratch)
        assert planned.of("delete") == ["old.bin"]
        assert planned.of("blocked" if installed else "change") == ["model.bin"]
        carry.carry_out(planned, project, scratch)
    assert (project / "model.bin").read_bytes() == (b"real" if installed else b"from the template")
    assert not (tmp_path / "ran").exists()


def test_lists_beside_the_repository_are_taken_along(tmp_path: Path) -> None:
    project, _ = make(tmp_path, "sub")
    write(tmp_path / "repository/.git/info", {"exclude": b"private\n", "attributes": b"*.png mine\n"})
    with scratch_clone(project) as scratch:
        assert git(scratch, "check-ignore", "private") == b"private\n"
        assert b"mine: set" in git(scratch, "check-attr", "mine", "logo.png")


def test_worktrees_detached_heads_references_and_submodules(tmp_path: Path) -> None:
    project, _ = make(tmp_path, "sub")
    top = tmp_path / "repository"
    git(top, "worktree", "add", "-q", str(tmp_path / "tree"), "-b", "other")
    same(tmp_path / "tree/sub")
    git(project, "checkout", "-q", "--detach")
    same(project)
    git(tmp_path, "clone", "-q", "--reference", str(top), str(top), str(tmp_path / "with a\nline end"))
    same(tmp_path / "with a\nline end/sub")
    git(tmp_path, "init", "-q", "outer")
    allowed = ("-c", "protocol.file.allow=always")
    git(tmp_path / "outer", *allowed, "submodule", "--quiet", "add", str(top), "inner")
    git(tmp_path / "outer", "commit", "-qm", "with a submodule")
    same(tmp_path / "outer/inner/sub")
    with scratch_clone(tmp_path / "outer") as scratch:
        assert list((scratch / "inner").iterdir()) == []
        assert changes.plan(tmp_path / "outer", scratch).changes == ()


@pytest.mark.parametrize("where", ["repository/.git/hooks", "everywhere", "template/hooks"])
def test_no_hook_runs(tmp_path: Path, where: str) -> None:
    project, _ = make(tmp_path)
    git(project, "config", "--global", "core.hooksPath", str(tmp_path / where))
    if where != "everywhere":
        git(project, "config", "--global", "--unset", "core.hooksPath")
    git(project, "config", "--global", "init.templateDir", str(tmp_path / "template"))
    for name in ("post-checkout", "reference-transaction", "post-index-change", "pre-commit", "post-commit"):
        write(tmp_path / where, {name: f"#!/bin/sh\ntouch {tmp_path / 'ran'}\n".encode()})
        (tmp_path / where / name).chmod(0o755)
    with scratch_clone(project) as scratch:
        write(scratch, {"logo.png": b"new"})
        helpers.conflict(scratch, "compose.yaml", FILES["compose.yaml"], b"theirs\n")
        carry.carry_out(changes.plan(project, scratch), project, scratch)
        git(scratch, "commit", "-qam", "anything")  # as copier might
    assert not (tmp_path / "ran").exists()


def test_repositories_that_cannot_serve_are_refused_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, _ = make(tmp_path)
    for name, form in (("empty", "sha1"), ("long", "sha256")):
        git(tmp_path, "init", "-q", f"--object-format={form}", name)
    git(tmp_path / "long", "commit", "-q", "--allow-empty", "-m", "first")
    (tmp_path / "plain").mkdir()
    (project / "new").mkdir()
    cases = {
        "empty": "no commit yet",
        "long": "sha256",
        "plain": "in no git repository",
        "repository/new": "no commit yet",
    }
    for name, words in cases.items():
        with pytest.raises(ScaffoldError, match=words), scratch_clone(tmp_path / name):
            pass
    with monkeypatch.context() as patch, pytest.raises(ScaffoldError, match="GIT_DIR"):
        patch.setenv("GIT_DIR", str(project / ".git"))
        with scratch_clone(project):
            pass
    (tmp_path / "bin").mkdir()
    write(tmp_path / "bin", {"git": b"#!/bin/sh\necho git version 2.30.9\n"})
    (tmp_path / "bin/git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    with pytest.raises(ScaffoldError, match=r"2\.30\.9"), scratch_clone(project):
        pass


def test_a_full_temporary_folder_and_the_users_own_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project, _ = make(tmp_path)
    with pytest.raises(OSError, match="mine"), scratch_clone(project):
        raise OSError("mine")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    with pytest.raises(CouldNotError, match="scratch clone"), scratch_clone(project):
        pass


def template(folder: Path) -> Path:
    """A template with two versions; the second changes a line, adds a file and makes a script executable."""
    version = {
        "copier.yml": b"name: {type: str, default: shop}\n",
        "[[ _copier_conf.answers_file ]].jinja": b"",
        "{{ _copier_conf.answers_file }}.jinja": b"{{ _copier_answers|to_nice_yaml }}",
        "compose.yaml": b"name: shop\n\n# between\n\nimage: one\n",
        "run": b"#!/bin/sh\n",
    }
    git(folder.parent, "init", "-q", str(folder))
    for tag, files_ in {
        "v1": version,
        "v2": {"compose.yaml": b"name: shop\n\n# between\n\nimage: two\n", "new": b"n\n"},
    }.items():
        write(folder, files_)
        (folder / "run").chmod(0o755 if tag == "v2" else 0o644)
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", tag)
        git(folder, "tag", tag)
    return folder


@pytest.mark.parametrize(
    "how", [["--depth=1"], ["--filter=blob:none"], ["--filter=tree:0"], []], ids=["shallow", "blobs", "trees", "whole"]
)
@pytest.mark.parametrize("sub", ["", "apps/shop"])
def test_copier_updates_in_clones_of_every_kind(tmp_path: Path, how: list[str], sub: str) -> None:
    """HEAD's tree is all that copier needs: as on a continuous integration server, whose clones are shallow."""
    import copier

    source = template(tmp_path / "template")
    origin = tmp_path / "origin"
    copier.run_copy(str(source), origin / sub, vcs_ref="v1", defaults=True, quiet=True)
    git(tmp_path, "init", "-q", str(origin))
    git(origin, "config", "uploadpack.allowFilter", "true")
    for text in (b"name: mine\n\n# between\n\nimage: one\n", b"name: ours\n\n# between\n\nimage: one\n"):
        write(origin / sub, {"compose.yaml": text})
        write(origin, {"elsewhere/big": text})
        git(origin, "add", "-A")
        git(origin, "commit", "-qm", "edit")
    git(tmp_path, "clone", "-q", *how, origin.as_uri(), str(tmp_path / "clone"))
    (origin / ".git").rename(tmp_path / "unreachable")
    project = tmp_path / "clone" / sub
    with scratch_clone(project) as scratch:
        copier.run_update(scratch, vcs_ref="v2", defaults=True, overwrite=True, quiet=True)
        planned = changes.plan(project, scratch)
        assert planned.of("change") == [".copier-answers.yml", "compose.yaml", "run"]
        assert planned.of("create") == ["new"]
        carry.carry_out(planned, project, scratch)
    assert (project / "compose.yaml").read_bytes() == b"name: ours\n\n# between\n\nimage: two\n"
    assert "_commit: v2\n" in (project / ".copier-answers.yml").read_text()
    assert os.access(project / "run", os.X_OK)
    assert git(project, "status", "--porcelain").count(b"\n") == 4


def test_a_partial_clone_without_its_files_says_what_to_fetch(tmp_path: Path) -> None:
    project, _ = make(tmp_path)
    git(project, "config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "part"
    git(tmp_path, "clone", "-q", "--filter=blob:none", "--no-checkout", project.as_uri(), str(clone))
    git(clone, "sparse-checkout", "set", "--no-cone", "/compose.yaml")
    git(clone, "checkout", "-q")
    with pytest.raises(ScaffoldError, match="scratch clone") as refused, scratch_clone(clone):
        pass
    assert "partial clone" in refused.value.why
    git(clone, *refused.value.fix.split("`")[1].split()[1:])
    with scratch_clone(clone) as scratch:
        assert files(scratch)["logo.png"] == FILES["logo.png"]
