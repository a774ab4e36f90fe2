"""The training pipeline on a real engine: from nothing to answers, killed in the middle, switched under a client."""

from __future__ import annotations

import csv
import json
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import Make
from tests.support.running import Project, until

pytestmark = pytest.mark.engine

STAGES = ["ingest", "preprocess", "train", "serve"]
# A setosa, and a virginica.
ROWS = [[5.1, 3.5, 1.4, 0.2], [6.3, 3.3, 6.0, 2.5]]
OLD, NEW = ["setosa", "virginica"], ["SETOSA", "VIRGINICA"]

# A training that writes half of its weights and goes on for longer than anybody waits.
ENDLESS = """
import time
def train(data, weights):
    (weights / "model.skops").write_bytes(b"half")
    time.sleep(3600)
"""


@pytest.fixture
def project(make: Make) -> Project:
    project = make(services=STAGES)
    project.init()
    project.configure(SERVE_POLL_SECONDS=1)
    return project


def job(project: Project, *arguments: str, ok: bool = True) -> str:
    """Run a job; what it, and only it, said."""
    done = project.run("docker", "compose", "run", "--rm", *arguments, ok=ok)
    assert ok or done.returncode != 0, done.stdout
    return done.stdout + done.stderr


def ask(project: Project, path: str = "/predict", document: Any = None) -> tuple[int, Any]:
    address = f"http://127.0.0.1:{project.port('SERVE_PORT')}{path}"
    body = json.dumps({"rows": ROWS} if document is None else document).encode() if path == "/predict" else None
    return project.send(urllib.request.Request(address, body, {"Content-Type": "application/json"}))


def asked(project: Project) -> Any:
    """What is answered; nothing while the server starts."""
    try:
        return ask(project)
    except OSError:
        return None


def answered(project: Project, generation: int, predictions: list[str] = OLD) -> bool:
    return bool(asked(project) == (200, {"model": f"generation-{generation:08d}", "predictions": predictions}))


def inside(project: Project, service: str, script: str) -> str:
    """Run a shell where a job runs, with its mounts."""
    return project.compose("run", "--rm", "--no-deps", "-T", "--entrypoint", "sh", service, "-c", script).strip()


def said(project: Project, service: str) -> str:
    """The last line that a job said."""
    return project.run("docker", "logs", f"{project.name}-{service}-1").stdout.splitlines()[-1]


def other_labels(project: Project, folder: Path) -> None:
    """The example once more, with other names for the same flowers."""
    with (project.folder / "services/ingest/app/data/iris.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    folder.mkdir()
    with (folder / "iris.csv").open("w", newline="") as file:
        csv.writer(file).writerows([head, *([*row[:-1], row[-1].upper()] for row in rows)])
    # What mktemp makes is for its owner alone, and the job is another user.
    for path in (folder, folder.parent):
        path.chmod(0o755)
    (folder / "iris.csv").chmod(0o644)


def test_from_nothing_to_answers_that_outlive_down(project: Project) -> None:
    project.compose("up", "--detach")
    until(lambda: "fix: docker compose run --rm train" in str(asked(project)))
    until(lambda: "hint: docker compose run --rm train" in project.ops("status", ok=False).stderr)
    # What waits for its first model is no reason to doubt a backup.
    project.ops("backup")
    project.ops("drill")
    # The weights' first mount was a reader's.
    assert "published generation-00000000" in job(project, "train")
    until(lambda: answered(project, 0))
    assert ask(project, "/model")[1]["result"]["accuracy"] > 0.9
    for rows in (None, [], [1], [[1, 2]], [["1", "2", "3", "4"]], [[10**400] * 4]):
        assert ask(project, document={"rows": rows})[0] == 400, rows
    project.up()
    only_its_writer_writes(project)

    assert "nothing to do, generation-00000000 is of this input" in job(project, "train")
    assert "nothing to do" in said(project, "preprocess")
    assert "nothing to do, raw data has 1 files" in said(project, "ingest")

    # Not with every profile: the containers of jobs stay, and have to run again.
    project.compose("down")
    project.up()
    assert answered(project, 0)
    assert "nothing to do" in job(project, "train")
    assert project.volumes() == project.declared()
    project.compose("--profile", "*", "down")
    assert not project.run("docker", "ps", "-aq", "--filter", f"label=com.docker.compose.project={project.name}").stdout
    project.up()
    assert answered(project, 0)


def container(project: Project, service: str = "serve") -> str:
    return f"{project.name}-{service}-1"


def only_its_writer_writes(project: Project) -> None:
    for service, path in (("preprocess", "/data/raw"), ("train", "/data/processed")):
        assert "Read-only file system" in inside(project, service, f"touch {path}/x 2>&1 || true")
        assert inside(project, service, f"stat -c %u:%g {path} {path}/*").split().count("10001:10001") >= 2
    try_it = "touch /data/weights/x 2>&1; stat -c %u /data/weights; id -u"
    written = project.compose("exec", "-T", "serve", "sh", "-c", try_it)
    assert "Read-only file system" in written
    assert written.split()[-2:] == ["10001", "10001"]


def test_killed_in_the_middle_then_replaced_under_a_client(project: Project, tmp_path: Path) -> None:
    # Here the weights' first mount is their writer's.
    assert "published generation-00000000" in job(project, "train")
    project.up()
    assert answered(project, 0)
    code = project.folder / "services/train/app/train.py"
    good = code.read_text()
    code.write_text(ENDLESS)
    killed_amid_its_work(project)
    assert answered(project, 0)
    assert "half" in project.compose("exec", "-T", "serve", "sh", "-c", "cat /data/weights/.building-*/model.skops")
    project.compose("restart", "serve")
    until(lambda: answered(project, 0))

    code.write_text(good)
    other_labels(project, tmp_path / "mine")
    mount = f"{tmp_path / 'mine'}:/import:ro"
    assert "other files of these names: iris.csv" in job(project, "-v", mount, "ingest", ok=False)
    assert "replaced=1" in job(project, "-v", mount, "ingest", "--replace")
    with polled(project) as answers:
        assert "published generation-00000001" in job(project, "train")
        until(lambda: answered(project, 1, NEW))
    # One, then the other: no error, no mixture, no way back.
    assert set(answers) == {(200, "generation-00000000", *OLD), (200, "generation-00000001", *NEW)}
    assert answers == sorted(answers)
    assert len(answers) > 20
    left = project.compose("exec", "-T", "serve", "ls", "-A", "/data/weights").split()
    assert sorted(left) == [".lock", "CURRENT", "generation-00000000", "generation-00000001"]


def killed_amid_its_work(project: Project) -> None:
    name = f"{project.name}-killed"
    command = ["docker", "compose", "run", "--rm", "--name", name, "train"]
    with subprocess.Popen(
        command, cwd=project.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        half = "test -s $(echo /data/weights/.building-*/model.skops)"
        until(lambda: project.run("docker", "exec", container(project), "sh", "-c", half, ok=False).returncode == 0)
        project.run("docker", "kill", "--signal", "KILL", name)
        output, _ = run.communicate(timeout=60)
        assert run.returncode == 137, output


@contextmanager
def polled(project: Project) -> Iterator[list[tuple[Any, ...]]]:
    """Ask all the time, from two clients at once; every answer in the order of asking."""
    answers: list[tuple[Any, ...]] = []
    end = threading.Event()

    def poll() -> None:
        while not end.is_set():
            status, body = ask(project)
            answers.append((status, body.get("model"), *body.get("predictions", ["none"])))
            time.sleep(0.02)

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        yield answers
    finally:
        end.set()
        thread.join()


def test_a_model_is_backed_up_and_restored_while_it_serves(project: Project) -> None:
    job(project, "train")
    project.up()
    made = json.loads(project.ops("backup", "--json").stdout)
    stored = {item["volume"]: item["state"] for item in made["items"]}
    assert stored == {"model_weights": "stored", "raw_data": "stored", "processed_data": "left out"}
    project.configure(TRAIN_C="0.01")
    assert "published generation-00000001" in job(project, "train")
    until(lambda: ask(project, "/model")[1]["generation"] == "generation-00000001")
    project.ops("restore", made["set"], "--only", "model_weights", "--replace")
    assert answered(project, 0)
    assert ask(project, "/model")[1]["result"]["C"] == 1.0
    project.ops("drill", made["set"])
    # What was restored is of another recipe: it is trained again, on the data that is there.
    assert "published generation-00000001" in job(project, "train")
    until(lambda: ask(project, "/model")[1]["result"]["C"] == 0.01)


RUNS = """
from clients import mlflow
client = mlflow.connect()
for run in client.search_runs([client.get_experiment_by_name("train").experiment_id]):
    print(run.info.run_name, run.info.status, run.data.metrics["accuracy"] > 0.9, run.data.params["data"])
"""


def test_each_model_is_a_run_where_runs_are_tracked(make: Make) -> None:
    project = make(services=["ingest", "preprocess", "train", "mlflow"])
    project.init()
    job(project, "train")
    command = ["run", "--rm", "--no-deps", "-T", "--entrypoint", "python", "train", "-c", RUNS]
    logged = project.compose(*command).strip().splitlines()[-1]
    assert logged == "generation-00000000 FINISHED True generation-00000000"
    project.compose("stop", "mlflow")
