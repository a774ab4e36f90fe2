"""What both programs share: the command line by the rules of the real ones, the login, messages and failures.

An option that these stand-ins do not have is refused, never swallowed: a test that needs it would prove nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from pymongo import MongoClient  # type: ignore[import-not-found]
from pymongo.errors import PyMongoError  # type: ignore[import-not-found]

from .archive import ArchiveError

FLAG, VALUE, OPTIONAL = "flag", "value", "optional"
COMMON = {
    "archive": OPTIONAL,
    "authenticationDatabase": VALUE,
    "collection": VALUE,
    "config": VALUE,
    "db": VALUE,
    "host": VALUE,
    "numParallelCollections": VALUE,
    "password": VALUE,
    "port": VALUE,
    "serverSelectionTimeout": VALUE,
    "username": VALUE,
    "verbose": OPTIONAL,
    "version": FLAG,
}
SHORT = {"c": "collection", "d": "db", "h": "host", "j": "numParallelCollections", "p": "password", "u": "username"}
DEFAULT_PORT = "27017"
VERSION = "stand-in of compose-scaffold's tests, no MongoDB tool"

Options = Mapping[str, Sequence[str]]


class Usage(Exception):
    """A command line that is none of theirs."""


class Failed(Exception):
    """The work could not be done."""


class Refused(Exception):
    """The server could not be asked; the message is the whole line."""


def run(program: str, known: Mapping[str, str], work: Callable[[Options], None]) -> int:
    """The program: its exit code."""
    try:
        options = parse(sys.argv[1:], {**COMMON, **known})
    except Usage as error:
        log(f"error parsing command line options: {error}")
        log(f"try '{program} --help' for more information")
        return 1
    if "version" in options:
        print(f"{program}: {VERSION}")
        return 0
    try:
        work(options)
    except Refused as error:
        log(str(error))
        return 1
    except (Failed, ArchiveError, PyMongoError, OSError, ValueError) as error:
        log(f"Failed: {error}")
        return 1
    return 0


def log(message: str) -> None:
    """A line on standard error. Standard output is for archives."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    print(f"{now}\t{message}", file=sys.stderr, flush=True)


def parse(arguments: Sequence[str], known: Mapping[str, str]) -> dict[str, list[str]]:
    """The options by name. One whose value may be missing takes it after a `=` only, as in the real ones."""
    options: dict[str, list[str]] = {}
    rest = iter(arguments)
    for argument in rest:
        if not argument.startswith("-") or argument in ("-", "--"):
            raise Usage(f"this stand-in takes no positional argument: {argument}")
        name, equals, value = argument.lstrip("-").partition("=")
        if not argument.startswith("--"):
            name = SHORT.get(name, name)
        if name not in known:
            raise Usage(f'unknown option "{name}"')
        options.setdefault(name, []).append(value if equals else _value(name, known[name], rest))
    return options


def _value(name: str, kind: str, rest: Iterator[str]) -> str:
    if kind != VALUE:
        return "-" if name == "archive" else ""
    value = next(rest, None)
    if value is None or (value.startswith("-") and value != "-"):
        raise Usage(f"expected argument for flag `--{name}'")
    return value


def one(options: Options, name: str, default: str = "") -> str:
    """An option's value; the last one counts."""
    return options[name][-1] if name in options else default


def connect(options: Options) -> MongoClient:
    """A server that has answered, with this login."""
    host, _, port = one(options, "host", "localhost").partition(":")
    user = one(options, "username")
    address = f"{host}:{port or one(options, 'port', DEFAULT_PORT)}"
    try:
        client = MongoClient(
            f"mongodb://{address}/",
            directConnection=True,
            serverSelectionTimeoutMS=int(one(options, "serverSelectionTimeout", "30000")),
            connectTimeoutMS=3000,
            **(_login(options, user) if user else {}),
        )
        client.admin.command("ping")
    except PyMongoError as error:
        raise Failed(f"failed to connect to mongodb://{address}/: {error}") from error
    return client


def _login(options: Options, user: str) -> dict[str, str]:
    password = one(options, "password") or _config(options).get("password")
    if password is None:
        raise Failed("error reading password: this stand-in does not ask for it, name a file by --config")
    source = one(options, "authenticationDatabase") or one(options, "db") or "admin"
    return {"username": user, "password": password, "authSource": source}


def _config(options: Options) -> dict[str, str]:
    path = one(options, "config")
    if not path:
        return {}
    try:
        # Without types: a password of digits is one, too.
        content: Any = yaml.load(Path(path).read_text(), Loader=yaml.BaseLoader)
    except (OSError, yaml.YAMLError) as error:
        raise Failed(f"error parsing config file {path}: {error}") from error
    if not isinstance(content, dict) or set(content) - {"password"}:
        raise Failed(f"error parsing config file {path}: this stand-in wants `password: …` and nothing else")
    return content


def plural(count: int, word: str) -> str:
    """How many of what."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
