"""`ops init` killed, crowded, without room or rights: whole files or none."""

from __future__ import annotations

import json
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.unit.ops.helpers import EXAMPLE, TOKEN, leftovers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.ops.helpers import Engine, Run


KILLED = -9
linux = pytest.mark.skipif(sys.platform != "linux", reason="uses limits of Linux processes")


BREAKS = {
    "before the name": "os.link = lambda *_: os.kill(os.getpid(), signal.SIGKILL)",
    "after the name": ("link = os.link\nos.link = lambda *a: (link(*a), os.kill(os.getpid(), signal.SIGKILL))"),
    "while writing": (
        "write = os.write\nos.write = lambda h, c: (write(h, c[:5]), os.kill(os.getpid(), signal.SIGKILL))"
    ),
}


@pytest.mark.parametrize("reachable", [True, False])
@pytest.mark.parametrize("example", [EXAMPLE, None], ids=["at .env", "at a secret"])
@pytest.mark.parametrize("breakage", BREAKS.values(), ids=BREAKS)
def test_killed_half_way(
    root: Path, engine: Engine, ops: Run, driven: Run, *, breakage: str, example: str | None, reachable: bool
) -> None:
    if example is None:
        (root / ".env.example").unlink()
    engine.set(reachable=reachable)
    assert driven(breakage, "init").code == KILLED
    made = root / "secrets" / "mongo_password"
    assert not made.exists() or TOKEN.fullmatch(made.read_text())
    assert not (root / ".env").exists() or (root / ".env").read_text() == EXAMPLE
    if made.exists() and not reachable:
        recorded = json.loads((root / "secrets" / ".unchecked").read_text())
        assert recorded == {"mongo_password": made.stat().st_mtime_ns}
    assert ops("init").code == 0
    assert TOKEN.fullmatch(made.read_text())
    assert leftovers(root) == []
    if not reachable:
        recorded = json.loads((root / "secrets" / ".unchecked").read_text())
        assert recorded == {"mongo_password": made.stat().st_mtime_ns}


@pytest.mark.parametrize(
    "breakage",
    [
        "",
        "import fcntl\ndef no(*_): raise OSError(37, 'No locks available')\nfcntl.flock = no",
        "def no(*_): raise OSError(1, 'Operation not permitted')\nos.link = no",
    ],
    ids=["plain", "no locks", "no hard links"],
)
def test_eight_at_once_make_one_of_each(root: Path, driven: Run, breakage: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: driven(breakage, "init", "--json"), range(8)))
    assert [(each.code, each.err) for each in done] == [(0, "")] * 8
    documents = [each.document() for each in done]
    for name in ("mongo_password", "flask_secret_key"):
        states = [s["state"] for d in documents for s in d["secrets"] if s["name"] == name]
        assert sorted(states) == ["created"] + ["kept"] * 7
        assert TOKEN.fullmatch((root / "secrets" / name).read_text())
    assert sum(d["env"]["created"] for d in documents) == 1
    assert (root / ".env").read_text() == EXAMPLE
    assert leftovers(root) == []


def without_privileges() -> None:
    """Let root meet the same permissions as anyone: no override, no search, no owner rights."""
    if os.geteuid() == 0:
        import ctypes

        for capability in (1, 2, 3):
            ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)


@linux
def test_a_read_only_folder_is_said_in_one_line(root: Path, cli: Run) -> None:
    root.chmod(0o555)
    try:
        done = cli("init", preexec_fn=without_privileges)
    finally:
        root.chmod(0o755)
    assert done.code == 3
    assert done.err.startswith("error: cannot use `")
    assert "Permission denied" in done.err
    assert "Traceback" not in done.err
    assert not (root / ".env").exists()
    assert not (root / "secrets").exists()


def small_disk(size: int) -> Callable[[], None]:
    def limit() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


@linux
def test_a_full_disk_leaves_no_half_file(root: Path, engine: Engine, ops: Run, cli: Run) -> None:
    # Twenty bytes hold neither a secret nor the example.
    assert engine.folder.is_dir()
    (root / ".env").write_text("LOG_LEVEL=debug")
    (root / ".env").chmod(0o600)
    done = cli("init", preexec_fn=small_disk(20))
    assert done.code == 3
    assert (root / ".env").read_text() == "LOG_LEVEL=debug"
    (root / ".env.example").unlink()
    assert cli("init", preexec_fn=small_disk(20)).code == 3
    assert sorted(path.name for path in (root / "secrets").iterdir()) == [".lock"]
    assert ops("init").code == 0


def test_interrupted(root: Path, driven: Run) -> None:
    done = driven("def no(*_): raise KeyboardInterrupt\nos.link = no", "init")
    assert (done.code, done.err) == (130, "error: interrupted\n")
    assert leftovers(root) == []


def test_a_bug_is_one_line_without_its_message(driven: Run) -> None:
    breakage = "def no(*_): raise ValueError('hunter2')\nos.link = no"
    done = driven(breakage, "init")
    assert done.code == 3
    assert re.match(r"error: unexpected ValueError at \S+:\d+\nhint: OPS_DEBUG=1", done.err)
    assert "hunter2" not in done.err
    assert "Traceback" in driven("os.environ['OPS_DEBUG'] = '1'\n" + breakage, "init").err
