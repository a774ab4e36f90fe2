# Managed by scaffold: updates merge this file.
"""How the applications of this project reach what they are linked to: one module for each store.

Each has `connect()` and `check()`. Services get new ones on their next build, with no change to their own code.
"""

from __future__ import annotations

import logging
import os
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

MODULES = (
    "postgres",
    "chroma",
    "llama_cpp",
)

# What the services of this project can be used for, and the modules that do it.
PROVIDERS: dict[str, tuple[str, ...]] = {
    "chat": ("llama_cpp",),
    "embeddings": ("llama_cpp",),
    "postgresql": ("postgres",),
    "store": ("postgres", "chroma",),
    "vectors": ("chroma",),
}


def setting(name: str) -> str:
    """The value of NAME, or the content of the file that NAME_FILE names.

    Raises LookupError when neither is set, and OSError when the file cannot be read.
    """
    if name in os.environ:
        return os.environ[name]
    path = os.environ.get(f"{name}_FILE")
    if path is None:
        raise LookupError(f"neither {name} nor {name}_FILE is set")
    return Path(path).read_text(encoding="utf-8").strip()


def provider(capability: str) -> ModuleType | None:
    """The module of the first service that offers `capability`, such as "chat"; None when the project has none."""
    for module in PROVIDERS.get(capability, ()):
        return import_module(f"clients.{module}")
    return None


def log_as(service: str) -> None:
    """Have what this process logs gathered by this project's log collector, under the name of its service.

    Without a collector nothing changes. What goes to the container's output goes there still.
    """
    if logs := provider("logs"):
        logs.connect(service)


def check_all() -> dict[str, dict[str, Any]]:
    """Run the check of every store this service is linked to. The log has the whole error, the answer only its kind."""
    return {module: _check(module) for module in MODULES}


def _check(module: str) -> dict[str, Any]:
    try:
        import_module(f"clients.{module}").check()
    except Exception as error:
        logging.getLogger(__name__).exception("the check of %s failed", module)
        return {"ok": False, "error": type(error).__name__}
    return {"ok": True}
