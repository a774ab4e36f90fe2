"""`.env`: keys as Compose reads them (tried with Compose 2.40), and never a changed line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ops import envfile
from ops.errors import OpsError

if TYPE_CHECKING:
    from pathlib import Path

KEYS = {
    "": [],
    "A=1\nB = 4\n  C=5\nexport D=6\nE: x\nF": ["A", "B", "C", "D", "E", "F"],
    "# A=1\n#B=2\n": [],
    'A="x\nB=2\n"\nC=3\n': ["A", "C"],
    "A='x\nB=2'\nC=3": ["A", "C"],
    'A="a\\"b"\nB=1\n': ["A", "B"],
    'A="a\\\\"\nB=1\n': ["A", "B"],
    'A=x "y\nB=z"\n': ["A", "B"],
    'A="x" junk\nB=2\n': ["A", "B"],
    "A=it's\nB=1\n": ["A", "B"],
    "A=\nB=\n": ["A", "B"],
    "\ufeffA=1\r\nB=2\r\n": ["A", "B"],
    "A.b-c=1\n": ["A.b-c"],
    "!odd line\nA=1\n": ["A"],
}


@pytest.mark.parametrize(("text", "keys"), KEYS.items(), ids=map(repr, KEYS))
def test_keys(text: str, keys: list[str]) -> None:
    assert [entry.key for entry in envfile.parse(text, ".env")] == keys


@pytest.mark.parametrize("text", ['A=1\nB="hunter2\n', "A=1\nB='hunter2\\'\n"])
def test_an_open_quote_is_refused_without_its_value(text: str) -> None:
    with pytest.raises(OpsError) as refused:
        envfile.parse(text, ".env")
    assert refused.value.problem.what.startswith(".env:2:")
    assert "hunter2" not in repr(refused.value.problem)


@pytest.mark.parametrize(
    ("written", "value"),
    [("foo # c", "foo"), ('"foo" # c', "foo"), ("a#b", "a#b"), ("'x y'", "x y"), ("", ""), ("#c", "")],
)
def test_values(written: str, value: str) -> None:
    assert envfile.parse(f"A={written}\n", ".env")[0].value == value


@pytest.mark.parametrize("before", ["A=1", "A=1\n", "A=1\n\n# mine\n", "A=1\r\n", "", "\udcff=1\n"])
def test_appending_changes_no_line(tmp_path: Path, before: str) -> None:
    raw = before.encode("utf-8", "surrogateescape")
    (tmp_path / ".env").write_bytes(raw)
    example = '# Managed by scaffold: no.\nA=2\n# about b\nB="x\ny"\n\n# far\n\nC=3'
    (tmp_path / ".env.example").write_text(example)
    missing = envfile.missing(tmp_path)
    envfile.add(tmp_path, missing)
    after = (tmp_path / ".env").read_bytes()
    assert after.startswith(raw)
    assert b'# about b\nB="x\ny"\n\nC=3\n' in after
    assert b"Managed" not in after
    assert b"far" not in after
    assert envfile.missing(tmp_path) == []
