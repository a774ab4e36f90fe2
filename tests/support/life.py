"""A project in its first months: what its users do to it, and what an operation did to what they had done."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from scaffold.cli.main import run
from scaffold.compose.merge import three_way
from tests.support import copier, tree

NAME = "life-of-a-project"
CHOSEN = ("flask", "mongo", "postgres")
MONGO, FLASK = "services/mongo/compose.yaml", "services/flask/compose.yaml"

# What git does not track, and operations leave alone or only add to.
OURS = ("secrets", ".env", ".git")


@dataclass(frozen=True)
class Edit:
    """What somebody did to a project of `CHOSEN`: texts they replaced, files they made or deleted."""

    name: str
    replaced: Mapping[str, Mapping[str, str]] | None = None
    made: Mapping[str, str] | None = None
    deleted: tuple[str, ...] = ()
    # The files of `mongo` among these: what goes with it.
    of_mongo: tuple[str, ...] = ()

    def __call__(self, project: Path) -> None:
        for path, texts in (self.replaced or {}).items():
            for old, new in texts.items():
                text = (project / path).read_text()
                assert text.count(old) == 1, (path, old, text.count(old))
                (project / path).write_text(text.replace(old, new))
        for path, text in (self.made or {}).items():
            (project / path).parent.mkdir(parents=True, exist_ok=True)
            (project / path).write_text(text)
        for path in self.deleted:
            (project / path).unlink()


EDITS = (
    Edit(
        "comments",
        replaced={
            MONGO: {
                "    image: mongo": "    # Asked of Kim.\n    image: mongo",
                "restart: unless-stopped\n": "restart: unless-stopped  # not always\n# The end of Mongo.\n",
                "      - mongo_password\n": "      # Turned every quarter.\n      - mongo_password\n",
                "    healthcheck:\n": "    healthcheck:  # slow on laptops\n",
            },
            "compose.yaml": {
                "  user_uploads:\n\n": "  # On the big disk.\n  user_uploads:\n\n",
                "  - services/flask/compose.yaml\n": "  - services/flask/compose.yaml  # first\n",
                "    # your own descriptions below this line\n  # Made": "    # your own descriptions below this line\n"
                "    # None yet.\n  # Made",
            },
            "Makefile": {"help: ##": "# Ask Kim first.\nhelp: ##"},
            ".env.example": {"FLASK_PORT=8000": "# Kim has 8001.\nFLASK_PORT=8000"},
        },
        of_mongo=(MONGO,),
    ),
    Edit(
        "a comment on a line that changes",
        replaced={MONGO: {"image: mongo:8.0-noble": "image: mongo:8.0-noble  # as in production"}},
        of_mongo=(MONGO,),
    ),
    Edit(
        "environment",
        replaced={
            FLASK: {
                "MAX_UPLOAD_MB: ${MAX_UPLOAD_MB:-100}": 'MAX_UPLOAD_MB: "500"',
                "      # your own variables below this line\n": "      # your own variables below this line\n"
                "      TEAM: ours\n",
            },
            MONGO: {
                "MONGO_INITDB_ROOT_USERNAME: root": "MONGO_INITDB_ROOT_USERNAME: chief",
                "      # your own variables below this line\n": "      # your own variables below this line\n"
                "      GLIBC_TUNABLES: glibc.pthread.rseq=0\n",
            },
            ".env.example": {
                "# your own variables below this line": "# your own variables below this line\nTEAM_TOKEN=",
                "FLASK_PORT=8000": "FLASK_PORT=8888",
            },
        },
        of_mongo=(MONGO,),
    ),
    Edit(
        "extra service",
        replaced={
            MONGO: {
                "    restart: unless-stopped\n": "    restart: unless-stopped\n\n  mongo-express:\n"
                "    image: mongo-express:1.0.2\n    environment:\n      ME_CONFIG_MONGODB_SERVER: mongo\n"
                "    restart: unless-stopped\n"
            }
        },
        of_mongo=(MONGO,),
    ),
    Edit(
        "extra volume",
        replaced={
            "compose.yaml": {
                "  # your own volumes below this line\n": "  # your own volumes below this line\n  notes:\n",
                "    # your own descriptions below this line\n  # Made": "    # your own descriptions below this line\n"
                "    notes:\n      responsibility: Notes\n      class: files\n      owner: flask\n      backup: files\n"
                "  # Made",
            },
            FLASK: {"      # your own mounts below this line\n": "      # your own mounts below this line\n"
                    "      - notes:/notes\n"},
        },
    ),
    Edit("changed port", replaced={MONGO: {"${MONGO_PORT:-27017}:": "37017:"}}, of_mongo=(MONGO,)),
    Edit("changed image tag", replaced={MONGO: {"image: mongo:8.0-noble": "image: mongo:8.0.4-noble"}},
         of_mongo=(MONGO,)),
    Edit("deleted files", deleted=("Makefile", "clients/pyproject.toml")),
    Edit(
        "own include",
        replaced={
            "compose.yaml": {
                "  # your own includes below this line\n": "  # your own includes below this line\n"
                "  - own/compose.yaml\n"
            }
        },
        made={"own/compose.yaml": "services:\n  own:\n    image: alpine:3.20\n    command: [sleep, infinity]\n"},
    ),
    Edit("own file in a service folder", made={"services/mongo/init/rights.js": "db.createUser({})\n"}),
    Edit(
        "edited app",
        replaced={"services/flask/app/health.py": {'status="ok"': 'status="ours"'}},
        made={"services/flask/app/mine.py": "# mine\n"},
        deleted=("services/flask/app/uploads.py",),
    ),
    Edit(
        "driver options",
        replaced={
            "compose.yaml": {
                "\n  mongo_data:\n\n": "\n  mongo_data:\n    driver: local\n    driver_opts:\n      type: none\n"
                "      o: bind\n      device: /srv/mongo\n\n"
            }
        },
    ),
)  # fmt: skip


def start(bundle: Path, folder: Path) -> Path:
    """A project of `CHOSEN`, made by an install with that bundle, in a repository with one commit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("scaffold.project.source.BUNDLE", bundle)
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        services = [word for id in CHOSEN for word in ("-s", id)]
        assert run(["new", str(folder / NAME), *services, "--set", f"project_name={NAME}", "--yes"]) == 0
    return folder / NAME


def copy(project: Path, folder: Path) -> Path:
    """A project of the test's own, in a repository of its own."""
    return Path(shutil.copytree(project, folder / project.name, symlinks=True))


def edited(project: Path, edit: Edit) -> None:
    """Do an edit, and commit it."""
    edit(project)
    copier.commit(project, edit.name)


Files = dict[str, bytes]


def tracked(project: Path) -> Files:
    """Every file of a project but what only git's ignoring keeps out of a commit."""
    return tree.files(project, without=OURS)


def private(project: Path) -> Files:
    """Its secrets, and its variables."""
    return {path: text for path, text in tree.files(project).items() if path.split("/")[0] in OURS}


def lines(text: bytes | None) -> Counter[bytes]:
    """Its lines with something on them."""
    return Counter(line for line in (text or b"").split(b"\n") if line.strip())


def gained(before: Files, after: Files) -> dict[str, Counter[bytes]]:
    """The lines that each file has more of than before."""
    found = {path: lines(after.get(path)) - lines(before.get(path)) for path in before.keys() | after.keys()}
    return {path: some for path, some in found.items() if some}


def misread(base: Files, ours: Files, theirs: Files, after: Files) -> list[str]:
    """YAML files that do not mean what both sides wanted, though a merge by keys and items finds nothing to settle."""
    wrong = []
    for path in (path for path in base.keys() & ours.keys() & theirs.keys() if path.endswith((".yaml", ".yml"))):
        wanted = three_way(*(side[path].decode() for side in (base, ours, theirs))).text
        if wanted is not None and yaml.safe_load(wanted) != yaml.safe_load(after[path]):
            wrong.append(path)
    return wrong
