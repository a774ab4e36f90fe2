"""Where things go, to the byte; what is a conflict, and where; what is not touched at all."""

from __future__ import annotations

import random

import pytest

from scaffold.compose.merge import merge, three_way
from tests.unit.compose.edits import FLASK, PROJECT, TEMPLATES, USERS, rendered

BASE = """\
# Managed.
services:
  web:
    image: web:1

    environment:
      A: "1"
      # your own below this line

    ports:
      - 80:80
      # your own below this line

    restart: always
"""


def theirs_with(old: str, new: str) -> str:
    assert BASE.count(old) == 1
    return BASE.replace(old, new)


def test_what_is_new_comes_after_what_it_follows_with_its_comment_and_blank_line() -> None:
    ours = theirs_with("    restart: always\n", "    restart: always\n\n  mine: {image: me}\n\n# end\n")
    theirs = theirs_with("    restart: always\n", "    restart: always\n\n  # Second.\n  two:\n    image: two:2\n")
    expected = theirs_with(
        "    restart: always\n",
        "    restart: always\n\n  # Second.\n  two:\n    image: two:2\n\n  mine: {image: me}\n\n# end\n",
    )
    assert merge(BASE, ours, theirs) == expected


def test_the_users_indentation_holds_for_what_the_template_adds() -> None:
    ours = BASE.replace("  ", "    ")
    theirs = theirs_with('      A: "1"\n', '      A: "1"\n      B: "2"\n').replace("web:1", "web:2")
    merged = merge(BASE, ours, theirs)
    assert merged == ours.replace('A: "1"\n', 'A: "1"\n            B: "2"\n').replace("web:1", "web:2")


def test_a_list_as_far_in_as_its_key() -> None:
    ours = theirs_with("      - 80:80\n      # your", "    - 80:80\n    - 1:1\n    # your")
    theirs = theirs_with("      - 80:80\n", "      - 80:80\n      - 443:443\n")
    assert merge(BASE, ours, theirs) == ours.replace("    - 80:80\n", "    - 80:80\n    - 443:443\n")


def test_a_key_that_both_add_is_merged_and_two_values_are_a_conflict() -> None:
    ours = BASE + "    labels:\n      a: 1\n    init: true\n"
    theirs = BASE + "    labels:\n      b: 1\n    init: true\n"
    assert merge(BASE, ours, theirs) == BASE + "    labels:\n      a: 1\n      b: 1\n    init: true\n"
    clash = three_way(BASE, ours, theirs.replace("init: true", "init: false"))
    assert [(found.path, found.line) for found in clash.conflicts] == [(("services", "web", "init"), 17)]


def test_every_conflict_is_told() -> None:
    ours = theirs_with("web:1", "web:mine").replace("80:80", "81:80").replace("always", "no")
    theirs = theirs_with("web:1", "web:2").replace("80:80", "82:80")
    conflicts = three_way(BASE, ours, theirs).conflicts
    assert [(found.path, found.line) for found in conflicts] == [
        (("services", "web", "image"), 4),
        (("services", "web", "ports", 0), 11),
    ]


def test_a_table_that_the_template_drops_keeps_the_users_lines() -> None:
    ours = theirs_with("      - 80:80\n", "").replace(
        "line\n\n    restart", "line\n      - 90:90 # mine\n\n    restart"
    )
    theirs = theirs_with("    ports:\n      - 80:80\n      # your own below this line\n\n", "")
    assert merge(BASE, ours, theirs) == ours
    everything = theirs_with("      - 80:80\n", "      - 80:80\n      - 90:90 # mine\n")
    assert merge(BASE, everything, theirs) == everything.replace("      - 80:80\n", "")


def test_a_service_that_the_user_changed_is_not_dropped_in_silence() -> None:
    base = BASE + "\n  old:\n    image: old:1\n"
    ours = base + "    init: true\n"
    assert [found.path for found in three_way(base, ours, BASE + "# x\n").conflicts] == [("services", "old")]
    assert merge(base, base.replace("web:1", "web:2"), BASE) == BASE.replace("web:1", "web:2")


def test_commands_are_one_value() -> None:
    base = "a:\n  command:\n    - x\n    - --one\n"
    ours, theirs = base + "    - --two\n", base.replace("--one", "--uno")
    assert [found.path for found in three_way(base, ours, theirs).conflicts] == [("a", "command")]


def test_text_blocks_with_what_looks_like_comments() -> None:
    base = "a:\n  entrypoint:\n    - |\n      # first\n      run\n\n  b: 1\n\n  # own\n"
    ours = base.replace("  # own\n", "  # own\n  c: 1\n")
    theirs = base.replace("# first\n      run", "# second\n      go")
    assert merge(base, ours, theirs) == ours.replace("# first\n      run", "# second\n      go")


@pytest.mark.parametrize(
    ("ours", "why"),
    [
        ("x: &a 1\n" + BASE, "anchor"),
        ("x: &a {b: 1}\ny:\n  <<: *a\n" + BASE, "anchor"),
        ("<<: {a: 1}\n" + BASE, "merge key"),
        (BASE + "x: !reset null\n", "tag !reset"),
        (BASE + "---\na: 1\n", "no valid YAML"),
        (BASE + "services: {}\n", "`services` twice"),
        (BASE + "\tx: 1\n", "no valid YAML"),
        (BASE.replace("\n", "\r\n"), "carriage return"),
        ("\ufeff" + BASE, "byte order mark"),
        (BASE + "x: a\u2028b\n", "carriage return"),
        (BASE + "x: [1\n", "no valid YAML"),
        (BASE + "x: \0\n", "no valid YAML"),
        (BASE + "? [a, b]\n: 1\n", "key"),
        (BASE + "? a\n: 1\n", "one line"),
        ("%YAML 1.2\n---\n" + BASE, "directive"),
        (BASE + "x: |2\n   a\n", "indented"),
        (BASE + "x: " + "[" * 2000 + "]" * 2000 + "\n", "valid YAML"),
        (BASE + "x: " + "[" * 80 + "]" * 80 + "\n", "too deep"),
        ("", "key: value"),
        ("# nothing\n", "key: value"),
        ("- a\n", "key: value"),
        ("{a: 1}\n", "key: value"),
        ("<<<<<<< ours\na: 1\n", "valid YAML"),
    ],
)
def test_what_cannot_be_read_is_refused(ours: str, why: str) -> None:
    result = three_way(BASE, ours, BASE.replace("web:1", "web:2"))
    assert result.text is None
    (conflict,) = result.conflicts
    assert conflict.path == ()
    assert why in conflict.why
    assert merge(ours, BASE, BASE.replace("web:1", "web:2")) is None
    # Nothing to merge, nothing to read.
    assert merge(BASE, ours, BASE) == ours


def test_a_document_start_and_a_missing_last_newline_stay() -> None:
    ours = "---\n" + BASE.rstrip("\n")
    assert merge(BASE, ours, BASE.replace("web:1", "web:2")) == ours.replace("web:1", "web:2")


@pytest.mark.parametrize("seed", range(60))
def test_whatever_a_user_does_no_line_is_lost_and_nothing_is_raised(seed: int) -> None:
    chance = random.Random(seed)
    name = chance.choice([FLASK, PROJECT])
    base = theirs = rendered(name)
    for change in chance.sample(TEMPLATES[name], 3):
        theirs = change(theirs) if change.fits(theirs) else theirs
    own = [line for user in USERS[name] for line in user.new.splitlines()] + ["", "# c", "  # c", "      # c", "    "]
    lines = base.split("\n")
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(lines))
        lines[at : at + chance.choice([0, 0, 0, 1, 2])] = chance.sample(own, chance.choice([0, 1, 1, 2]))
    ours = "\n".join(lines)
    result = three_way(base, ours, theirs)
    assert (result.text is None) == bool(result.conflicts)
    for line in set(ours.split("\n")) - set(base.split("\n")):
        assert result.text is None or line.strip() in result.text
    for conflict in result.conflicts:
        assert 1 <= conflict.line <= len(lines)
