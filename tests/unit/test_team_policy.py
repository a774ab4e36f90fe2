"""Writing a policy into files as text: what is refused, and what comes out, Jinja untouched."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from scaffold.catalog.dockerfile import references
from scaffold.team import policy

REGISTRY = "registry.example.com/mirror"
KEYS: dict[str, Any] = {"labels": {"team": "ml"}, "mem_limit": "2g", "cpus": "1.5"}


def head(*lines: str) -> str:
    return "\n".join(["services:", "  web:", *lines, ""])


def written(text: str, keys: dict[str, Any] | None = None) -> policy.Text:
    return policy.compose("f", text, REGISTRY, KEYS if keys is None else keys)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (head("    image: x:1", "    mem_limit: 4g"), 4, "it is 4g, and the policy says 2g"),
        (head("    image: x:1", "    cpus: 2"), 4, "the policy says 1.5"),
        (head("    image: x:1", "    labels:", "      team: other"), 5, "it is other, and the policy says ml"),
        (head("    image: x:1", "    labels:", "      - team=ml"), 5, "it is a list"),
        (head("    image: x:1", "    labels: {team: ml}"), 4, "it is written on one line"),
        (head("    image: x:1", "    {% if a %}", "    cpus: 1.5", "    {% endif %}"), 5, "inside a condition"),
        (head("    image: >-", "      x:1"), 3, "in a way the policy cannot change"),
        (head("    image: *image"), 3, "in a way the policy cannot change"),
    ],
)
def test_what_is_there_already_is_never_overridden(text: str, line: int, said: str) -> None:
    changed = written(text)
    assert [(finding.line, finding.file) for finding in changed.findings] == [(line, "f")]
    assert said in changed.findings[0].why


def test_an_image_gets_the_registry_once() -> None:
    text = head('    image: "x/y:1"', "  db:", "    image: registry.example.com/mirror/postgres:18")
    changed = written(text, {})
    assert '    image: "registry.example.com/mirror/x/y:1"' in changed.lines
    assert "    image: registry.example.com/mirror/postgres:18" in changed.lines
    assert written(changed.text, {}).text == changed.text


def test_only_a_service_s_own_image_is_one() -> None:
    text = head("    image: x:1", "    command:", "      - |", "        image: y:1") + "x-own:\n    image: z\n"
    assert "        image: y:1" in written(text, {}).lines


def test_keys_stand_apart_from_their_neighbours() -> None:
    """One unchanged line between two edits is what keeps a merge from a conflict."""
    lines = written(head("    image: x:1", "", "    ports:", "      - 127.0.0.1:1:1")).lines
    assert lines[2:6] == [f"    image: {REGISTRY}/x:1", "", policy.COMMENT, "    labels:"]
    assert lines[6:13] == [
        '      "team": "ml"',
        "      # your own labels below this line",
        "",
        "    mem_limit: 2g",
        "",
        "    cpus: 1.5",
        "",
    ]
    assert lines[13] == "    ports:"


def test_a_dense_service_gets_them_at_its_head() -> None:
    changed = written(head("    image: x:1", "    restart: always"))
    assert changed.lines[2] == policy.COMMENT
    service = yaml.safe_load(changed.text)["services"]["web"]
    assert service == {
        "image": f"{REGISTRY}/x:1",
        "restart": "always",
        "labels": {"team": "ml"},
        "mem_limit": "2g",
        "cpus": 1.5,
    }


def test_labels_of_its_own_stay() -> None:
    changed = written(head("    image: x:1", "    labels:", "      mine: yes", "    mem_limit: '2g'", "    cpus: 1.50"))
    assert not changed.findings
    service = yaml.safe_load(changed.text)["services"]["web"]
    assert service["labels"] == {"team": "ml", "mine": True}
    assert changed.text.count("mem_limit") == changed.text.count("cpus") == 1


def test_a_condition_is_no_place_for_what_holds_always() -> None:
    text = head("    {% if a %}", "    image: x:1", "", "    init: true", "    {% endif %}", "", "    restart: always")
    lines = written(text).lines
    assert lines.index(policy.COMMENT) > lines.index("    {% endif %}")


def test_services_of_a_loop_and_after_it() -> None:
    text = (
        "{% set x %}\nservices:\n{% endset %}\nservices:\n{% for name in names %}\n  {{ name }}:\n    image: x:1\n"
        "    tty: true\n\n{% endfor %}\n  # about the next\n  last:\n    image: y:1\n\nx-own:\n  no: service\n"
    )
    assert [block.name for block in policy.blocks(text, within=True)] == ["{{ name }}", "last"]
    assert written(text).text.count("mem_limit: 2g") == 2


def test_a_part_that_lies_over_another_file_repeats_nothing() -> None:
    part = "  web:\n    image: x:2\n\n    tty: true\n\n  extra:\n    image: y:2\n\n    tty: true\n"
    changed = policy.compose("f", part, REGISTRY, KEYS, known={"web"})
    services = yaml.safe_load("services:\n" + changed.text)["services"]
    assert services["web"] == {"image": f"{REGISTRY}/x:2", "tty": True}
    assert set(services["extra"]) == {"image", "tty", *KEYS}


def test_no_policy_changes_nothing() -> None:
    text = head("    image: x:1", "", "    ports: []")
    assert policy.compose("f", text, "", {}).text == text
    assert policy.dockerfile("f", "FROM x:1\n", "").text == "FROM x:1\n"


DOCKERFILE = r"""# syntax=docker/dockerfile:1
FROM --platform=linux/amd64 python:3.13 AS build
RUN --mount=type=bind,from=tools:1,target=/t psql -c "SELECT 1 \
    FROM table"
RUN <<END
FROM nowhere
END
FROM scratch AS empty
from Build as next
COPY --from=build /a /b
COPY --chown=1:1 --from=other/image:2 /a /b
COPY --from=0 /a /b
FROM {{ base ~ ':1' }}
"""


def test_every_image_of_a_dockerfile() -> None:
    images = [reference.image for reference in references(DOCKERFILE)]
    assert images == ["docker/dockerfile:1", "python:3.13", "tools:1", "other/image:2", "{{ base ~ ':1' }}"]
    changed = policy.dockerfile("f", DOCKERFILE, REGISTRY)
    assert not changed.findings
    assert changed.text.count(REGISTRY) == len(images)
    for image in images:
        assert f"{REGISTRY}/{image}" in changed.text
    assert policy.dockerfile("f", changed.text, REGISTRY).text == changed.text


def test_an_image_that_stands_elsewhere_is_refused() -> None:
    (finding,) = policy.dockerfile("f", "ARG BASE=python:3\nFROM $BASE\n", REGISTRY).findings
    assert (finding.line, finding.fix) == (2, "write the image itself")
