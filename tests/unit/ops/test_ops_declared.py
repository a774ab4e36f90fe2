"""Reading `compose.yaml` without Compose: whatever is not understood is refused, never dropped."""

from __future__ import annotations

import pytest

from ops import declared
from ops.declared import Secret
from ops.errors import OpsError

HOSTILE = {
    "flow map": "secrets: {a: {file: b}}",
    "flow map inside": "secrets:\n  a: {file: b}",
    "flow map over lines": "secrets: {\n  a: {file: b}\n}",
    "anchor": "secrets: &all\n  a:\n    file: b",
    "anchor on a name": "secrets:\n  a: &one\n    file: b",
    "alias": "x-a: &all\n  b:\n    file: c\nsecrets: *all",
    "merge key": "secrets:\n  <<: *all\n  a:\n    file: b",
    "merge key at the top": "<<: *all\nname: a",
    "tag": "secrets: !reset\n  a:\n    file: b",
    "tab before a key": "secrets:\n\ta:\n\t\tfile: b",
    "tab after spaces": "secrets:\n  a:\n  \tfile: b",
    "block text": "secrets:\n  a:\n    file: >-\n      b",
    "list": "secrets:\n  - a\n  - b",
    "list at the key's column": "secrets:\n- a\n- b",
    "complex key": "? secrets\n: a:\n    file: b",
    "escaped key": 'name: a\n"secr\\u0065ts":\n  a:\n    file: b',
    "key twice": "secrets:\n  a:\n    file: b\nservices:\nsecrets:\n  c:\n    file: d",
    "secret twice": "secrets:\n  a:\n    file: b\n  a:\n    file: c",
    "second document": "name: a\n---\nsecrets:\n  a:\n    file: b",
    "second key on a line": "secrets:\n  a: file: b",
    "value over lines": "secrets:\n  a:\n    file: b\n      c",
    "quoted value over lines": 'secrets:\n  a:\n    file: "b\n      c"',
    "uneven indentation": "secrets:\n    a:\n      file: b\n  c:\n    file: d",
    "no colon": "secrets:\n  a",
    "value for a secret": "secrets:\n  a: b",
    "value for all": "secrets: a",
    "path as a name": "x-scaffold:\n  secrets:\n    ../a:\n      volume: b",
    "hidden file as a name": "x-scaffold:\n  secrets:\n    .lock:\n      volume: b",
    "option as a volume": "x-scaffold:\n  secrets:\n    a:\n      volume: --force",
    "whole file in flow style": "{name: a, secrets: {a: {file: b}}}",
    "carriage return": "name: a\rsecrets:\r  a:\r    file: b\r",
    "unicode line break": "# comment\u2028secrets:\n  a:\n    file: b",
    "next line": "# comment\x85secrets:\n  a:\n    file: b",
    "description in flow style": "x-scaffold: {secrets: {a: {volume: b}}}",
    "description as alias": "x-scaffold: *all",
    "lines below an empty map": "secrets: {}\n  a:\n    file: b",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_line_that_may_hide_a_secret_is_refused(text: str) -> None:
    with pytest.raises(OpsError) as refused:
        declared.read(text)
    assert refused.value.code == 2
    assert "compose.yaml:" in refused.value.problem.what
    assert refused.value.problem.fix


def test_a_refusal_names_the_line() -> None:
    with pytest.raises(OpsError) as refused:
        declared.read("# a comment\n\nname: a\nsecrets:\n  # another\n  a: {file: b}\n")
    assert refused.value.problem.what.startswith("compose.yaml:6:")


def test_the_generated_form() -> None:
    text = (
        "# Managed by scaffold: updates merge this file.\nname: my-rag\n\n"
        "secrets:\n  a:\n    file: secrets/a\n\n  own:\n    file: keys/own.pem\n"
        "  from_env:\n    environment: TOKEN\n  outside:\n    external: true\n\n"
        "x-scaffold:\n  volumes:\n    v:\n      owner: o\n  secrets:\n"
        "    a:\n      volume: v        # whose data it opens\n\n    b:\n"
    )
    found = declared.read(text)
    assert found.name == "my-rag"
    assert found.secrets == [
        Secret("a", "secrets/a", "v", ours=True),
        Secret("own", "keys/own.pem", None, ours=False),
        Secret("b", "secrets/b", None, ours=True),
    ]


@pytest.mark.parametrize(
    ("written", "file"),
    [
        ("secrets/a", "secrets/a"),
        ("./secrets/a", "./secrets/a"),
        ('"secrets/a"', "secrets/a"),
        ("'secrets/a'   # why", "secrets/a"),
        ("'it''s'", "it's"),
        ('"with # inside"', "with # inside"),
        ("with#inside", "with#inside"),
        ("a b c   # comment", "a b c"),
        ("http://a", "http://a"),
        ("trailing \t", "trailing"),
    ],
)
def test_scalars(written: str, file: str) -> None:
    assert declared.read(f"secrets:\n  a:\n    file: {written}\n").secrets[0].file == file


@pytest.mark.parametrize("body", ["", " {}", " ~", " null", " # nothing", " {}  # nothing"])
def test_empty_blocks_hold_nothing(body: str) -> None:
    assert declared.read(f"secrets:{body}\nvolumes:\n").secrets == []


def test_blocks_that_are_not_needed_hold_any_yaml() -> None:
    text = (
        "---\ninclude:\n- a\n- path: [b, c]\nservices: &s\n  web:\n    command: |\n"
        "      secrets:\n        not: one\n      # no comment\n    environment: {A: 'b'}\n"
        "    ? complex\n    : key\nx-other: {secrets: {a: b}}\nx-list: [\n  a,\n]\n"
        "'secrets' :\r\n  \"a\":\r\n    file: secrets/a\r\n"
        "x-scaffold:\n  volumes: {a: {owner: [b]}}\n"
    )
    assert [secret.name for secret in declared.read(text).secrets] == ["a"]


def test_a_described_secret_kept_elsewhere_is_the_users() -> None:
    text = "secrets:\n  a:\n    file: /run/a\nx-scaffold:\n  secrets:\n    a:\n      volume: v\n"
    assert declared.read(text).secrets == [Secret("a", "/run/a", "v", ours=False)]


def test_labels_below_a_secret_are_read_over() -> None:
    text = "secrets:\n  a:\n    labels:\n      com.example/x: y\n    file: b\n"
    assert declared.read(text).secrets == [Secret("a", "b", None, ours=False)]
