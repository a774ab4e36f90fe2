"""`ops init`: what it creates, and what it leaves as it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.ops.helpers import COMPOSE, TOKEN, mode

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.ops.helpers import Engine, Run


def snapshot(root: Path) -> dict[str, tuple[bytes, int, int]]:
    return {
        str(path.relative_to(root)): (path.read_bytes(), mode(path), path.stat().st_mtime_ns)
        for path in root.rglob("*")
        if path.is_file()
    }


def test_a_second_run_changes_nothing(root: Path, cli: Run) -> None:
    first = cli("init")
    assert (first.code, first.err) == (0, "")
    assert first.out.splitlines() == [
        "created .env from .env.example (mode 0600)",
        "created secrets/mongo_password",
        "created secrets/flask_secret_key",
        "next: docker compose up -d --wait",
    ]
    assert mode(root / ".env") == 0o600
    assert mode(root / "secrets") == 0o700
    assert mode(root / "secrets" / "mongo_password") == 0o444
    before = snapshot(root)
    second = cli("init")
    assert second.out.splitlines() == [
        "kept .env",
        "kept secrets/mongo_password",
        "kept secrets/flask_secret_key",
    ]
    assert snapshot(root) == before
    assert not list(root.rglob("__pycache__"))


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o277])
def test_modes_whatever_the_umask(root: Path, driven: Run, umask: int) -> None:
    watch = (
        f"os.umask({umask})\nlink = os.link\n"
        "def seen(a, b):\n    print(oct(os.stat(a).st_mode & 0o777), b)\n    link(a, b)\n"
        "os.link = seen\n"
        "opened = os.open\n"
        "def private(path, flags, mode=0o777, **k):\n"
        "    assert not flags & os.O_CREAT or mode == 0o600, (path, mode)\n"
        "    return opened(path, flags, mode, **k)\n"
        "os.open = private"
    )
    done = driven(watch, "init")
    assert done.code == 0, done.err
    assert f"0o600 {root / '.env'}" in done.out
    assert mode(root / "secrets" / "mongo_password") == 0o444
    assert mode(root / ".env") == 0o600


def test_an_empty_secret_is_not_overwritten(root: Path, ops: Run) -> None:
    (root / "secrets").mkdir(mode=0o700)
    (root / "secrets" / "mongo_password").touch()
    done = ops("init", "--json")
    assert done.code == 1
    assert done.document()["secrets"][0]["state"] == "empty"
    assert (root / "secrets" / "mongo_password").read_bytes() == b""
    assert "remove `secrets/mongo_password`" in done.err


@pytest.mark.parametrize("kind", ["folder", "dead link"])
def test_what_is_no_file_is_reported(root: Path, ops: Run, kind: str) -> None:
    (root / "secrets").mkdir(mode=0o700)
    path = root / "secrets" / "mongo_password"
    path.mkdir() if kind == "folder" else path.symlink_to("nowhere")
    done = ops("init")
    assert done.code == 1
    assert "error: `secrets/mongo_password` is no file" in done.err
    assert path.is_dir() if kind == "folder" else path.is_symlink()


def test_links_are_left_as_they_are(root: Path, ops: Run, tmp_path: Path) -> None:
    vault = tmp_path / "vault"
    vault.mkdir(mode=0o755)
    (vault / "real").write_text("old")
    (vault / "mongo_password").symlink_to("real")
    (root / "secrets").symlink_to(vault)
    done = ops("init")
    assert done.code == 0
    assert mode(vault) == 0o755
    assert (vault / "real").read_text() == "old"
    assert TOKEN.fullmatch((vault / "flask_secret_key").read_text())


@pytest.mark.parametrize("kind", ["file", "dead link"])
def test_a_secrets_that_is_no_folder(root: Path, ops: Run, kind: str) -> None:
    path = root / "secrets"
    path.write_text("x") if kind == "file" else path.symlink_to("nowhere")
    done = ops("init")
    assert done.code == 2
    assert "error: `secrets` is no folder" in done.err


def test_an_open_folder_is_closed(root: Path, ops: Run) -> None:
    (root / "secrets").mkdir(mode=0o755)
    assert "closed secrets/ to others (mode 0700)" in ops("init").out
    assert mode(root / "secrets") == 0o700


def test_the_users_own_secrets_are_not_invented(root: Path, ops: Run) -> None:
    own = "  own:\n    file: keys/own.pem\n  env:\n    environment: X\n  odd:\n    file: ${D}/x\n\nx-scaffold:"
    (root / "compose.yaml").write_text(COMPOSE.replace("x-scaffold:", own, 1))
    done = ops("init", "--json")
    assert done.code == 1
    states = {each["name"]: each["state"] for each in done.document()["secrets"]}
    assert states["own"] == "missing"
    assert states["odd"] == "unchecked"
    assert "env" not in states
    assert "write it to `keys/own.pem`" in done.err
    (root / "keys").mkdir()
    (root / "keys" / "own.pem").write_text("mine")
    assert ops("init").code == 0
    assert (root / "keys" / "own.pem").read_text() == "mine"


def test_no_value_is_said_anywhere(root: Path, engine: Engine, cli: Run) -> None:
    said = [cli("init"), cli("init", "--json"), cli("status"), cli("status", "--json")]
    heard = "".join(each.out + each.err for each in said) + json.dumps(engine.calls())
    for name in ("mongo_password", "flask_secret_key"):
        assert (root / "secrets" / name).read_text() not in heard
    assert "value-of-config" not in heard


def test_the_document(ops: Run) -> None:
    assert ops("init", "--json").document() == {
        "version": 1,
        "env": {"created": True, "added": []},
        "secrets": [
            {"name": "mongo_password", "state": "created", "volume": "mongo_data"},
            {"name": "flask_secret_key", "state": "created", "volume": None},
        ],
        "engine": "reached",
        "notes": [],
        "problems": [],
    }


def test_only_missing_keys_are_added(root: Path, ops: Run) -> None:
    (root / ".env").write_text("# mine\nLOG_LEVEL=debug")
    (root / ".env").chmod(0o644)
    done = ops("init")
    assert done.code == 0
    assert "closed .env to others (mode 0600)" in done.out
    assert "added to .env: FLASK_PORT" in done.out
    text = (root / ".env").read_text()
    assert text == "# mine\nLOG_LEVEL=debug\n\n# Where the web app listens\nFLASK_PORT=8000\n"
    assert mode(root / ".env") == 0o600


def test_an_open_quote_stops_before_anything_is_written(root: Path, ops: Run) -> None:
    (root / ".env").write_text('PASSWORD="hunter2\n')
    done = ops("init", "--json")
    assert done.code == 2
    assert "hunter2" not in done.out + done.err
    assert done.document()["problems"][0]["what"].startswith(".env:1:")
    assert not (root / "secrets").exists()


def test_a_linked_env_keeps_its_mode(root: Path, ops: Run, tmp_path: Path) -> None:
    shared = tmp_path / "shared.env"
    shared.write_text("FLASK_PORT=1\n")
    shared.chmod(0o644)
    (root / ".env").symlink_to(shared)
    done = ops("init")
    assert done.code == 1
    assert mode(shared) == 0o644
    assert "LOG_LEVEL=info" in shared.read_text()


@pytest.mark.parametrize("kind", ["folder", "dead link"])
def test_an_env_that_is_no_file(root: Path, ops: Run, kind: str) -> None:
    path = root / ".env"
    path.mkdir() if kind == "folder" else path.symlink_to("nowhere")
    done = ops("init")
    assert done.code == 3
    assert "error: cannot use `" in done.err


def test_without_an_example_there_is_no_env(root: Path, ops: Run) -> None:
    (root / ".env.example").unlink()
    assert ops("init").code == 0
    assert not (root / ".env").exists()


def test_no_compose_file(root: Path, ops: Run) -> None:
    (root / "compose.yaml").unlink()
    assert ops("init").code == 2
    (root / "compose.yaml").write_bytes(b"name: \xff\n")
    assert ops("init").code == 2


def test_compose_is_never_asked(engine: Engine, ops: Run) -> None:
    ops("init")
    assert [each[0] for each in engine.calls()] == ["volume"]


def test_usage(cli: Run, root: Path) -> None:
    def code(*arguments: str, **options: Any) -> int:
        return cli(*arguments, **options).code

    assert code() == 2
    assert code("unknown") == 2
    assert code("init", "--js") == 2
    assert code("--help") == 0
    assert code("init", cwd=root.parent) == 0
