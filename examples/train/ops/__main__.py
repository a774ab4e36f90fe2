# Managed by scaffold: updates merge this file.
"""Start `ops` without letting a folder of this project shadow a module."""

import sys

# Before anything is imported: the project is the user's, no `__pycache__` belongs in it.
sys.dont_write_bytecode = True

import importlib.util  # noqa: E402
import os  # noqa: E402

HERE = os.path.dirname(os.path.realpath(__file__))  # noqa: PTH120 (pathlib is not loaded yet)
# Ours, out of git and out of the way; where a run has made it, the next one starts in half the time.
OWN = os.path.join(os.path.dirname(HERE), ".ops")  # noqa: PTH118, PTH120


def keep_compiled() -> None:
    """Keep modules compiled, in our own folder if that is there."""
    if os.path.isdir(OWN):  # noqa: PTH112
        sys.pycache_prefix = os.path.join(OWN, "compiled")  # noqa: PTH118
        sys.dont_write_bytecode = False


def unshadow() -> None:
    """Take this folder and the project's root off the import path.

    Python puts the folder it runs first; a `logging.py` beside `compose.yaml` (`python3 -m ops`,
    or PYTHONPATH=.) would otherwise be imported in place of the standard one.
    """
    own = {HERE, os.path.dirname(HERE)}  # noqa: PTH120
    sys.path[:] = [entry for entry in sys.path if os.path.realpath(entry) not in own]


def load() -> None:
    """Register this folder as the package `ops`, whatever else is installed under that name."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "ops"]:
        del sys.modules[name]
    spec = importlib.util.spec_from_file_location(
        "ops",
        os.path.join(HERE, "__init__.py"),  # noqa: PTH118
        submodule_search_locations=[HERE],
    )
    if spec is None or spec.loader is None:
        raise ImportError(HERE)
    package = importlib.util.module_from_spec(spec)
    sys.modules["ops"] = package
    spec.loader.exec_module(package)


def uncache() -> None:
    """Remove the compiled copy of this file, which Python writes before the first line runs."""
    cached = getattr(__spec__, "cached", None) or ""
    if os.path.dirname(os.path.dirname(cached)) == HERE:  # noqa: PTH120
        try:
            os.unlink(cached)  # noqa: PTH108
            os.rmdir(os.path.dirname(cached))  # noqa: PTH106, PTH120
        except OSError:
            pass  # not written, or not alone there


if __name__ == "__main__":
    unshadow()
    uncache()
    keep_compiled()
    load()
    from ops.cli import main

    sys.exit(main())
