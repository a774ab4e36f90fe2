"""What users read about backups is what `ops` does: words, commands, causes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scaffold.catalog.index import load
from scaffold.project.answers import complete
from scaffold.project.render import render
from scaffold.project.source import Template
from tools.examples import ROOT

VOLUMES = ROOT / "templates/project/VOLUMES.md.jinja"
TO = ("backup", "list", "verify", "drill", "restore", "forget", "recover")
FENCE = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
UNIT = re.compile(r"^ExecStart=/usr/bin/python3 ops (.+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def everything(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with every service and, where there is a choice, every volume."""
    catalog = load(ROOT)
    folder = tmp_path_factory.mktemp("project") / "all-of-it"
    own = {"mlflow_runs": "own", "mlflow_files": "own"}
    answers = {"project_name": "all-of-it", "services": list(catalog.offered), **own}
    render(template, complete(catalog, answers), folder)
    return folder


def commands(text: str) -> Iterator[list[str]]:
    """The arguments of each `ops` command in a page's blocks of shell."""
    for block in FENCE.findall(text):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if words[:2] == ["python3", "ops"]:
                yield words[2:]


def parsed(arguments: list[str]) -> Any:
    from ops import cli

    return cli.parser().parse_args(arguments)


def sentences() -> dict[str, str]:
    """The map of `backup:` words in the template of VOLUMES.md."""
    said = VOLUMES.read_text().partition("{% set how = {")[2].partition("} %}")[0]
    return dict(re.findall(r"""^  '([a-z0-9-]+)': (?:'|")(.+)(?:'|"),$""", said, re.MULTILINE))


def test_every_word_has_a_sentence_and_every_sentence_a_store() -> None:
    from ops import stores

    assert set(sentences()) == {*stores.STORES, stores.NONE}


def test_every_volume_has_a_store_and_its_page_says_what_that_does(everything: Path) -> None:
    from ops import stores

    words = {volume["backup"] for entry in load(ROOT).entries.values() for volume in entry["volumes"]}
    assert len(words) > 5
    page = (everything / "VOLUMES.md").read_text()
    for word in sorted(words):
        assert word in {*stores.STORES, stores.NONE}
        assert page.count(f"| {word} | {sentences()[word]} |") == 1


def test_what_is_said_to_be_stopped_is_stopped() -> None:
    from ops import stores

    for word, store in stores.STORES.items():
        how = "dumped by" if store.dumps else {"pause": "paused", "stop": "stopped"}[store.copy]
        assert how in sentences()[word], word


def test_every_command_on_a_page_is_one(everything: Path) -> None:
    readme = list(commands((everything / "README.md").read_text()))
    assert {arguments[0] for arguments in readme} == {*TO, "init", "status", "usage"}
    for arguments in [*readme, *commands((everything / "VOLUMES.md").read_text())]:
        assert parsed(arguments).verb == arguments[0]


@pytest.mark.parametrize("verb", TO)
def test_all_of_them_take_another_folder(verb: str) -> None:
    arguments = [verb, *(["latest"] if verb == "restore" else []), "--to", "elsewhere"]
    assert parsed(arguments).to == "elsewhere"


def test_one_path_is_shown_of_a_volume_that_has_paths(everything: Path) -> None:
    from ops import stores

    volumes = {volume["name"]: volume for entry in load(ROOT).entries.values() for volume in entry["volumes"]}
    found = [parsed(each) for each in commands((everything / "VOLUMES.md").read_text())]
    shown = [each.only[0] for each in found if each.path]
    assert len(shown) == 1
    assert not stores.of(volumes[shown[0]]["backup"]).dumps


def test_timers_start_what_is_there(everything: Path) -> None:
    folder = everything / "ops/schedule"
    timers = sorted(path.stem for path in folder.glob("*.timer"))
    assert timers == ["all-of-it-backup", "all-of-it-drill"]
    for name in timers:
        lines = UNIT.findall((folder / f"{name}.service").read_text())
        assert parsed(shlex.split(lines[0])).verb == name.rpartition("-")[2]
        for line in lines:
            parsed(shlex.split(line))


def test_cron_forgets_after_a_good_backup_only(everything: Path) -> None:
    lines = [line for line in (everything / "ops/schedule/crontab").read_text().splitlines() if line[:1].isdigit()]
    verbs = []
    for line in lines:
        start, *steps = line.split(maxsplit=5)[5].split(" && ")
        assert start == "cd /srv/all-of-it"
        assert all(step.startswith("python3 ops ") and step.endswith(" > /dev/null") for step in steps)
        verbs.append([parsed(shlex.split(step.removesuffix(" > /dev/null"))[2:]).verb for step in steps])
    assert verbs == [["backup", "forget"], ["drill"]]


def test_the_page_has_every_word_for_what_went_wrong() -> None:
    from ops.errors import CAUSES

    page = (ROOT / "docs/backups.md").read_text()
    for word, meaning in CAUSES.items():
        assert f"| `{word}` | {meaning} |" in page


def test_the_page_has_every_word_for_a_method() -> None:
    from ops import stores

    page = (ROOT / "docs/backups.md").read_text()
    for word in (*stores.STORES, stores.NONE):
        assert f"`{word}`" in page
