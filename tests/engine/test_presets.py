"""Every preset, for real: healthy, linked, written to, taken down, moved, started again, and nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scaffold.catalog.index import load
from tests.engine.conftest import Make
from tests.support import models, notebook
from tests.support.running import ANONYMOUS, OWN_SERVICE, Project
from tools.examples import ROOT

pytestmark = pytest.mark.engine

PRESETS = load(ROOT).presets

# How a person writes one thing to each store, and reads it back, with the client that the project has for it.
WRITE = {
    "mongo": "from clients import mongo; mongo.connect().notes.insert_one({'_id': 'kept', 'text': 'still here'})",
    "postgres": "from clients import postgres\n"
    "with postgres.connect() as c: c.execute('create table notes (text text)'); "
    "c.execute(\"insert into notes values ('still here')\")",
    "redis": "from clients import redis; redis.connect().set('note', 'still here')",
    "chroma": "from clients import chroma; chroma.put('notes', 'note', '1', ['still here'], [[1.0, 0.0]])",
    "mlflow": "from clients import mlflow; c = mlflow.connect(); "
    "run = c.create_run(c.create_experiment('notes')).info.run_id; c.log_text(run, 'still here', 'note.txt')",
    "seaweedfs": "from clients import seaweedfs as s; "
    "s.connect().put_object(Bucket=s.bucket(), Key='note', Body=b'still here')",
}
READ = {
    "mongo": "from clients import mongo; print(mongo.connect().notes.find_one({'_id': 'kept'})['text'])",
    "postgres": "from clients import postgres\n"
    "with postgres.connect() as c: print(c.execute('select text from notes').fetchone()[0])",
    "redis": "from clients import redis; print(redis.connect().get('note'))",
    "chroma": "from clients import chroma; print(chroma.nearest('notes', [1.0, 0.1], 1)[0].text)",
    "mlflow": "from clients import mlflow; import mlflow as m; c = mlflow.connect(); "
    "run = c.search_runs([c.get_experiment_by_name('notes').experiment_id])[0].info.run_id; "
    "print(m.artifacts.load_text(f'runs:/{run}/note.txt'))",
    "seaweedfs": "from clients import seaweedfs as s; "
    "print(s.connect().get_object(Bucket=s.bucket(), Key='note')['Body'].read().decode())",
}
# What is not written to by a client: its content comes from uploads, from a download, or from what is logged.
FED_OTHERWISE = {"faiss-worker", "llama-cpp", "log-collector", "ollama"}


@pytest.mark.parametrize("preset", PRESETS)
def test_data_outlives_down_and_a_renamed_folder(make: Make, preset: str, tmp_path: Path) -> None:
    services = PRESETS[preset]["services"]
    project = make(hasty=False, services=services)
    project.init()
    if project.application == OWN_SERVICE:
        notebook.add(project, services)
    pull(project)
    trained(project)
    project.up()
    declared = project.declared()
    assert project.volumes() == declared, "exactly the declared volumes"
    links_are_green(project, services)
    stores = [id for id in services if id in WRITE]
    for store in stores:
        project.in_app(WRITE[store])
    if project.application != OWN_SERVICE:
        assert project.upload("café.txt", b"x" * 3_000_000)[0] == 201

    project.compose("down")
    assert project.volumes() == declared
    project.up()
    still_there(project, services, stores)

    # As the project's README says it where there are jobs.
    project.compose("--profile", "*", "down")
    project.move(tmp_path / "another name")
    project.up()
    still_there(project, services, stores)
    assert project.volumes() == declared
    assert not any(ANONYMOUS.fullmatch(name) for name in project.volumes())
    status = project.ops("status")
    assert "unhealthy" not in status.stdout


def pull(project: Project) -> None:
    """Download the models that the project has a service for, from this machine."""
    if not (project.folder / "services/llama-cpp").exists():
        return
    with models.serve() as downloads:
        downloads.files = {"chat.gguf": models.tiny_model(), "embed.gguf": models.tiny_model()}
        project.configure(
            LLAMA_CPP_CHAT_MODEL=downloads.url("chat.gguf"), LLAMA_CPP_EMBED_MODEL=downloads.url("embed.gguf")
        )
        project.compose("run", "--rm", "llama-cpp-pull")


def trained(project: Project) -> None:
    """Train the model that the project serves, if it is there to do so."""
    if (project.folder / "services/train").exists():
        project.compose("run", "--rm", "train")


def links_are_green(project: Project, services: list[str]) -> None:
    """Every client's check passes: asked of the application, or of the clients where there is none."""
    linked = {id.replace("-", "_") for id in services if load(ROOT).entries[id]["client"]}
    green = {key: {"ok": True} for key in linked}
    if project.application == OWN_SERVICE:
        said = project.in_app("import json, clients; print(json.dumps(clients.check_all()))")
        assert json.loads(said.splitlines()[-1]) == green
    else:
        assert project.get("/links") == (200, green)


def still_there(project: Project, services: list[str], stores: list[str]) -> None:
    links_are_green(project, services)
    if (project.folder / "services/serve").exists():
        model = "import urllib.request as u; print(u.urlopen('http://serve:8000/model').read().decode())"
        assert json.loads(project.in_app(model))["generation"] == "generation-00000000"
    for store in stores:
        assert project.in_app(READ[store]) == "still here", store
    if project.application != OWN_SERVICE:
        assert project.get("/uploads")[1] == {"files": [{"name": "cafe.txt", "size": 3_000_000}]}


def test_every_preset_writes_to_all_its_stores() -> None:
    """A preset with a store that this file cannot write to would be proven less than it looks."""
    catalog = load(ROOT)
    for preset in PRESETS.values():
        for id in preset["services"]:
            assert id in {*WRITE, *FED_OTHERWISE} or not catalog.entries[id]["client"], f"say how to write to {id}"
