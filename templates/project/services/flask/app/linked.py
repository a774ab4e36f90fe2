"""What some choices of services bring and others do not, and how to say that it is away."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from flask import abort, jsonify, make_response


def documents() -> ModuleType | None:
    """Return the module that searches in uploads; None where this project has nothing to do it with."""
    if find_spec("clients.documents") is None:
        return None
    module = import_module("clients.documents")
    return module if module.available() else None


@contextmanager
def or_503(what: str) -> Iterator[None]:
    """Answer 503 when something fails inside. The log has the whole error, the answer only its kind."""
    try:
        yield
    except Exception as error:
        logging.getLogger(__name__).exception(what)
        abort(make_response(jsonify(error=f"{what} ({type(error).__name__})"), 503))
