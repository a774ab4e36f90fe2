"""Reading a project's Compose files: what Compose would make of them, from nothing but text."""

from __future__ import annotations

from pathlib import Path

import pytest

from scaffold.compose.mounts import Mount, mount
from scaffold.compose.project import Place, Project, files_in, read_project
from scaffold.errors import CouldNotError, ScaffoldError


def read(files: dict[str, str]) -> Project:
    return read_project(files.get)


def one(body: str, **more: str) -> Project:
    """A project of one service, whose body is given at its indentation."""
    return read({"compose.yaml": f"name: p\nservices:\n  a:\n{body}", **more})


@pytest.mark.parametrize(
    ("files", "where", "why"),
    [
        ({}, "compose.yaml:1", "no such file"),
        ({"compose.yaml": "a: 1\nb: [\n"}, "compose.yaml:3", "expected"),
        ({"compose.yaml": "a: 1\n<<<<<<< before\n"}, "compose.yaml:3", "':'"),
        ({"compose.yaml": "- a\n"}, "compose.yaml:1", "no mapping"),
        ({"compose.yaml": "services:\n  a: {}\n  b: text\n"}, "compose.yaml:3", "`services.b` is no mapping"),
        ({"compose.yaml": "volumes: [a]\n"}, "compose.yaml:1", "`volumes` is no mapping"),
        ({"compose.yaml": "include: a.yaml\n"}, "compose.yaml:1", "`include` is no list"),
        ({"compose.yaml": "services:\n  a: {volumes: {b: c}}\n"}, "compose.yaml:2", "`services.a.volumes` is no list"),
        ({"compose.yaml": "services: {a: {secrets: text}}\n"}, "compose.yaml:1", "`services.a.secrets` is no list"),
        ({"compose.yaml": "x-a: &a\n  b: *a\n"}, "compose.yaml:1", "endless"),
        ({"compose.yaml": "a: *nobody\n"}, "compose.yaml:1", "undefined alias"),
        ({"compose.yaml": "a: 1\n---\nb: 1\n"}, "compose.yaml:2", "another document"),
        ({"compose.yaml": "include: [b/c.yaml]\n", "b/c.yaml": "a: 1\n  b: 2\n"}, "b/c.yaml:2", "not allowed"),
    ],
)
def test_what_cannot_be_read_is_named_with_file_and_line(files: dict[str, str], where: str, why: str) -> None:
    with pytest.raises(ScaffoldError) as refused:
        read(files)
    assert where in refused.value.what
    assert why in refused.value.why


def test_aliases_of_aliases_do_not_fill_the_memory() -> None:
    lines = ["x0: &x0 [a, a, a, a, a, a, a, a, a, a]"]
    lines += [f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(ScaffoldError, match="cannot read"):
        read({"compose.yaml": "\n".join(lines)})


def test_an_empty_file_is_an_empty_project() -> None:
    project = read({"compose.yaml": "# nothing\n"})
    assert (project.name, project.services, project.set_here) == ("", {}, None)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("data:/var/lib", Mount("volume", "data", "/var/lib")),
        ("data:/var/lib/", Mount("volume", "data", "/var/lib")),
        ("data:/var/lib:ro", Mount("volume", "data", "/var/lib", True)),
        ("data:/var/lib:z,ro", Mount("volume", "data", "/var/lib", True)),
        ("data:/var/lib:rw", Mount("volume", "data", "/var/lib")),
        ("/var/lib", Mount("volume", "", "/var/lib")),
        ("./here:/there", Mount("bind", "./here", "/there")),
        ("~/here:/there", Mount("bind", "~/here", "/there")),
        ("${DIR:-/srv}/a:/there:ro", Mount("bind", "${DIR:-/srv}/a", "/there", True)),
        ("${DIR:-${OTHER:-/a}}:/there", Mount("bind", "${DIR:-${OTHER:-/a}}", "/there")),
        (r"C:\data:/there", Mount("bind", r"C:\data", "/there")),
        ({"type": "volume", "source": "d", "target": "/t"}, Mount("volume", "d", "/t")),
        ({"type": "bind", "source": "./h", "target": "/t", "read_only": "true"}, Mount("bind", "./h", "/t", True)),
        ({"type": "tmpfs", "target": "/t"}, Mount("tmpfs", "", "/t")),
        ({"target": "/t"}, Mount("volume", "", "/t")),
        ({"source": "d"}, None),
    ],
)
def test_mounts_in_both_ways_of_writing(written: object, expected: Mount | None) -> None:
    assert mount(written) == expected


WHOLE = """\
services:
  # the first
  a:
    image: x:1
    profiles: [pull]
    environment: [A=1, B]
    volumes:
      - data:/data
      - {type: volume, source: more, target: /more, read_only: true}
    tmpfs: /scratch:size=1m
    secrets: [one, {source: two, target: second}]
    depends_on: [b]
volumes:
  data:
  more: {driver: nfs, x-note: mine}
secrets:
  one: {file: secrets/one}
  two: {environment: TWO}
x-scaffold:
  volumes:
    data: {responsibility: Things, class: database, owner: a, backup: files}
  secrets:
    one: {volume: data}
x-scaffold-own:
  volumes:
    more: {responsibility: Other things}
"""


def test_a_service_is_read_whole() -> None:
    project = read({"compose.yaml": WHOLE})
    service = project.services["a"]
    assert service.image == "x:1"
    assert service.profiles == ("pull",)
    assert service.secrets == ("one", "two")
    assert service.config["environment"] == {"A": "1", "B": None}
    assert service.config["depends_on"] == {"b": {"condition": "service_started"}}
    assert service.mounts == (
        Mount("volume", "data", "/data"),
        Mount("volume", "more", "/more", True),
        Mount("tmpfs", "", "/scratch"),
    )
    assert service.place == Place("compose.yaml", 3)
    data, more = project.volumes.values()
    assert (data.responsibility, data.klass, data.owner, data.backup) == ("Things", "database", "a", "files")
    assert (more.settings, more.responsibility, more.klass) == ({"driver": "nfs"}, "Other things", "")
    assert more.place == Place("compose.yaml", 15)
    assert {name: secret.volume for name, secret in project.secrets.items()} == {"one": "data", "two": ""}


def test_numbers_and_words_are_text_as_compose_takes_them() -> None:
    config = one("    environment: {A: 8000, B: yes, C: 1e3, D: 012, E: 22:22, F: null, G: , H: ~, I: 2026-01-01}\n")
    assert config.services["a"].config["environment"] == {
        **{"A": "8000", "B": "yes", "C": "1e3", "D": "012", "E": "22:22", "I": "2026-01-01"},
        **dict.fromkeys("FGH"),
    }


def test_anchors_and_merge_keys() -> None:
    project = read(
        {
            "compose.yaml": "x-c: &c {restart: always, environment: {A: 1}}\n"
            "services:\n  a:\n    <<: *c\n    image: x\n  b: {<<: *c, restart: no}\n"
        }
    )
    assert project.services["a"].config == {"restart": "always", "environment": {"A": "1"}, "image": "x"}
    assert project.services["b"].config["restart"] == "no"


def test_variables_and_the_names_in_env() -> None:
    project = read(
        {
            "compose.yaml": "",
            ".env.example": '# A=0\nA=1\nexport B="two words"\nC=\n  D = 4 # four\n',
            ".env": "A=hidden\nZ='hidden too'\nB= # later\n",
        }
    )
    assert project.variables == {"A": "1", "B": "two words", "C": "", "D": "4"}
    assert project.set_here == frozenset({"A", "Z"})
    assert "hidden" not in repr(project)


def test_includes_in_every_form_count_paths_from_their_own_folder() -> None:
    project = read(
        {
            "compose.yaml": "include:\n  - services/a/compose.yaml\n  - path: [b/base.yaml, b/over.yaml]\n"
            "  - {path: c/d/x.yaml, project_directory: c}\n",
            "services/a/compose.yaml": "include: [../../deep.yaml]\nservices:\n  a: {build: ., env_file: a.env}\n",
            "deep.yaml": "volumes: {deep: }\n",
            "b/base.yaml": "services: {b: {image: x, labels: {a: 1}}}\n",
            "b/over.yaml": "services: {b: {image: y, labels: [b=2]}}\n",
            "c/d/x.yaml": "services: {c: {build: {context: ctx}}}\n",
        }
    )
    assert project.unread == ()
    assert set(project.services) == {"a", "b", "c"}
    a, b, c = (project.services[name] for name in "abc")
    assert a.build and a.build.dockerfile == "services/a/Dockerfile"
    assert a.config["env_file"] == ["services/a/a.env"]
    assert b.config == {"image": "y", "labels": {"a": "1", "b": "2"}}
    assert c.build and c.build.context == "c/ctx"
    assert list(project.volumes) == ["deep"]
    assert a.place == Place("services/a/compose.yaml", 3)


@pytest.mark.parametrize(
    "path", ["nowhere.yaml", "../outside/compose.yaml", "https://example.com/compose.yaml", "${WHERE}/compose.yaml"]
)
def test_what_is_included_and_cannot_be_read_is_told(path: str) -> None:
    project = read({"compose.yaml": f"include: ['{path}']\nservices: {{a: {{image: x}}}}\n"})
    assert project.unread == (path,)
    assert list(project.services) == ["a"]


def test_a_file_outside_that_can_be_read_is() -> None:
    project = read({"compose.yaml": "include: [../o/compose.yaml]\n", "../o/compose.yaml": "volumes: {shared: }\n"})
    assert project.volumes["shared"].place == Place("../o/compose.yaml", 1)


def test_files_that_include_each_other_end() -> None:
    project = read({"compose.yaml": "include: [b.yaml]\n", "b.yaml": "include: [compose.yaml]\nvolumes: {v: }\n"})
    assert (list(project.volumes), project.unread) == (["v"], ("compose.yaml",))


def test_a_project_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("include: [folder, file/x, loop]\nname: käse\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    project = read_project(files_in(tmp_path))
    assert (project.name, project.unread) == ("käse", ("folder", "file/x", "loop"))
    (tmp_path / "compose.yaml").write_bytes(b"name: p\n# k\xe4se\n")
    with pytest.raises(ScaffoldError, match=r"compose\.yaml:2"):
        read_project(files_in(tmp_path))


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    """Links in a circle: they stand in for missing rights, which root does not miss."""
    (tmp_path / "compose.yaml").write_text("include: [loop]\n")
    (tmp_path / ".env").symlink_to(".env")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(CouldNotError, match="loop"):
        read_project(files_in(tmp_path))
    (tmp_path / "compose.yaml").write_text("name: p\n")
    assert read_project(files_in(tmp_path)).set_here is None
