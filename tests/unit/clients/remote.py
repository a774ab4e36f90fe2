"""Runs where the clients and their libraries are: `python remote.py` calls what each line of its input names.

A line is JSON: [[FUNCTION, ARGUMENTS, KEYWORDS], …]. More than one are called at once, each in a thread of its own. The
answer is a line of JSON, with what they return in the same order, or the kind and message of what went wrong.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any


def call(function: str, arguments: list[Any], keywords: dict[str, Any]) -> Any:
    """Call `module.function`, or `module.function().method` when the name has `()` in it."""
    name, *methods = function.split("().")
    module, _, name = name.rpartition(".")
    found = getattr(import_module(f"clients.{module}") if module else sys.modules[__name__], name)
    for method in methods:
        found = getattr(found(), method)
    result = found(*arguments, **keywords) if callable(found) else found
    return list(result) if isinstance(result, Iterator) else result


def change(module: str, name: str, value: Any) -> None:
    """Give a constant of a module another value."""
    setattr(import_module(f"clients.{module}"), name, value)


def instead_of_embed(function: Callable[[Callable[[list[str]], Any], list[str]], Any]) -> None:
    """Have the model server's `embed` called by a function of ours."""
    server = import_module("clients").provider("embeddings").connect()
    server.embed = partial(function, server.embed)


def kill_at(number: int) -> None:
    """Kill this process with the embedding request of this number, counted from 0."""
    calls = iter(range(number + 1))

    def embed(real: Callable[[list[str]], Any], texts: list[str]) -> Any:
        if next(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(texts)

    instead_of_embed(embed)


embedded: list[str] = []


def count_embeddings() -> None:
    """Take down what is embedded from now on."""

    def embed(real: Callable[[list[str]], Any], texts: list[str]) -> Any:
        embedded.extend(texts)
        return real(texts)

    instead_of_embed(embed)


def refuse(words: str) -> None:
    """Fail for texts that have these words, as a model does for one that is too long."""

    def embed(real: Callable[[list[str]], Any], texts: list[str]) -> Any:
        if any(words in text for text in texts):
            raise ValueError(words)
        return real(texts)

    instead_of_embed(embed)


def embed_at(url: str) -> None:
    """Have the embedding server come back, at this address."""
    server = import_module("clients").provider("embeddings").connect()
    for client in server._clients.values():
        client.base_url = url


def threads() -> list[str]:
    """The threads that the clients have started."""
    return [thread.name for thread in threading.enumerate() if thread.name == "documents"]


def records() -> list[tuple[str, int, str, str]]:
    """Everything that Chroma has for this process to search in: source, position, version and text."""
    found = import_module("clients.chroma").connect().get_collection(collection(), embedding_function=None).get()
    rows = zip(found["metadatas"], found["documents"], strict=True)
    return sorted((about["source"], about["position"], about["version"], text) for about, text in rows)


def catch_up() -> None:
    """Make one pass over the uploads, in this thread."""
    import_module("clients.documents")._bring_up_to_date(Path(os.environ["UPLOADS_DIR"]))


def collection() -> str:
    """The collection that this process searches in."""
    server = import_module("clients").provider("embeddings").connect()
    name: str = import_module("clients.documents")._collection(server)
    return name


def count(module: str, collection: str) -> int:
    """How many records a collection has."""
    store = import_module(f"clients.{module}").connect()
    if module == "chroma":
        number = store.get_collection(collection, embedding_function=None).count()
    else:
        number = store.count(collection).count
    return int(number)


def answer(line: str) -> Any:
    try:
        calls = json.loads(line)
        with ThreadPoolExecutor(len(calls)) as pool:
            return {"returned": list(pool.map(lambda each: call(*each), calls))}
    except Exception as error:
        return {"raised": type(error).__name__, "message": str(error)}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(line)), flush=True)
