"""Encryption with the real age, and the archive of secrets that is only stored in its hands."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from ops.declared import Secret
from ops.errors import OpsError
from ops.project import Project
from ops.sets import crypt, private
from tests.support.programs import needed
from tests.unit.ops.helpers import mode

NOTHING_THERE = "/no/such/file"


class Keys:
    def __init__(self, folder: Path) -> None:
        self.identity = folder / "identity"
        self.other = folder / "other"
        for path in (self.identity, self.other):
            subprocess.run([needed("age-keygen"), "-o", path], check=True, capture_output=True)
        self.recipient = self.public(self.identity)
        self.file = folder / "recipients"
        self.file.write_text(f"# ours\n{self.recipient}\n")

    def public(self, path: Path) -> str:
        done = subprocess.run([needed("age-keygen"), "-y", path], check=True, capture_output=True, text=True)
        return done.stdout.strip()


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keys:
    for name in (crypt.RECIPIENTS, crypt.IDENTITY):
        monkeypatch.delenv(name, raising=False)
    needed("age")
    return Keys(tmp_path)


def through(command: list[str], content: bytes) -> bytes:
    return subprocess.run(command, input=content, check=True, capture_output=True).stdout


def encrypted(keys: Keys, tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "stored.age"
    path.write_bytes(through(crypt.encrypting([keys.recipient], []), content))
    return path


def test_nobody_asked_for_it(keys: Keys) -> None:
    assert keys.file.is_file()
    assert crypt.encrypting([], []) == []
    assert crypt.decrypting(None, None) == []


@pytest.mark.parametrize("how", ["key", "file", "environment"])
def test_there_and_back(keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    content = b"plain" * 100_000
    if how == "environment":
        monkeypatch.setenv(crypt.RECIPIENTS, str(keys.file))
        monkeypatch.setenv(crypt.IDENTITY, str(keys.identity))
    command = crypt.encrypting([keys.recipient] if how == "key" else [], [str(keys.file)] if how == "file" else [])
    path = tmp_path / "stored.age"
    path.write_bytes(through(command, content))
    assert b"plain" not in path.read_bytes()
    back = crypt.decrypting(None if how == "environment" else str(keys.identity), path)
    assert through(back, path.read_bytes()) == content


def test_one_of_several_recipients_is_enough(keys: Keys, tmp_path: Path) -> None:
    path = tmp_path / "stored.age"
    path.write_bytes(through(crypt.encrypting([keys.recipient, keys.public(keys.other)], []), b"x"))
    for identity in (keys.identity, keys.other):
        assert through(crypt.decrypting(str(identity), path), path.read_bytes()) == b"x"


def test_nothing_encrypted_is_no_error(keys: Keys, tmp_path: Path) -> None:
    path = encrypted(keys, tmp_path, b"")
    assert through(crypt.decrypting(str(keys.identity), path), path.read_bytes()) == b""


def test_the_wrong_identity(keys: Keys, tmp_path: Path) -> None:
    path = encrypted(keys, tmp_path, b"x" * 1_000_000)
    with pytest.raises(OpsError) as caught:
        crypt.decrypting(str(keys.other), path)
    assert caught.value.problem.cause == "missing-secret"
    assert "no identity matched" in caught.value.problem.why


@pytest.mark.parametrize("said", [None, NOTHING_THERE], ids=["none", "no file"])
def test_no_identity(keys: Keys, tmp_path: Path, said: str | None) -> None:
    with pytest.raises(OpsError) as caught:
        crypt.decrypting(said, encrypted(keys, tmp_path, b"x"))
    assert caught.value.problem.cause == "missing-secret"


@pytest.mark.parametrize("said", ["age1nonsense", "-o", "", "--decrypt"])
def test_no_recipient(keys: Keys, said: str) -> None:
    assert keys.file.is_file()
    with pytest.raises(OpsError) as caught:
        crypt.encrypting([said], [])
    assert caught.value.code == 2


@pytest.mark.parametrize("content", [None, "", "# nobody\n", "nonsense\n"])
def test_no_recipients_in_a_file(keys: Keys, content: str | None) -> None:
    if content is None:
        keys.file.unlink()
    else:
        keys.file.write_text(content)
    with pytest.raises(OpsError):
        crypt.encrypting([], [str(keys.file)])


def test_an_identity_is_no_list_of_recipients(keys: Keys) -> None:
    with pytest.raises(OpsError) as caught:
        crypt.encrypting([], [str(keys.identity)])
    assert keys.identity.read_text().splitlines()[-1] not in str(caught.value.problem)


def test_no_age(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", NOTHING_THERE)
    with pytest.raises(OpsError) as caught:
        crypt.encrypting([keys.recipient], [])
    assert (caught.value.problem.cause, caught.value.code) == ("missing-tool", 3)


DB = Secret("db", "secrets/db", "data", ours=True)
KEY = Secret("key", "secrets/key", None, ours=True)
OWN = Secret("own", "own/own", None, ours=False)


def project(root: Path, *secrets: Secret) -> Project:
    root.mkdir()
    return Project(root, "rag", list(secrets))


def fill(root: Path, **content: str) -> None:
    for name, text in content.items():
        path = root / {"env": ".env", "own": "own/own"}.get(name, f"secrets/{name}")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


def test_secrets_come_back_on_a_new_machine(tmp_path: Path) -> None:
    old = project(tmp_path / "old", DB, KEY)
    fill(old.root, db="the password", key="the key", env="PORT=1\n")
    packed = private.pack(old)
    assert (packed.names, packed.missing) == (["db", "key", ".env"], [])
    new = project(tmp_path / "new", DB, KEY)
    done = private.unpack(new, packed.content)
    assert done == private.Unpacked(restored=["db", "key", ".env"])
    assert (new.root / "secrets" / "db").read_text() == "the password"
    assert mode(new.root / "secrets") == 0o700
    assert mode(new.root / "secrets" / "key") == 0o444
    assert mode(new.root / ".env") == 0o600
    assert private.unpack(new, packed.content) == private.Unpacked(kept=["db", "key", ".env"])


def test_what_is_there_is_never_changed(tmp_path: Path) -> None:
    old = project(tmp_path / "old", DB, KEY)
    fill(old.root, db="old", key="old", env="old")
    new = project(tmp_path / "new", DB, KEY)
    fill(new.root, db="new", env="new")
    (new.root / "secrets" / "key").symlink_to(NOTHING_THERE)
    done = private.unpack(new, private.pack(old).content)
    assert done == private.Unpacked(different=["db", "key", ".env"])
    assert (new.root / "secrets" / "db").read_text() == "new"
    assert (new.root / ".env").read_text() == "new"
    assert (new.root / "secrets" / "key").is_symlink()


def test_a_secret_has_no_place_in_a_project_that_does_not_know_it(tmp_path: Path) -> None:
    old = project(tmp_path / "old", DB, KEY, OWN)
    fill(old.root, db="d", key="k", own="o")
    new = project(tmp_path / "new", DB, OWN)
    done = private.unpack(new, private.pack(old).content)
    assert done == private.Unpacked(restored=["db"], unplaced=["key", "own"])


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    this = project(tmp_path / "old", DB, KEY, Secret("var", "${HOME}/x", None, ours=False))
    fill(this.root, db="d", key="")
    packed = private.pack(this)
    assert (packed.names, packed.missing) == (["db"], ["key", "var"])


def test_a_large_file_is_no_secret(tmp_path: Path) -> None:
    this = project(tmp_path / "old", DB)
    fill(this.root, db="x" * (private.LARGEST + 1))
    with pytest.raises(OpsError):
        private.pack(this)


def test_names_in_an_archive_are_no_paths(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name in ("../evil", "/evil", "secret/../../evil", "compose.yaml", "secret/db/"):
            private.put(tar, name, b"x")
        link = tarfile.TarInfo("secret/db")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    new = project(tmp_path / "new", DB)
    done = private.unpack(new, stream.getvalue())
    assert done.restored == []
    assert len(done.unplaced) == 5
    assert {path.name for path in tmp_path.rglob("*")} == {"new"}


@pytest.mark.parametrize("cut", [100, 600, 1])
def test_an_archive_that_is_not_whole(tmp_path: Path, cut: int) -> None:
    old = project(tmp_path / "old", DB)
    fill(old.root, db="x" * 700)
    content = private.pack(old).content
    with pytest.raises(OpsError) as caught:
        private.unpack(project(tmp_path / "new", DB), content[:cut] if cut > 1 else b"?" * 2000)
    assert caught.value.problem.cause == "damaged"
    assert not (tmp_path / "new" / "secrets").exists()
