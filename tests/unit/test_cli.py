"""What users meet first: errors in three lines, exit codes, and documents for other programs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import Runner
from tools.examples import ROOT

TEMPLATE = ("--template", ROOT)


@pytest.mark.parametrize(
    ("args", "code", "error", "hint"),
    [
        (["nwe"], 2, "there is no command `nwe`", "`new`"),
        (["new"], 2, "Missing argument", "scaffold new --help"),
        (["new", "x", "--colour"], 2, "No such option", "scaffold new --help"),
        (["new", "x", *TEMPLATE], 2, "no service was chosen", "pass -s SERVICE"),
        (["new", "x", *TEMPLATE, "-s", "mongod"], 2, "no service `mongod`", "`mongo`"),
        (["new", "x", *TEMPLATE, "--preset", "wbe"], 2, "no preset `wbe`", "`web`"),
        (["new", "x", *TEMPLATE, "-s", "redis", "--set", "a=b"], 2, "no question `a`", "there is"),
        (["new", "x", *TEMPLATE, "-s", "redis", "--set", "a"], 2, "cannot read `--set a`", "--set key=value"),
        (["new", "x", *TEMPLATE, "-s", "redis", "--set", "project_name=A b"], 2, "project's name", "project_name="),
        (["new", "...", *TEMPLATE, "-s", "redis"], 2, "`` cannot be the project's name", "project_name="),
        (["new", "x", *TEMPLATE, "-s", "postgres", "--set", "postgres_major=9"], 2, "does not answer", "18, 17"),
        (["new", "x", *TEMPLATE, "--answers", "absent.yaml"], 3, "cannot read the answers file", ""),
        (["new", "x", "--template", ".", "-s", "redis"], 2, "is not a template", "root of its repository"),
        (["new", "x", "--template", "file:///nowhere/x.git", "-s", "redis"], 2, "was not used before", "--yes"),
        (["new", "x", "--template", "file:///nowhere/x.git", "-s", "redis", "--yes"], 3, "git ls-remote failed", ""),
        (["show", "mogno", *TEMPLATE], 2, "no service or preset `mogno`", "`mongo`"),
        (["catalog", "build", "absent"], 2, "absent", "--help"),
    ],
)
def test_bad_input(scaffold: Runner, workplace: Path, args: list[str], code: int, error: str, hint: str) -> None:
    result = scaffold(*args)
    assert result.code == code
    assert result.err.startswith("error: ") or "\nerror: " in result.err
    assert error in result.err
    assert hint in result.err
    assert list(workplace.iterdir()) == []


def test_nothing_given_shows_help_and_is_a_usage_error(scaffold: Runner) -> None:
    result = scaffold()
    assert result.code == 2
    assert "scaffold new my-app" in result.err


def test_without_git(scaffold: Runner, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(workplace))
    result = scaffold("new", "x", *TEMPLATE, "-s", "redis")
    assert (result.code, "git is not installed" in result.err) == (3, True)
    assert "git 2.31" in result.err


def test_a_destination_that_cannot_be_written(scaffold: Runner, workplace: Path) -> None:
    (workplace / "file").write_text("mine")
    result = scaffold("new", "file/x", *TEMPLATE, "-s", "redis")
    assert result.code == 3
    assert "Not a directory" in result.err
    assert (workplace / "file").read_text() == "mine"


@pytest.mark.skipif(os.getuid() == 0, reason="root writes everywhere; test_a_read_only_parent covers root")
def test_a_folder_without_permission(scaffold: Runner, workplace: Path) -> None:
    workplace.chmod(0o500)
    result = scaffold("new", "x", *TEMPLATE, "-s", "redis")
    workplace.chmod(0o700)
    assert result.code == 3


def test_a_read_only_parent(scaffold: Runner) -> None:
    """/proc refuses even root."""
    result = scaffold("new", "/proc/x", *TEMPLATE, "-s", "redis")
    assert result.code == 3
    assert "cannot write" in result.err


def test_a_mistake_of_ours_is_one_line_and_a_file(
    scaffold: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("scaffold.catalog.index.load", lambda _: 1 / 0)
    result = scaffold("list", *TEMPLATE)
    assert result.code == 3
    assert "error: scaffold itself failed\n  cause: ZeroDivisionError: division by zero\nhint: report it" in result.err
    log = next(tmp_path.glob("scaffold-*.log"))
    assert "Traceback" in log.read_text()


def test_list(scaffold: Runner) -> None:
    result = scaffold("list", *TEMPLATE)
    assert result.code == 0
    assert "mongo\tdatabase\tcompatible\tDocument database\n" in result.out
    assert "web\tflask, mongo\t" in result.out
    document = scaffold("list", *TEMPLATE, "--json").document
    assert document["version"] == 1
    assert {service["id"] for service in document["services"]} >= {"flask", "mongo", "postgres", "redis"}
    assert {preset["name"] for preset in document["presets"]} >= {"web", "crud"}


def test_show_a_service(scaffold: Runner) -> None:
    result = scaffold("show", "mongo", *TEMPLATE)
    assert result.code == 0
    for fact in ("compatible: Run here against FerretDB", "mongo_data\tdatabase\tmongo-dump", "used by\tfastapi, "):
        assert fact in result.out
    assert "VOLUME\t/data/db, /data/configdb" in result.out
    document = scaffold("show", "postgres", *TEMPLATE, "--json").document
    paths = {image["image"]: image["volumes"] for image in document["images"]}
    assert paths["postgres:17-trixie"] == ["/var/lib/postgresql/data"]
    assert paths["postgres:18-trixie"] == ["/var/lib/postgresql"]
    assert document["links"] == {"uses": [], "used_by": ["fastapi", "flask", "mlflow"]}


def test_show_a_preset(scaffold: Runner) -> None:
    assert "flask\tWeb application" in scaffold("show", "web", *TEMPLATE).out
    assert scaffold("show", "web", *TEMPLATE, "--json").document["services"] == ["flask", "mongo"]


def test_catalog_check_finds_a_stale_index(scaffold: Runner, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(ROOT / "templates", tmp_path / "templates")
    assert scaffold("catalog", "build", "--check", tmp_path).code == 0
    index = tmp_path / "templates" / "catalog.json"
    index.write_text("{}")
    stale = scaffold("catalog", "build", "--check", tmp_path)
    assert (stale.code, "scaffold catalog build" in stale.err) == (1, True)
    assert index.read_text() == "{}"
    assert scaffold("catalog", "build", tmp_path).code == 0
    assert index.read_text() == (ROOT / "templates" / "catalog.json").read_text()


def test_a_reader_that_leaves_early() -> None:
    command = f"{sys.executable} -m scaffold list --template {ROOT} | head -c 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stderr == ""


def test_help_loads_nothing_heavy() -> None:
    """Start-up is a feature: modules are counted, since milliseconds depend on the machine."""
    code = "import sys; from scaffold.cli.main import run; run(['--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert not loaded & {"copier", "questionary", "jinja2", "yaml", "plumbum", "tomllib", "subprocess", "json"}
    assert not {name for name in loaded if name.startswith(("scaffold.project", "scaffold.catalog"))}


@pytest.mark.parametrize("command", ["new", "list", "show", "catalog"])
def test_every_command_has_help_and_is_in_the_list(scaffold: Runner, command: str) -> None:
    assert scaffold(command, "--help").code == 0
    assert f"\n  {command}" in scaffold("--help").out
