"""Templates that mean harm: stopped with the reason, or rendered without any. No file changes, inside or outside."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from scaffold.project import git
from tests.support import copier, tree
from tests.support.cli import Runner

# copier leaves folders open that it was listing when a template made it stop.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{words}")
    for words in ("unclosed scandir iterator", "Exception ignored in. <posix.ScandirIterator")
]

SECRET = "the-password-of-somebody"


def write(name: str, text: str) -> Callable[[Path, Path], None]:
    """Have a file of the template. `OUTSIDE` in either is a folder that is nobody's business."""

    def change(template: Path, outside: Path) -> None:
        path = template / name.replace("OUTSIDE", str(outside).strip("/"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("OUTSIDE", str(outside)))

    return change


def more(name: str, text: str) -> Callable[[Path, Path], None]:
    """Have more at the end of a file."""

    def change(template: Path, outside: Path) -> None:
        path = template / name
        path.write_text(path.read_text() + text.replace("OUTSIDE", str(outside)))

    return change


def link(name: str, target: str) -> Callable[[Path, Path], None]:
    def change(template: Path, outside: Path) -> None:
        path = template / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(target.replace("OUTSIDE", str(outside)))

    return change


def links_kept(name: str, target: str) -> Callable[[Path, Path], None]:
    """A link, in a template that wants links to stay links."""

    def change(template: Path, outside: Path) -> None:
        link(name, target)(template, outside)
        setting("_preserve_symlinks: true")(template, outside)

    return change


def setting(text: str) -> Callable[[Path, Path], None]:
    """Have more settings and questions, before the last document of copier.yml."""

    def change(template: Path, outside: Path) -> None:
        path = template / "copier.yml"
        path.write_text(text.replace("OUTSIDE", str(outside)) + "\n" + path.read_text())

    return change


def catalogue(text: str) -> Callable[[Path, Path], None]:
    return write("templates/catalog.json", text)


# No git keeps a path with .git in it.
GIT = "{{ '.g' }}it/"
PROJECT, LIB = "templates/project/", "templates/lib/"
CODE = "{{ ''.__class__.__mro__[1].__subclasses__() }}"
DEEP = "{% macro deep(n) %}{{ deep(n + 1) }}{% endmacro %}{{ deep(0) }}"
HARM: dict[str, Callable[[Path, Path], None]] = {
    "a path that leads up": write(PROJECT + "{{ '..' }}/{{ '..' }}/planted", "harm"),
    "a path that leads far up": write(PROJECT + "{{ '../' * 30 }}OUTSIDE/planted", "harm"),
    "an absolute path": write(PROJECT + "{{ '' }}/OUTSIDE/planted.jinja", "harm"),
    "a path from an answer": lambda template, outside: (
        setting("where:\n  type: str\n  default: ../../planted")(template, outside),
        write(PROJECT + "{{ where }}.jinja", "harm")(template, outside),
    )[0],
    "a link to outside": link(PROJECT + "docs/link", "OUTSIDE/private"),
    "a kept link to outside": links_kept(PROJECT + "docs", "OUTSIDE"),
    "a kept link in place of a file": links_kept(PROJECT + "Makefile.jinja", "OUTSIDE/private"),
    "a kept link to a folder of the project": links_kept(PROJECT + "services/redis/own", "../../ops"),
    "an included link to outside": lambda template, outside: (
        link(LIB + "private", "OUTSIDE/private")(template, outside),
        more(PROJECT + "Makefile.jinja", "{% include 'templates/lib/private' %}")(template, outside),
    )[0],
    "a resolver that is a link to outside": link(LIB + "resolve.jinja", "OUTSIDE/private"),
    "a catalogue that is a link to outside": link("templates/catalog.json", "OUTSIDE/private"),
    "an include of an absolute path": more(PROJECT + "Makefile.jinja", "{% include 'OUTSIDE/private' %}"),
    "an include that leads up": more(PROJECT + "Makefile.jinja", "{% include '../../../private' %}"),
    "questions from outside": setting("--- \n!include OUTSIDE/*.yml\n---"),
    "external data": setting("_external_data:\n  private: OUTSIDE/private"),
    "a sub-directory outside": setting("_subdirectory: ../.."),
    "a hook of git": write(PROJECT + GIT + "hooks/post-checkout", "#!/bin/sh\ntouch OUTSIDE/planted\n"),
    "a hook by another spelling": write(PROJECT + "{{ '.G' }}IT/hooks/post-checkout", "touch OUTSIDE/planted\n"),
    "a hook below": write(PROJECT + "ops/" + GIT + "hooks/post-checkout", "#!/bin/sh\ntouch OUTSIDE/planted\n"),
    "a task": setting("_tasks: ['touch OUTSIDE/planted']"),
    "a migration": setting("_migrations: ['touch OUTSIDE/planted']"),
    "an extension": setting("_jinja_extensions: [jinja2.ext.debug]"),
    "a YAML tag": setting("where:\n  default: !!python/object/apply:os.system ['touch OUTSIDE/planted']"),
    "code in a file": more(PROJECT + "Makefile.jinja", CODE),
    "code in a default": setting(f"where:\n  type: str\n  default: \"{CODE}\""),
    "code in the resolver": more(LIB + "resolve.jinja", CODE),
    "code in choices": write(LIB + "choices.jinja", CODE),
    "recursion in a file": more(PROJECT + "Makefile.jinja", DEEP),
    "recursion in the resolver": more(LIB + "resolve.jinja", DEEP),
    "a division by zero in the resolver": more(LIB + "resolve.jinja", "{{ 1 / 0 }}"),
    "a division by zero in a file": more(PROJECT + "Makefile.jinja", "{{ 1 / 0 }}"),
    "a list without end": more(LIB + "resolve.jinja", "{{ range(10 ** 9) | list }}"),
    "a resolver that says nothing": write(LIB + "resolve.jinja", "no stack"),
    "a resolver that says something else": write(LIB + "resolve.jinja", "[1]"),
    "a resolver with half a stack": write(LIB + "resolve.jinja", '{"services": ["redis"]}'),
    "a catalogue that is none": catalogue("[]"),
    "a catalogue with half an entry": catalogue('{"order": ["redis"], "entries": {"redis": {}}, "presets": {}}'),
    "a catalogue of no kind": catalogue('{"order": 1, "entries": {"redis": []}, "presets": []}'),
    "settings that are none": write("copier.yml", "[1, 2"),
}  # fmt: skip


@pytest.fixture
def outside(workplace: Path) -> Path:
    folder = workplace / "outside"
    folder.mkdir()
    (folder / "private").write_text(SECRET)
    (folder / "private.yml").write_text(f"private:\n  type: str\n  default: {SECRET}\n")
    return folder


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A team's template without any harm, at its first version."""
    with pytest.MonkeyPatch.context() as patch:
        for who in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{who}_NAME", "Team")
            patch.setenv(f"GIT_{who}_EMAIL", "team@localhost")
        folder = copier.checkout(tmp_path_factory.mktemp("team") / "template")
        copier.git(folder, "tag", "v1.0.0")
    return folder


@pytest.fixture
def template(honest: Path, workplace: Path) -> Path:
    git.run("clone", "--quiet", honest, workplace / "template")
    return workplace / "template"


def harmful(template: Path, harm: str, outside: Path) -> None:
    HARM[harm](template, outside)
    copier.git(template, "add", "--all", "--force")
    copier.git(template, "commit", "--quiet", "--message", "Improve")
    copier.git(template, "tag", "v1.1.0")


def assert_harmless(files: dict[str, bytes]) -> None:
    for path, content in files.items():
        assert SECRET.encode() not in content, path
        assert content != b"harm", path


@pytest.mark.parametrize("harm", HARM)
def test_a_new_project(harm: str, template: Path, outside: Path, scaffold: Runner) -> None:
    harmful(template, harm, outside)
    before = tree.files(outside.parent, without=("template", "p"))
    result = scaffold("new", "p", "-s", "redis", "--template", f"git+file://{template}", "--yes")
    assert result.code in {0, 2, 3}, result.err
    assert "scaffold itself failed" not in result.err, result.err
    assert SECRET not in result.out + result.err
    assert tree.files(outside.parent, without=("template", "p")) == before
    project = outside.parent / "p"
    if result.code:
        assert result.err.count("error:") == 1
        assert not project.exists()
    else:
        assert_harmless(tree.files(project))
        assert not [path for path in project.rglob("*") if path.is_symlink()]
        hooks = {path.name for path in project.rglob("hooks/*") if not path.name.endswith(".sample")}
        assert not hooks


@pytest.mark.parametrize("harm", HARM)
def test_an_update_of_a_project_that_trusted_it(harm: str, template: Path, outside: Path, scaffold: Runner) -> None:
    assert scaffold("new", "p", "-s", "redis", "--template", f"git+file://{template}", "--yes").code == 0
    project = outside.parent / "p"
    harmful(template, harm, outside)
    before = tree.files(outside.parent, without=("template",))
    result = scaffold("update", "--yes", "--project", project)
    assert result.code in {0, 2, 3}, result.err
    assert "scaffold itself failed" not in result.err, result.err
    assert SECRET not in result.out + result.err
    after = tree.files(outside.parent, without=("template",))
    if result.code:
        assert result.err.count("error:") == 1
        assert {path: text for path, text in after.items() if "/.git/" not in path} == {
            path: text for path, text in before.items() if "/.git/" not in path
        }
    else:
        assert_harmless(tree.files(project))
        assert not [path for path in project.rglob("*") if path.is_symlink()]
    assert {path for path in after if "/hooks/" in path} == {path for path in before if "/hooks/" in path}


@pytest.mark.usefixtures("newer")
@pytest.mark.parametrize("key", ["project_name", "postgres_major", "mlflow_runs", "seeded", "services"])
def test_code_in_a_projects_own_answers_is_text(key: str, living: Path, scaffold: Runner) -> None:
    path = living / ".copier-answers.yml"
    kept = [line for line in path.read_text().splitlines() if not line.startswith(f"{key}:")]
    value = json.dumps("{{ ''.__class__ }}{% include '/etc/passwd' %}")
    path.write_text("\n".join([*kept, f"{key}: {value if key != 'services' else '[' + value + ']'}"]) + "\n")
    copier.commit(living)
    before = tree.files(living)
    result = scaffold("update", "--yes", "--project", living)
    assert result.code in {2, 3}, result.err
    assert "scaffold itself failed" not in result.err
    assert "class 'str'" not in result.out + result.err
    assert tree.files(living) == before


@pytest.mark.usefixtures("newer")
@pytest.mark.parametrize("url", ["ext::sh -c touch% OUTSIDE/planted", "--upload-pack=touch OUTSIDE/planted", "-x"])
def test_an_address_is_no_command(url: str, living: Path, outside: Path, scaffold: Runner) -> None:
    url = url.replace("OUTSIDE", str(outside))
    path = living / ".copier-answers.yml"
    kept = [line for line in path.read_text().splitlines() if not line.startswith("_src_path:")]
    path.write_text("\n".join([*kept, f"_src_path: {json.dumps(url)}"]) + "\n")
    copier.commit(living)
    assert scaffold("update", "--yes", "--project", living).code in {2, 3}
    assert scaffold("new", "q", "-s", "redis", "--template", url, "--yes").code in {2, 3}
    assert {path.name for path in outside.iterdir()} == {"private", "private.yml"}
