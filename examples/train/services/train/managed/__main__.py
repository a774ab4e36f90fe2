# Managed by scaffold: updates merge this file.
"""`python -m managed`: train a model, when the data is other data than the last time."""

from __future__ import annotations

import sys
from pathlib import Path

from clients import setting
from clients.stages import generation, main

if __name__ == "__main__":
    data = generation(Path(setting("PROCESSED_DATA_DIR")), "make it: docker compose run --rm preprocess")
    sys.exit(main("train", data, Path(setting("MODEL_WEIGHTS_DIR"))))
