# Managed by scaffold: updates merge this file.
"""`python -m managed`: put files into the raw data, list them, or remove some.

Files come from /import when a folder is mounted there, else from app/fetch.py.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

from clients import setting
from clients.stages import DONE, INTERRUPTED, UNABLE, Refused, alone, log, refused, start_log
from managed import take

IMPORT = Path("/import")


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="ingest", description="Put files into the raw data.", allow_abbrev=False)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--replace", action="store_true", help="let a file take the place of another of its name")
    what.add_argument("--remove", nargs="+", metavar="NAME", help="remove files from the raw data, for good")
    what.add_argument("--list", action="store_true", help="list the raw data")
    options = parser.parse_args()
    start_log()
    raw = Path(setting("RAW_DATA_DIR"))
    try:
        with alone(raw):
            act(options, raw)
    except Refused as error:
        return refused(error)
    except PermissionError as error:
        refused(Refused(str(error), "let others read the files that you mount: chmod -R a+rX FOLDER"))
        return UNABLE
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception:
        log.exception("ingest failed; what was there before is there still")
        return UNABLE
    return DONE


def act(options: argparse.Namespace, raw: Path) -> None:
    """Do what was asked for."""
    if options.list:
        for name in take.names(raw):
            sys.stdout.write(f"{(raw / name).stat().st_size:>12}  {name}\n")
        return
    if options.remove:
        take.remove(raw, options.remove)
        log.info("ingest: removed %s", ", ".join(options.remove))
        return
    if IMPORT.is_dir():
        taken = take.copied(IMPORT, raw, replace=options.replace)
    else:
        # Yours: what is wrong with it is told as what is wrong with its work.
        fetch = import_module("app.fetch").fetch
        taken = take.fetched(raw, fetch, replace=options.replace)
    if not taken.new and not taken.replaced:
        log.info("ingest: nothing to do, raw data has %d files", len(take.names(raw)))
    else:
        log.info("ingest: new=%d replaced=%d same=%d", len(taken.new), len(taken.replaced), len(taken.same))


if __name__ == "__main__":
    sys.exit(main())
