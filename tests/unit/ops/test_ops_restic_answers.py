"""What restic is told and what it says, in words that differ between its versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ops.errors import OpsError
from ops.sets import repository
from ops.sets.repository import Snapshot
from ops.sets.restic import Answer, address, hidden


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("restic:/srv/repo", "/srv/repo"),
        ("restic:local:/srv/repo", "/srv/repo"),
        ("restic:s3:https://s3.example/bucket", "s3:https://s3.example/bucket"),
        ("restic:sftp:me@host:/srv", "sftp:me@host:/srv"),
        ("restic:rclone:drive:x", "rclone:drive:x"),
        ("restic:some/folder", str(Path.cwd() / "some/folder")),
        ("restic:~/repo", str(Path.home() / "repo")),
    ],
)
def test_addresses(said: str, found: str) -> None:
    assert address(said) == found


@pytest.mark.parametrize("said", ["/srv/repo", "restic:", "borg:/srv", ""])
def test_what_is_no_address(said: str) -> None:
    with pytest.raises(OpsError):
        address(said)


def test_hidden() -> None:
    assert hidden("a rest:https://u:p@h/x and sftp:u@h:/y") == "a rest:https://…@h/x and sftp:u@h:/y"


@pytest.mark.parametrize(
    ("tags", "paths", "good"),
    [
        (["ops", "set=2026-01-31T020000Z-7f3a"], ["/a/.ops/restic/rag/set"], True),
        (["ops"], ["/a"], False),
        (["set=../../etc"], ["/a"], False),
        (["set=2026-01-31T020000Z-7f3a"], ["/a/../../etc"], False),
        (["set=2026-01-31T020000Z-7f3a"], ["relative"], False),
        (["set=2026-01-31T020000Z-7f3a"], ["/a", "/b"], False),
        (None, None, False),
    ],
)
def test_what_is_a_set(tags: Any, paths: Any, good: bool) -> None:
    found = repository.snapshot({"id": "abc", "time": "t", "tags": tags, "paths": paths})
    assert found == (Snapshot("2026-01-31T020000Z-7f3a", "abc", "t", "/a/.ops/restic/rag/set") if good else None)


@pytest.mark.parametrize(
    ("code", "errors", "meaning"),
    [
        (0, "wrong password", 0),
        (1, "Fatal: wrong password or no key found", 12),
        (12, "Fatal: wrong password", 12),
        (1, "Fatal: unable to open config file: stat /x/config: no such file or directory\nIs there …", 10),
        (1, "Fatal: unable to open config file: Stat: The specified key does not exist.", 10),
        (1, "Fatal: unable to open config file: unexpected HTTP response (404): 404 Not Found", 10),
        (1, "Fatal: unable to open config file: dial tcp: connection refused\nIs there a repository", 1),
        (1, "unable to create lock in backend: repository is already locked by PID 7", 11),
        (1, "Fatal: connection refused", 1),
        (3, "Warning: at least one source file could not be read", 3),
    ],
)
def test_exit_codes(code: int, errors: str, meaning: int) -> None:
    assert Answer(code, b"", errors).meaning == meaning
