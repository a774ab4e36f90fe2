"""`scaffold new`, without anybody to ask: what appears, and what was there before."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scaffold.catalog.index import load
from scaffold.project.answers import complete, from_file
from tests.support import copier, tree
from tests.support.cli import Runner
from tools.examples import ROOT

TEMPLATE = ("--template", ROOT)
# Made by `ops init`, outside the template.
LOCAL = (".git", ".env", "secrets")


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """`ops init` must not look at this machine's volumes."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")


@pytest.mark.parametrize("services", [["mlflow"], ["postgres", "mlflow"], ["postgres", "mlflow", "seaweedfs"]])
def test_plain_copier_has_the_same_defaults(workplace: Path, services: list[str]) -> None:
    """Those of a question for a provider are worked out twice, here in Python and there in the template."""
    template = copier.checkout(workplace / "template")
    asked = copier.data({"project_name": "p", "services": services})
    copier.plain("copy", "--defaults", "--vcs-ref", "HEAD", *asked, template, "p", folder=workplace)
    ours = complete(load(ROOT), {"project_name": "p", "services": services})
    assert from_file(workplace / "p" / ".copier-answers.yml") == ours


@pytest.mark.parametrize(
    "args", [["--preset", "web"], ["--preset", "crud", "--set", "postgres_major=17"], ["-s", "redis"]]
)
def test_the_same_files_as_plain_copier(scaffold: Runner, workplace: Path, args: list[str]) -> None:
    template = copier.checkout(workplace / "template")
    result = scaffold("new", "ours", "--template", template, *args, "--json")
    assert result.code == 0, result.err
    answers = copier.data(result.document["answers"])
    copier.plain("copy", "--defaults", "--vcs-ref", "HEAD", *answers, template, "theirs", folder=workplace)
    assert tree.files(workplace / "ours", without=LOCAL) == tree.files(workplace / "theirs", without=LOCAL)


def test_a_project_appears_with_secrets_and_a_first_commit(scaffold: Runner, workplace: Path) -> None:
    result = scaffold("new", "My App", *TEMPLATE, "--preset", "web")
    project = workplace / "My App"
    assert result.code == 0
    assert result.out.endswith(f"  cd '{project}'\n  docker compose up -d --wait\n")
    assert [path.name for path in workplace.iterdir()] == ["My App"]
    assert "name: my-app\n" in (project / "compose.yaml").read_text()
    assert copier.git(project, "log", "--format=%an %s") == "Tester Start the project with scaffold\n"
    assert copier.git(project, "status", "--porcelain") == ""
    assert stat.S_IMODE((project / "secrets").stat().st_mode) == 0o700
    assert stat.S_IMODE((project / ".env").stat().st_mode) == 0o600
    for secret in (project / "secrets").glob("[!.]*"):
        assert stat.S_IMODE(secret.stat().st_mode) == 0o444
    assert {path.name for path in (project / "secrets").glob("[!.]*")} == {"flask_secret_key", "mongo_password"}
    assert "could not check" in result.err, "there is no engine here, and that is said"


def test_no_secret_is_committed_printed_or_an_answer(scaffold: Runner, workplace: Path) -> None:
    result = scaffold("new", "x", *TEMPLATE, "--preset", "crud", "--json")
    project = workplace / "x"
    committed = copier.git(project, "log", "--patch", "--format=")
    answers = (project / ".copier-answers.yml").read_text()
    secrets = [path.read_text() for path in (project / "secrets").glob("[!.]*")]
    assert len(secrets) == 3
    for secret in secrets:
        assert len(secret) >= 40
        assert secret not in result.out + result.err + committed + answers


def test_the_document(scaffold: Runner, workplace: Path) -> None:
    document = scaffold("new", "x", *TEMPLATE, "--preset", "crud", "--json").document
    assert document["version"] == 1
    assert document["services"] == ["flask", "postgres", "redis"]
    assert document["answers"]["postgres_major"] == "18"
    assert [volume["name"] for volume in document["volumes"]] == ["user_uploads", "postgres_data", "redis_data"]
    assert document["template"] == {"source": str(ROOT), "version": None}
    assert (document["committed"], document["dry_run"]) == (True, False)
    assert document["path"] == str(workplace / "x")
    assert document["next"][-1] == "docker compose up -d --wait"


def test_a_dry_run_changes_nothing(scaffold: Runner, workplace: Path) -> None:
    result = scaffold("new", "deep/x", *TEMPLATE, "--preset", "web", "--dry-run")
    assert result.code == 0
    assert "create\tcompose.yaml\n" in result.out
    assert list(workplace.iterdir()) == []
    document = scaffold("new", "x", *TEMPLATE, "--preset", "web", "--dry-run", "--json").document
    assert (document["dry_run"], document["ops"]) == (True, None)
    assert list(workplace.iterdir()) == []


def test_answers_from_a_file_and_flags_over_it(scaffold: Runner, workplace: Path) -> None:
    (workplace / "a.yaml").write_text(
        "project_name: filed\nservices: [postgres]\npostgres_major: 17\npostgres_vector: true\n"
    )
    result = scaffold(
        "new", "x", *TEMPLATE, "--answers", "a.yaml", "--set", "postgres_major=18", "-s", "redis", "--json"
    )
    assert result.document["answers"] == {
        "project_name": "filed",
        "services": ["postgres", "redis"],
        "postgres_major": "18",
        "postgres_vector": True,
    }
    again = scaffold("new", "y", *TEMPLATE, "--answers", workplace / "x" / ".copier-answers.yml", "--json")
    assert again.document["answers"] == result.document["answers"]


def test_a_service_that_needs_another_brings_it_and_says_so(scaffold: Runner, workplace: Path) -> None:
    template = copier.checkout(workplace / "template")
    entry = template / "templates/project/services/flask/service.toml"
    entry.write_text('requires = ["postgres"]\n' + entry.read_text())
    assert scaffold("catalog", "build", template).code == 0
    result = scaffold("new", "x", "--template", template, "-s", "flask", "--set", "postgres_major=17")
    assert result.code == 0, result.err
    assert "note: `postgres` comes too: flask needs it" in result.err
    assert "  - services/postgres/compose.yaml\n" in (workplace / "x" / "compose.yaml").read_text()
    assert "services:\n- flask\n" in (workplace / "x" / ".copier-answers.yml").read_text(), "only what was chosen"


def test_no_git(scaffold: Runner, workplace: Path) -> None:
    assert scaffold("new", "x", *TEMPLATE, "-s", "redis", "--no-git").code == 0
    assert not (workplace / "x" / ".git").exists()


def test_without_a_git_identity(scaffold: Runner, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = workplace.parent / "nobody"
    config.write_text("[user]\nuseConfigOnly = true\n[commit]\ngpgSign = true\n[core]\nhooksPath = /bin\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    result = scaffold("new", "x", *TEMPLATE, "-s", "redis")
    assert result.code == 0
    assert "git knows no name of yours" in result.err
    assert copier.git(workplace / "x", "log", "--format=%an") == "scaffold\n"


def test_into_an_empty_folder_that_somebody_stands_in(scaffold: Runner, workplace: Path) -> None:
    result = scaffold("new", ".", *TEMPLATE, "-s", "redis", "--set", "project_name=here")
    assert result.code == 0, result.err
    assert (Path.cwd() / "compose.yaml").exists(), "the folder is still the same one"
    assert result.out.endswith("ports\n127.0.0.1:6379\tRedis\tREDIS_PORT in .env\n  docker compose up -d --wait\n")
    assert copier.git(workplace, "status", "--porcelain") == ""


def test_beside_the_files_of_a_cloned_repository(scaffold: Runner, workplace: Path) -> None:
    copier.git(workplace, "init", "--quiet")
    theirs = {"README.md": "# Mine\n", "LICENSE": "MIT\n", ".gitignore": "*.log\n", "src/main.py": "print()\n"}
    for name, text in theirs.items():
        (workplace / name).parent.mkdir(exist_ok=True)
        (workplace / name).write_text(text)
    copier.commit(workplace, "Theirs")
    result = scaffold("new", ".", *TEMPLATE, "--preset", "web", "--set", "project_name=cloned")
    assert result.code == 0, result.err
    for said in ("README.md was there already", ".gitignore got the lines", "nothing was committed"):
        assert said in result.err
    assert (workplace / ".gitignore").read_text().startswith("*.log\n")
    for name in ("README.md", "LICENSE", "src/main.py"):
        assert (workplace / name).read_text() == theirs[name]
    status = copier.git(workplace, "status", "--porcelain")
    assert " M .gitignore\n" in status
    assert "?? compose.yaml\n" in status
    assert "secrets" not in status
    assert ".env\n" not in status
    assert copier.git(workplace, "log", "--format=%s") == "Theirs\n"
    again = scaffold("new", ".", *TEMPLATE, "--preset", "web")
    assert (again.code, "a project already" in again.err) == (2, True)


def test_an_interrupt_after_the_files_are_there_says_how_to_go_on(
    scaffold: Runner, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    copier.git(workplace, "init", "--quiet")
    monkeypatch.setattr("scaffold.project.create.ops.init", interrupted)
    result = scaffold("new", ".", *TEMPLATE, "-s", "redis", "--set", "project_name=p")
    assert (result.code, "go on with python3 ops init" in result.err) == (130, True)
    assert (workplace / "compose.yaml").exists()


def test_a_repository_with_a_compose_file_is_refused_whole(scaffold: Runner, workplace: Path) -> None:
    copier.git(workplace, "init", "--quiet")
    (workplace / "docker-compose.yml").write_text("services: {}\n")
    before = tree.files(workplace)
    result = scaffold("new", ".", *TEMPLATE, "--preset", "web")
    assert result.code == 2
    assert "docker-compose.yml" in result.err
    assert tree.files(workplace) == before


def test_inside_a_bigger_repository_no_nested_one_is_made(scaffold: Runner, workplace: Path) -> None:
    copier.git(workplace, "init", "--quiet")
    result = scaffold("new", "services/rag", *TEMPLATE, "-s", "redis")
    assert result.code == 0
    assert not (workplace / "services" / "rag" / ".git").exists()
    assert "part of a repository of yours" in result.err


def test_a_full_folder_is_refused_with_the_way_out(scaffold: Runner, workplace: Path) -> None:
    (workplace / "thesis.doc").write_text("mine")
    result = scaffold("new", ".", *TEMPLATE, "-s", "redis")
    assert result.code == 2
    assert "git init" in result.err
    assert tree.files(workplace) == {"thesis.doc": b"mine"}


def test_killed_at_any_time_leaves_all_or_nothing(workplace: Path) -> None:
    """SIGKILL cannot be cleaned up after: what stays is a scratch folder, never half a project."""
    command = [sys.executable, "-m", "scaffold", "new", str(workplace / "x"), "--template", str(ROOT), "-s", "redis"]
    for tenths in range(1, 12, 2):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(tenths / 10)
        process.kill()
        process.wait()
        if (workplace / "x").exists():
            assert copier.git(workplace / "x", "status", "--porcelain") == ""
            assert (workplace / "x" / "secrets" / "redis_password").exists()
            break
    leftovers = {path.name for path in workplace.iterdir()} - {"x"}
    assert all(name.startswith(".scaffold-") for name in leftovers)


def test_an_interrupt_in_the_middle_leaves_nothing(workplace: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "scaffold",
        "new",
        str(workplace / "deep" / "x"),
        "--template",
        str(ROOT),
        "-s",
        "redis",
    ]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 20
    while not list(workplace.glob("deep/.scaffold-*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "interrupted" in said
    assert "Traceback" not in said
    assert list(workplace.iterdir()) == []


def test_two_at_once_give_one_project(workplace: Path) -> None:
    command = [sys.executable, "-m", "scaffold", "new", str(workplace / "x"), "--template", str(ROOT), "-s", "redis"]
    running = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(2)]
    for process in running:
        process.communicate()
    codes = [process.returncode for process in running]
    assert sorted(codes) in ([0, 2], [0, 3]), codes
    assert copier.git(workplace / "x", "status", "--porcelain") == ""
    assert [path.name for path in workplace.iterdir()] == ["x"]


def test_the_shared_cache_of_copier_is_left_alone(
    scaffold: Runner, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a mirror of the URL, which the bundle in this package would prune."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(workplace / "cache"))
    assert scaffold("new", "x", *TEMPLATE, "-s", "redis").code == 0
    assert not (workplace / "cache").exists()
