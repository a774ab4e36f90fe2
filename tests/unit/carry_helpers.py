"""A small project in git, its scratch clone, and processes that die at a chosen step."""

from __future__ import annotations

import os
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

FILES: dict[str | bytes, bytes] = {
    "compose.yaml": b"name: shop\n\nservices: {}\n\nvolumes: {}\n",
    "ops/run": b"#!/bin/sh\necho old\n",
    "old/a/gone.txt": b"to be deleted\n",
    "windows.txt": b"one\r\ntwo\r\n",
    "logo.png": b"\x89PNG\r\n\x1a\n\0\xff",
    "with space \xe9\n".encode() + b"\xff": b"odd name\n",
    ".gitignore": b".env\nsecret*\n",
}
ODD = os.fsdecode("with space \xe9\n".encode() + b"\xff")
STEPS = ("open", "fsync", "replace", "rename", "unlink", "mkdir", "rmdir", "chmod", "fchmod")


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    return subprocess.run(["git", *arguments], cwd=folder, input=stdin, capture_output=True, check=True).stdout


def write(folder: Path, files: dict[Any, bytes]) -> None:
    for name, content in files.items():
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def make(root: Path, sub: str = "") -> tuple[Path, Path]:
    """A project (in a sub-folder of a repository, perhaps) and its scratch clone."""
    repository, clone = root / "repository", root / "clone"
    write(repository / sub, FILES)
    (repository / sub / "ops/run").chmod(0o755)
    git(root, "init", "-q", str(repository))
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "first")
    git(root, "clone", "-q", "--shared", str(repository), str(clone))
    return repository / sub, clone / sub


def snapshot(project: Path) -> dict[str, Any]:
    """Every byte, mode and folder of a project, links as they are, and its index."""
    found: dict[str, Any] = {
        "index": git(project, "ls-files", "--stage", "-z"),
        "status": git(project, "--no-optional-locks", "status", "-z"),
    }
    for path in sorted(project.rglob("*")):
        relative = path.relative_to(project)
        if relative.parts[0] != ".git":
            content = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else None
            found[str(relative)] = (path.lstat().st_mode, content)
    return found


def conflict(scratch: Path, name: str, ours: bytes, theirs: bytes) -> None:
    """Leave `name` as copier does: inline markers, and stages 1, 2, 3 in the index."""
    base = (scratch / name).read_bytes()
    entries, files = [f"0 {'0' * 40}\t"], []
    for stage, content in ((1, base), (2, ours), (3, theirs)):
        blob = git(scratch, "hash-object", "-w", "--stdin", stdin=content).decode().strip()
        entries.append(f"100644 {blob} {stage}\t")
        files.append(scratch / f"stage{stage}")
        files[-1].write_bytes(content)
    merged = subprocess.run(
        ["git", "merge-file", "-p", files[1], files[0], files[2]], cwd=scratch, capture_output=True, check=False
    )
    (scratch / name).write_bytes(merged.stdout)
    for file in files:
        file.unlink()
    prefix = git(scratch, "rev-parse", "--show-prefix").decode().strip()
    git(scratch, "update-index", "--index-info", stdin="".join(f"{one}{prefix}{name}\n" for one in entries).encode())


def change_much(scratch: Path, *, with_conflict: bool) -> None:
    """One of each: a new file in a new folder, a change, a deletion, file to folder and back, and a conflict."""
    write(scratch, {"services/web/start": b"#!/bin/sh\n", "logo.png": b"\0\x01\r\n", "secret.example": b"ignored\n"})
    (scratch / "services/web/start").chmod(0o755)
    (scratch / "old/a/gone.txt").unlink()
    (scratch / "windows.txt").unlink()
    write(scratch, {"windows.txt/now": b"a folder\r\n"})
    (scratch / "ops/run").unlink()
    (scratch / "ops").rmdir()
    write(scratch, {"ops": b"a file\n"})
    if with_conflict:
        conflict(scratch, "compose.yaml", FILES["compose.yaml"], FILES["compose.yaml"].replace(b"shop", b"theirs"))
        # What the user committed is stage 2, and the base differed from it.
        markers = b"<<<<<<< before updating\nname: shop\n=======\nname: theirs\n>>>>>>> after updating\n"
        (scratch / "compose.yaml").write_bytes(markers + FILES["compose.yaml"].split(b"\n", 1)[1])


def dies_at(step: int, work: Callable[[], object]) -> bool:
    """Do `work` in a child that dies, as by a power cut, before its n-th step. Returns whether it died of that."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of the test runner: the child needs none
        child = os.fork()
    if child == 0:
        try:
            _count_down(step)
            work()
            os._exit(0)
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in {0, 9}
    return code == 9


def _count_down(left: int) -> None:
    def dying(real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any, **more: Any) -> Any:
            nonlocal left
            if left == 0:
                os._exit(9)
            left -= 1
            return real(*arguments, **more)

        return step

    for name in STEPS:
        setattr(os, name, dying(getattr(os, name)))
    subprocess.run = dying(subprocess.run)


def ignored_file(project: Path, scratch: Path) -> str:
    write(project, {"secret.key": b"mine\n"})
    write(scratch, {"secret.key": b"theirs\n"})
    return "secret.key"


def deleted_file(project: Path, scratch: Path) -> str:
    (project / "windows.txt").unlink()
    write(scratch, {"windows.txt": b"new\r\n"})
    return "windows.txt"


def edited_file(project: Path, scratch: Path) -> str:
    write(project, {ODD: b"edited\n"})
    (scratch / ODD).unlink()
    return ODD


def folder_with_more(project: Path, scratch: Path) -> str:
    write(project, {"old/a/mine.txt": b"mine\n"})
    (scratch / "old/a/gone.txt").unlink()
    (scratch / "old/a").rmdir()
    write(scratch, {"old/a": b"a file\n"})
    return "old/a"


def file_in_the_way(project: Path, scratch: Path) -> str:
    write(project, {"new": b"mine\n"})
    write(scratch, {"new/file": b"theirs\n"})
    return "new/file"


def staged_conflict(project: Path, scratch: Path) -> str:
    write(project, {"compose.yaml": b"staged\n"})
    git(project, "add", "compose.yaml")
    write(project, {"compose.yaml": FILES["compose.yaml"]})
    change_much(scratch, with_conflict=True)
    return "compose.yaml"


def link_target(project: Path, _: Path) -> None:
    (project / "logo.png").unlink()
    (project / "logo.png").symlink_to(project.parent / "outside")


def link_dangling(project: Path, _: Path) -> None:
    (project / "secret.example").symlink_to(project.parent / "absent")


def link_parent(project: Path, _: Path) -> None:
    (project / "services").symlink_to(project.parent)


def link_in_scratch(project: Path, scratch: Path) -> None:
    (scratch / "evil").symlink_to(project.parent / "outside")


def link_folder_in_scratch(project: Path, scratch: Path) -> None:
    (scratch / "evil").symlink_to(project.parent)


def git_folder(_: Path, scratch: Path) -> None:
    write(scratch, {"services/.Git/config": b"[core]\n"})


EDITS = [ignored_file, deleted_file, edited_file, folder_with_more, file_in_the_way, staged_conflict]
PLANTS = [link_target, link_dangling, link_parent, link_in_scratch, link_folder_in_scratch, git_folder]
