"""A team's folder and what is built of it: what is refused, with the place and what to do."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from scaffold.errors import ScaffoldError
from scaffold.project import source
from tests.support import cli, team


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return team.bundle_of(tmp_path_factory.mktemp("bundle") / "releases.bundle")


def refused(workplace: Path, bundle: Path, toml: str = "", files: Mapping[str, str] | None = None) -> list[str]:
    """What a build says of a folder; nothing is made."""
    folder = workplace / "team" if (workplace / "team").exists() else None
    folder = folder or team.folder_of(workplace / "team", bundle, toml, files)
    plan = team.build(folder, workplace / "out.git", bundle)
    assert not (workplace / "out.git").exists()
    return [f"{finding.place}: {finding.why}; {finding.fix}" for finding in plan.findings]


@pytest.mark.parametrize(
    ("toml", "where", "said"),
    [
        ('colour = "red"', "colour", "not known"),
        ('[policy]\nregistri = "x"', "policy.registri", "not known"),
        ('[policy]\nregistry = "https://registry.example.com"', "policy.registry", "no https://"),
        ('[policy]\nregistry = "registry.example.com/"', "policy.registry", "no / at the end"),
        ('[policy]\nregistry = "mirror"', "policy.registry", "a host with a dot or a port"),
        ('[policy]\nregistry = "r.example.com/x:1.2"', "policy.registry", "cannot stand before"),
        ('[policy]\nregistry = "r.example.com/{{ x }}"', "policy.registry", "cannot stand before"),
        ('[policy.limits]\nmemory = "-1g"', "policy.limits.memory", "no amount of memory"),
        ('[policy.limits]\nmemory = "0g"', "policy.limits.memory", "no amount of memory"),
        ("[policy.limits]\nmemory = 2", "policy.limits.memory", "wrong type"),
        ('[policy.limits]\ncpus = "-0.5"', "policy.limits.cpus", "no number of CPUs"),
        ("[policy.limits]\ncpus = inf", "policy.limits.cpus", "no number of CPUs"),
        ('[policy.limits]\ndisk = "1g"', "policy.limits.disk", "not known"),
        ('[policy.labels]\n"com.docker.x" = "1"', "policy.labels", "does not match"),
        ('[policy.labels]\n"a: b" = "1"', "policy.labels", "does not match"),
        ("[policy.labels]\nteam = 1", "policy.labels", "wrong type"),
        ('[policy.labels]\nteam = "{{ x }}"', "policy.labels.team", "braces"),
        ('[policy.labels]\nteam = "a\\nb"', "policy.labels.team", "control character"),
        ("[policy]\nforbidden = ['mongo']", "policy.forbidden", "wrong type"),
        ("[base]\nversion = 'newest'", "base.version", "does not match"),
        ("replaces = [1]", "replaces", "wrong type"),
        ("policy = 'strict'", "policy", "wrong type"),
    ],
)
def test_a_setting_that_is_wrong_is_named(workplace: Path, bundle: Path, toml: str, where: str, said: str) -> None:
    folder = team.folder_of(workplace / "team", bundle, toml)
    with pytest.raises(ScaffoldError) as error:
        team.build(folder, workplace / "out.git", bundle)
    assert error.value.what == f"{folder / 'template.toml'}: {where}"
    assert said in f"{error.value.why}; {error.value.fix}"
    assert not (workplace / "out.git").exists()


@pytest.mark.parametrize(
    ("toml", "where", "said"),
    [
        ('[defaults]\npostgres_major = "16"', "defaults.postgres_major", "choose one of 18, 17"),
        ("[defaults]\npostgres_major = true", "defaults.postgres_major", "in quotes"),
        ('[defaults]\npostgres_vector = "yes"', "defaults.postgres_vector", "true or false"),
        ('[defaults]\npostgres_mayor = "17"', "defaults.postgres_mayor", "`postgres_major`"),
        ('[defaults]\nmlflow_runs = "postgres"', "defaults.mlflow_runs", "follows the choice"),
        ('[policy.forbidden]\nmango = "no"', "policy.forbidden.mango", "`mongo`"),
        ('[policy.forbidden]\nmongo = " "', "policy.forbidden.mongo", "no reason"),
        ('[policy.limits.mango]\nmemory = "1g"', "policy.limits.mango", "`mongo`"),
    ],
)
def test_a_setting_that_does_not_fit_the_base(workplace: Path, bundle: Path, toml: str, where: str, said: str) -> None:
    (line,) = refused(workplace, bundle, toml)
    assert line.startswith(f"template.toml: {where}: ")
    assert said in line


NEEDY = team.ENTRY.replace("state_note", 'requires = ["redis"]\nstate_note')


@pytest.mark.parametrize(
    ("toml", "files", "said"),
    [
        ("", {"copier.yml": "_tasks: [id]\n"}, "copier.yml: the settings and the files of the template are the base's"),
        ("", {"templates/x": ""}, "templates: the settings and the files"),
        ("", {"services/redis/service.toml": team.ENTRY}, "services/redis: the standard template has an entry"),
        (
            "",
            {"services/thing/service.toml": team.ENTRY + "x = 1\n"},
            "thing/service.toml: ports.THING_PORT.x: this key",
        ),
        ("", {"services/thing/compose.yaml": team.COMPOSE}, "services/thing/service.toml: [Errno 2]"),
        ("", {"services/thing/service.toml": team.ENTRY}, "services/thing: it has no compose.yaml"),
        ("", {"services/loose.toml": ""}, "services/loose.toml: it belongs to no entry"),
        ("", {"files/README.md": "x"}, 'replaces = ["README.md"]'),
        ("", {"files/readme.md.jinja": "x"}, 'replaces = ["readme.md"]'),
        ('replaces = ["README.md"]', {}, "template.toml: replaces: `README.md` is not both"),
        ('replaces = ["MINE.md"]', {"files/MINE.md": "x"}, "template.toml: replaces: `MINE.md` is not both"),
        ("", {"files/ops": "x"}, "files/ops: the standard template has a folder of this name"),
        ("", {"files/Makefile/x": "x"}, "is a file in the standard template"),
        ("", {"files/clients/mongo.py": "x"}, "files/clients/mongo.py: it is where an entry's client.py goes"),
        ("", {"files/services/redis/app/x.py": "x"}, "`services/` holds entries only"),
        ("", {"files/.env": "A=b"}, "files/.env: in a project this is not the template's to write"),
        ("", {"files/secrets/x.jinja": "A=b"}, "files/secrets/x.jinja: in a project"),
        ("", {"files/.git/hooks/post-checkout": "x"}, "`.git` in a path"),
        ("", {"files/a..b": "x"}, "its name has `..`"),
        ("", {"files/{{ '.' ~ '.' }}": "x"}, "its name has Jinja in it"),
        ("", {"files/x.jinja": "{{ '$HOME' | expandvars }}"}, "files/x.jinja:1: the filter `expandvars`"),
        ("", {"files/x.jinja": "a\n{{ x | map('file' ~ 'glob') }}"}, "files/x.jinja:2: which filter `map` uses"),
        ("", {"files/x.jinja": "{{ nope }}"}, "files/x.jinja: it cannot be rendered: 'nope' is undefined"),
        ("", {"files/.github/x.yml.jinja": "a: [{{ project_name }}\n"}, "x.yml.jinja: it renders to no valid YAML"),
        ("", {"files/x.jinja": "{% if %}"}, "files/x.jinja:1: it is no valid Jinja"),
        ("", {"presets.toml": '[crud]\nsummary = "x"\nservices = ["redis"]\n'}, "presets.toml: crud: the standard"),
        (
            '[policy.forbidden]\nmongo = "no"',
            {"presets.toml": '[web]\nsummary = "x"\nservices = ["mongo"]\n'},
            "presets.toml: web: it chooses `mongo`",
        ),
        ("", {"presets.toml": '[mine]\nsummary = "x"\nservices = ["mango"]\n'}, "there is no entry `mango`"),
        (
            '[policy.forbidden]\nredis = "no"',
            {**team.THING, "services/thing/service.toml": NEEDY},
            "policy.forbidden.redis: `thing` requires `redis`, and can still be chosen",
        ),
        (
            '[policy.limits]\nmemory = "1g"',
            {**team.THING, "services/thing/compose.yaml": team.COMPOSE + "    mem_limit: 3g\n"},
            "services/thing/compose.yaml:24: thing.mem_limit: it is 3g, and the policy says 1g",
        ),
        (
            '[policy.limits]\nmemory = "1g"',
            {
                **team.THING,
                "services/thing/compose.yaml": team.COMPOSE + "    deploy: {resources: {limits: {memory: 3g}}}\n",
            },
            "thing.deploy: it has limits of its own",
        ),
        (
            '[policy]\nregistry = "r.example.com"',
            {**team.THING, "services/thing/compose.yaml": team.COMPOSE.replace("    ", "        ")},
            "is not from r.example.com",
        ),
        (
            '[policy.limits]\nmemory = "1g"',
            {**team.THING, "services/thing/compose.yaml": team.COMPOSE.replace("    healthcheck", "    x-check")},
            "services/thing/compose.yaml:2: thing.healthcheck: it runs for long",
        ),
        (
            '[policy.limits]\nmemory = "1g"',
            {**team.THING, "services/thing/compose.yaml": team.COMPOSE.replace("- thing_data", "- thing_date")},
            "services/thing/compose.yaml:16: thing.volumes: nobody declares",
        ),
        *(
            (
                '[policy]\nregistry = "r.example.com"',
                {**team.THING, "services/thing/compose.yaml": team.COMPOSE + f"    build: {build}\n"},
                said,
            )
            for build, said in (
                ("https://example.com/x.git", "thing.build: what it is built from elsewhere"),
                ('{dockerfile_inline: "FROM x:1"}', "thing.build.dockerfile_inline: nobody sees"),
                ("{additional_contexts: {a: docker-image://x}}", "thing.build.additional_contexts: nobody sees"),
                ("{dockerfile: Container}", "thing.build.dockerfile: the policy reaches files named Dockerfile only"),
            )
        ),
        (
            '[policy]\nregistry = "r.example.com"',
            {**team.THING, "services/thing/sub/Dockerfile": "ARG B=x:1\nFROM $B\n"},
            "services/thing/sub/Dockerfile:2: which image `$B` is stands elsewhere",
        ),
        (
            "",
            {**team.THING, "services/thing/service.toml": team.ENTRY.replace("A thing", "{{ 1 }}")},
            "entries: thing: it has `{{` in it",
        ),
    ],
)
def test_what_does_not_belong_is_refused(
    workplace: Path, bundle: Path, toml: str, files: dict[str, str], said: str
) -> None:
    lines = refused(workplace, bundle, toml, files)
    assert said in "\n".join(lines)


@pytest.mark.parametrize("place", ["files/link", "services/thing/link", "files/folder", "presets.toml", "services"])
def test_links_are_refused(workplace: Path, bundle: Path, place: str) -> None:
    folder = team.folder_of(workplace / "team", bundle, files={"real/thing/x": "x", "services/thing/x": ""})
    path = folder / place
    if path.is_dir():
        path.rename(folder / "moved")
    path.unlink(missing_ok=True)
    path.symlink_to("/etc/hostname" if "link" in place else folder / "real")
    said: list[str] = []
    try:
        said = refused(workplace, bundle)
    except ScaffoldError as error:
        assert place == "presets.toml"
        assert "cannot read" in error.what
        return
    assert any(line.startswith(f"{place}: it is a symbolic link") for line in said)


def test_a_pipe_is_refused_and_not_read(workplace: Path, bundle: Path) -> None:
    folder = team.folder_of(workplace / "team", bundle)
    os.mkfifo(folder / "files" / "pipe")
    assert refused(workplace, bundle) == ["files/pipe: it is no ordinary file; take it out"]


def test_all_of_it_is_said_at_once(workplace: Path, bundle: Path) -> None:
    lines = refused(workplace, bundle, files={"files/README.md": "", "files/.env": "", "services/loose": ""})
    assert len(lines) == 3


def test_the_cli_refuses_with_what_is_wrong(
    workplace: Path, bundle: Path, scaffold: cli.Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "BUNDLE", bundle)
    team.folder_of(workplace / "team", bundle, files={"files/README.md": "", "files/.env": ""})
    result = scaffold("template", "build", "team", "--out", "out.git", "--base", team.BASE)
    assert result.code == 2
    assert "files/.env: in a project" in result.err
    assert "2 findings" in result.err
    result = scaffold("template", "build", "team", "--out", "out.git", "--base", team.BASE, "--json")
    assert result.code == 2
    assert [finding["file"] for finding in result.document["findings"]] == ["files/.env", "files/README.md"]
    assert (result.document["done"], result.document["template"]) == (False, None)
    assert not (workplace / "out.git").exists()
    assert scaffold("template", "build", workplace, "--out", "out.git").code == 2
