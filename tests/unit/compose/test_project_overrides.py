"""A file over another one, services that extend others, and what an image is built from."""

from __future__ import annotations

import json
import random

import pytest

from scaffold.compose.project import OVERRIDES, Project, read_project
from scaffold.errors import ScaffoldError

BASE = """\
name: p
services:
  a:
    image: x:1
    command: [one, two]
    environment: {A: "1", B: "2"}
    labels: {l: "1"}
    dns: [1.1.1.1]
    volumes: [data:/data, more:/more]
    secrets: [s, t]
    depends_on: {b: {condition: service_healthy}}
    healthcheck: {test: [CMD, a], retries: 3}
    restart: always
  b: {image: y, healthcheck: {test: [CMD, b]}}
volumes: {data: , more: , other: }
secrets: {s: {file: s}, t: {file: t}}
"""
OVERRIDE = """\
services:
  a:
    image: x:2
    command: [three]
    environment: [B=3, C=4]
    labels: !reset null
    dns: [8.8.8.8]
    volumes:
      - {type: volume, source: other, target: /data, read_only: true}
      - ./here:/here
    secrets: [{source: s, target: u}]
    depends_on: [c]
    healthcheck: {test: [CMD, z]}
    restart: !override "no"
  c: {image: z}
volumes: {mine: }
"""


def read(override: str, name: str = "compose.override.yaml", base: str = BASE) -> Project:
    return read_project({"compose.yaml": base, name: override}.get)


@pytest.mark.parametrize("name", OVERRIDES)
def test_the_users_file_lies_over_the_others(name: str) -> None:
    project = read(OVERRIDE, name)
    a = project.services["a"]
    assert (a.image, a.config["command"], a.config["restart"]) == ("x:2", ["three"], "no")
    assert a.config["environment"] == {"A": "1", "B": "3", "C": "4"}
    assert "labels" not in a.config
    assert a.config["dns"] == ["1.1.1.1", "8.8.8.8"]
    assert [(one.source, one.target, one.read_only) for one in a.mounts] == [
        ("other", "/data", True),
        ("more", "/more", False),
        ("./here", "/here", False),
    ]
    assert a.secrets == ("s", "t", "s")
    assert sorted(a.config["depends_on"]) == ["b", "c"]
    assert a.config["healthcheck"] == {"test": ["CMD", "z"], "retries": "3"}
    assert list(project.volumes) == ["data", "more", "other", "mine"]


def test_only_the_first_of_several_counts() -> None:
    files = {"compose.yaml": BASE} | {name: f"volumes: {{v{n}: }}\n" for n, name in enumerate(OVERRIDES)}
    project = read_project(files.get)
    assert "v0" in project.volumes
    assert "v1" not in project.volumes


@pytest.mark.parametrize(
    ("override", "left"),
    [
        ("environment: !reset null", {}),
        ("environment: !reset {}", {}),
        ("environment: !override {Z: 1}", {"Z": "1"}),
        ("environment: {A: !reset null}", {"B": "2"}),
        ("environment: !unknown {Z: 1}", {"A": "1", "B": "2", "Z": "1"}),
    ],
)
def test_tags_take_away_and_replace(override: str, left: dict[str, str]) -> None:
    project = read(f"services:\n  a:\n    {override}\n")
    assert project.services["a"].config.get("environment", {}) == left


def test_a_service_or_a_volume_taken_away_is_gone() -> None:
    project = read("services: {b: !reset null}\nvolumes: {other: !reset null}\n")
    assert (list(project.services), list(project.volumes)) == (["a"], ["data", "more"])


def test_tags_where_there_is_nothing_to_take_away() -> None:
    project = read_project(
        {"compose.yaml": "services: {a: {image: x, ports: !reset [], volumes: !override [data:/d]}}\n"}.get
    )
    assert [one.target for one in project.services["a"].mounts] == ["/d"]
    assert "ports" not in project.services["a"].config


def test_a_service_begins_as_the_one_it_extends() -> None:
    project = read_project(
        {
            "compose.yaml": "services:\n"
            "  a: {extends: {service: base, file: lib/base.yaml}, environment: {B: 2}}\n"
            "  c: {extends: a, image: z}\n"
            "  gone: {extends: {service: base, file: nowhere.yaml}, image: g}\n"
            "  loop: {extends: loop, image: l}\n",
            "lib/base.yaml": "services: {base: {image: x, build: ., environment: {A: 1}, depends_on: [q]}}\n",
        }.get
    )
    a, c = project.services["a"], project.services["c"]
    assert (a.image, a.config["environment"]) == ("x", {"A": "1", "B": "2"})
    assert a.build and a.build.context == "lib"
    assert "depends_on" not in a.config
    assert (c.image, c.config["environment"]) == ("z", {"A": "1", "B": "2"})
    assert project.services["gone"].image == "g"
    assert project.services["loop"].image == "l"


def built(dockerfile: str, ignored: str = "", **settings: str) -> Project:
    body = json.dumps({"context": "..", "dockerfile": "a/Dockerfile", **settings})
    return read_project(
        {
            "compose.yaml": "include: [a/compose.yaml]\n",
            "a/compose.yaml": f"services: {{a: {{build: {body}}}}}\n",
            "a/Dockerfile": dockerfile,
            ".dockerignore": ignored,
        }.get
    )


@pytest.mark.parametrize(
    ("steps", "used", "unused"),
    [
        ("COPY clients /x\n", "clients/a.py", "a/app/x.py"),
        ("COPY --chown=1:1 --link a/app/ clients/ /x/\n", "a/app/x.py", "a/compose.yaml"),
        ('COPY ["clients", "/x"]\n', "clients/deep/a.py", "README.md"),
        ("COPY a/*.txt /x\n", "a/r.txt", "a/r.py"),
        ("COPY . /x\n", "README.md", None),
        ("COPY $WHERE /x\n", "README.md", None),
        ("COPY \\\n  # why\n  clients \\\n  /x\n", "clients/a.py", "README.md"),
        ("ADD https://example.com/x clients/ /x\n", "clients/a.py", "README.md"),
        ("COPY --from=build clients /x\n", None, "clients/a.py"),
        ("RUN --mount=type=bind,target=/src make\n", "README.md", None),
        ("COPY <<END /x\nclients\nEND\n", "README.md", None),
    ],
)
def test_what_an_image_is_built_from(steps: str, used: str | None, unused: str | None) -> None:
    build = built(f"FROM scratch\n{steps}").services["a"].build
    assert build
    assert used is None or build.uses(used)
    assert unused is None or not build.uses(unused)


def test_rules_that_let_others_in_do_not_concern_it() -> None:
    build = built("FROM x\nCOPY clients /x\n", "# c\n*\n!clients\n!other/app\nclients/old\n**/x\n").services["a"].build
    assert build
    assert build.ignored == ("*", "!clients", "clients/old", "**/x")


def test_builds_whose_files_are_not_here() -> None:
    project = read_project(
        {
            "compose.yaml": "services:\n  a: {build: 'https://example.com/x.git'}\n"
            '  b: {build: {context: nowhere}}\n  c: {build: {dockerfile_inline: "FROM y\\nCOPY z /"}}\n'
        }.get
    )
    a, b, c = (project.services[name].build for name in "abc")
    assert a and (a.context, a.copied) == ("https://example.com/x.git", ())
    assert b and b.uses("nowhere/file") and not b.uses("other")
    assert c and (c.steps, c.copied) == (("FROM y", "COPY z /"), ("z",))


def test_any_text_is_read_or_refused() -> None:
    chance = random.Random("any text")
    junk = ["\t", "[", "{", ":", "- ", "!reset ", "&a ", "*a", "? ", "|", "\0", "<<: ", "!!set "]
    refused = 0
    for _ in range(1500):
        text = list(chance.choice([BASE, OVERRIDE]))
        for _ in range(chance.randint(1, 5)):
            at = chance.randrange(len(text))
            if chance.random() < 0.5:
                text[at:at] = chance.choice(junk)
            else:
                del text[at : at + chance.randint(1, 8)]
        try:
            read("".join(text))
        except ScaffoldError as error:
            refused += 1
            assert "compose.override.yaml:" in error.what
    assert 0 < refused < 1500
