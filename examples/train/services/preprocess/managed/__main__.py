# Managed by scaffold: updates merge this file.
"""`python -m managed`: make the raw data ready for training, when it is other data than the last time."""

from __future__ import annotations

import sys
from pathlib import Path

from clients import setting
from clients.stages import files, main

if __name__ == "__main__":
    raw = files(Path(setting("RAW_DATA_DIR")), "put some there: docker compose run --rm ingest")
    sys.exit(main("preprocess", raw, Path(setting("PROCESSED_DATA_DIR"))))
