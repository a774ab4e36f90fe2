"""One entry of the catalogue, as its service.toml declares it."""

from __future__ import annotations

import re
from pathlib import Path

from scaffold.catalog.strict import Reader, Record, parsed

CATEGORIES = ("app", "worker", "pipeline", "database", "cache", "vector", "model", "tracking", "storage")
CLASSES = ("database", "index", "files", "artifacts", "config", "logs", "cache", "queue")
ACCESS = ("write", "read")
STATES = ("proven", "compatible", "unproven")
# Files that lie over compose.yaml: an entry's part of compose.<overlay>.yaml is its <overlay>.yaml.
OVERLAYS = ("dev", "gpu", "amd")
# What a dependant waits for. An application that can do without is not held up by a server that is not ready; what a
# job makes is there when it has ended well.
WAITS = {"healthy": "service_healthy", "started": "service_started", "completed": "service_completed_successfully"}

_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_NAME = re.compile(r"[a-z][a-z0-9_]+")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_USER = re.compile(r"\d+:\d+")
_PATH = re.compile(r"(/[A-Za-z0-9_][A-Za-z0-9._-]*)+")
# Who runs in every image that is built with templates/lib/dockerfile.jinja.
BUILT = "10001:10001"


def read(folder: Path) -> Record:
    """The entry in `folder`, checked and with every key present, ready for the index.

    Raises ScaffoldError naming the file and the key that is wrong.
    """
    path = folder / "service.toml"
    return _Reader(path).entry(folder, parsed(path))


def shared_volumes(path: Path) -> Record:
    """The volumes that several entries use, by name, as those of an entry. Raises ScaffoldError as `read` does."""
    return {name: _Reader(path).volume(name, table) for name, table in parsed(path).items()}


class _Reader(Reader):
    """Turns the parsed TOML of one file into an entry."""

    def entry(self, folder: Path, data: Record) -> Record:
        self.name(folder.name, _ID, "the folder's name")
        take = self.taker(data, "")
        entry = {
            "title": take("title", str),
            "summary": take("summary", str),
            "category": self.one_of(take("category", str), CATEGORIES, "category"),
            "state": self.one_of(take("state", str), STATES, "state"),
            "state_note": take("state_note", str, ""),
            "retired": take("retired", str, ""),
            "requires": take("requires", list, [], of=str),
            "wants": take("wants", list, [], of=str),
            "volumes": [self.volume(name, table) for name, table in take("volumes", dict, {}).items()],
            "shared": {name: self.access(name, word) for name, word in take("shared", dict, {}).items()},
            "secrets": [self.secret(name, table) for name, table in take("secrets", dict, {}).items()],
            "ports": [self.variable(f"ports.{name}", table, int) for name, table in take("ports", dict, {}).items()],
            "settings": [
                self.variable(f"settings.{name}", table, (str, int))
                for name, table in take("settings", dict, {}).items()
            ],
            "pulls": take("pulls", list, [], of=str),
            "jobs": [self.job(name, table) for name, table in take("jobs", dict, {}).items()],
            "client": self.client(folder, take("client", dict, None)),
            "offers": [self.offer(table) for table in take("offers", list, [], of=dict)],
            "questions": [self.question(table) for table in take("questions", list, [], of=dict)],
            "app": (folder / "app").is_dir(),
            "managed": (folder / "managed").is_dir(),
            "overlays": [name for name in OVERLAYS if (folder / f"{name}.yaml").is_file()],
            "share": self.share(folder, take("share", dict, None)),
        }
        self.no_more(data, "")
        if entry["state"] != "proven" and not entry["state_note"]:
            raise self.error(
                "state_note", f"a state of `{entry['state']}` needs a sentence that says what ran and what did not"
            )
        self.references(entry)
        return entry

    def volume(self, name: str, data: Record) -> Record:
        where = f"volumes.{name}"
        self.name(name, _NAME, where)
        take = self.taker(data, where)
        volume = {
            "name": name,
            "responsibility": take("responsibility", str),
            "class": self.one_of(take("class", str), CLASSES, f"{where}.class"),
            "backup": take("backup", str),
            "refill": take("refill", str, ""),
            "access": "write",
            "only": take("only", dict, {}),
        }
        self.no_more(data, where)
        if volume["class"] == "cache" and not volume["refill"]:
            raise self.error(f"{where}.refill", "a cache is not backed up: say how it fills again")
        return volume

    def access(self, name: str, word: object) -> str:
        """How the entry uses a volume that templates/shared.toml declares."""
        where = f"shared.{name}"
        self.name(name, _NAME, where)
        return self.one_of(str(word), ACCESS, where)

    def share(self, folder: Path, data: Record | None) -> Record | None:
        """How the entry takes part in volumes that people share: who writes in its containers, which paths are taken.

        None for one that does not. What is built here does, and needs no table.
        """
        built = (folder / "Dockerfile.jinja").is_file()
        if data is None and not built:
            return None
        take = self.taker(data or {}, "share")
        share = {
            "built": built,
            "user": self.name(take("user", str, *([BUILT] if built else [])), _USER, "share.user"),
            "taken": [self.name(path, _PATH, "share.taken") for path in take("taken", list, [], of=str)],
        }
        self.no_more(data or {}, "share")
        return share

    def secret(self, name: str, data: Record) -> Record:
        where = f"secrets.{name}"
        self.name(name, _NAME, where)
        take = self.taker(data, where)
        secret = {"name": name, "volume": take("volume", str, ""), "change": take("change", str, "").strip()}
        self.no_more(data, where)
        return secret

    def variable(self, where: str, data: Record, kind: type | tuple[type, ...]) -> Record:
        """A variable of .env: a port or a setting."""
        name = where.partition(".")[2]
        self.name(name, _VARIABLE, where)
        take = self.taker(data, where)
        variable = {"variable": name, "default": take("default", kind), "what": take("what", str)}
        self.no_more(data, where)
        return variable

    def job(self, name: str, data: Record) -> Record:
        """A service that runs when it is asked for, and ends; with `start`, before the project starts as well."""
        where = f"jobs.{name}"
        self.name(name, _ID, where)
        take = self.taker(data, where)
        job = {"service": name, "what": take("what", str), "start": take("start", bool, False)}
        self.no_more(data, where)
        return job

    def client(self, folder: Path, data: Record | None) -> Record | None:
        if (data is not None) != (folder / "client.py").is_file():
            raise self.error("client", "client.py and the table [client] go together, and one of them is missing")
        if data is None:
            return None
        client = {"requirements": self.taker(data, "client")("requirements", list, of=str)}
        self.no_more(data, "client")
        return client

    def offer(self, data: Record) -> Record:
        take = self.taker(data, "offers")
        offer = {
            "capabilities": take("capabilities", list, of=str),
            "service": take("service", str, ""),
            "wait": WAITS[self.one_of(take("wait", str, "healthy"), WAITS, "offers.wait")],
            "environment": [
                {"name": key, "value": value} for key, value in take("environment", dict, {}, of=str).items()
            ],
            "secrets": take("secrets", list, [], of=str),
            "mounts": [self.mount(mount) for mount in take("mounts", list, [], of=dict)],
        }
        self.no_more(data, "offers")
        return offer

    def mount(self, data: Record) -> Record:
        """A volume that whoever is linked mounts, at one path for all."""
        where = "offers.mounts"
        take = self.taker(data, where)
        mount = {
            "volume": take("volume", str),
            "path": take("path", str),
            "access": self.one_of(take("access", str, "read"), ACCESS, f"{where}.access"),
        }
        self.no_more(data, where)
        return mount

    def question(self, data: Record) -> Record:
        take = self.taker(data, "questions")
        question = {
            "name": self.name(take("name", str), _NAME, "questions.name"),
            "help": take("help", str),
            "choices": take("choices", list, [], of=str),
            "provider": take("provider", str, ""),
            "default": take("default", (str, bool)),
            "keep": take("keep", bool, False),
        }
        self.no_more(data, "questions")
        if question["choices"] and question["default"] not in question["choices"]:
            raise self.error(f"questions.{question['name']}.default", "the default is not one of the choices")
        return question

    def references(self, entry: Record) -> None:
        """Every volume, secret and question that is named inside the entry is declared in it."""
        volumes = {volume["name"] for volume in entry["volumes"]}
        secrets = {secret["name"] for secret in entry["secrets"]}
        questions = {question["name"] for question in entry["questions"]}
        for volume in entry["volumes"]:
            for name in volume["only"]:
                self.one_of(name, questions, f"volumes.{volume['name']}.only")
        for secret in entry["secrets"]:
            if secret["volume"]:
                self.one_of(secret["volume"], volumes, f"secrets.{secret['name']}.volume")
        for offer in entry["offers"]:
            for name in offer["secrets"]:
                self.one_of(name, secrets, "offers.secrets")
            for mount in offer["mounts"]:
                self.one_of(mount["volume"], {*volumes, *entry["shared"]}, "offers.mounts.volume")
