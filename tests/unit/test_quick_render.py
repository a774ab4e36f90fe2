"""What copier is spared changes nothing of what it makes."""

from __future__ import annotations

import re
from contextlib import nullcontext
from pathlib import Path

import pytest
from jinja2 import Environment

from scaffold.errors import ScaffoldError
from scaffold.project.quick_render import sparing
from scaffold.project.render import render
from scaffold.project.source import Template
from tests.support import tree

ANSWERS = {"project_name": "my-rag", "services": ["flask", "postgres", "chroma"]}


def made(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {name: (text, (folder / name).stat().st_mode) for name, text in tree.files(folder, without=()).items()}


def test_a_project_is_the_same_byte_for_byte(
    template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    render(template, ANSWERS, tmp_path / "spared")
    monkeypatch.setattr("scaffold.project.render.sparing", nullcontext)
    render(template, ANSWERS, tmp_path / "plain")
    assert made(tmp_path / "spared") == made(tmp_path / "plain")


def test_git_is_not_started_for_every_file(template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trace = tmp_path / "trace"
    monkeypatch.setenv("GIT_TRACE", str(trace))
    render(template, ANSWERS, tmp_path / "project")
    started = re.findall(r"trace: built-in: git (\S+)", trace.read_text())
    assert len(started) < len(made(tmp_path / "project")) / 4


def test_a_text_that_comes_again_is_rendered_anew(tmp_path: Path) -> None:
    """Also one that `yield`s: copier keeps what such a text said beside it."""
    import copier

    parts = tmp_path / "template"
    for folder in ("{% yield one from names %}{{ one }}{% endyield %}", "plain"):
        (parts / folder).mkdir(parents=True)
        for name in ("a", "b"):
            (parts / folder / f"{{{{ word }}}}-{name}.jinja").write_text("{{ word }} {{ one | default('none') }}\n")
    (parts / "copier.yml").write_text("word:\n  type: str\nnames:\n  type: json\n")
    data = {"word": "hello", "names": ["x", "y"]}
    copier.run_copy(str(parts), tmp_path / "plain", data=data, defaults=True, quiet=True)
    with sparing():
        copier.run_copy(str(parts), tmp_path / "spared", data=data, defaults=True, quiet=True)
    assert made(tmp_path / "spared") == made(tmp_path / "plain")
    assert (tmp_path / "spared" / "x" / "hello-b").read_text() == "hello x\n"
    assert (tmp_path / "spared" / "plain" / "hello-b").read_text() == "hello none\n"


@pytest.mark.parametrize(
    "settings",
    ["_envops: {trim_blocks: true}\n", "_envops: {variable_start_string: '[[', variable_end_string: ']]'}\n", ""],
    ids=["blocks", "brackets", "usual"],
)
@pytest.mark.parametrize("name", [".answers.yml", "{{ word }}.yml", "[[ word ]].yml"])
def test_each_template_has_its_own_language(tmp_path: Path, settings: str, name: str) -> None:
    """The same texts, one after another in one process: what one template makes of them is not what another does."""
    import copier

    parts = tmp_path / "template"
    parts.mkdir()
    (parts / "text.jinja").write_text("{% if word %}\n{{ word }} [[ word ]]\n{% endif %}\n")
    (parts / "{{ _copier_conf.answers_file }}.jinja").write_text("{{ _copier_answers | to_nice_yaml }}")
    (parts / "[[ _copier_conf.answers_file ]].jinja").write_text("[[ _copier_answers | to_nice_yaml ]]")
    for folder in ("plain", "spared"):
        (parts / "copier.yml").write_text(f"{settings}_answers_file: '{name}'\nword:\n  type: str\n")
        with sparing() if folder == "spared" else nullcontext():
            copier.run_copy(str(parts), tmp_path / folder, data={"word": "said"}, defaults=True, quiet=True)
    assert made(tmp_path / "spared") == made(tmp_path / "plain")
    assert len(made(tmp_path / "plain")) == 3


def test_nothing_of_it_stays(template: Template, tmp_path: Path) -> None:
    from copier import _main

    before = (Environment.compile, vars(_main.Worker).copy())
    with pytest.raises(ScaffoldError):
        render(template, {**ANSWERS, "services": ["no-such-service"]}, tmp_path / "project")
    assert (Environment.compile, vars(_main.Worker).copy()) == before
