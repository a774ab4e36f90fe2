"""Which Qdrant takes which snapshots."""

from __future__ import annotations

import pytest

from ops.sets.manifest import Item
from ops.stores.qdrant import Qdrant


@pytest.mark.parametrize(
    ("stored", "image", "fits"),
    [
        ("1.19.0", "qdrant/qdrant:v1.19.0", True),
        ("1.19.0", "qdrant/qdrant:v1.19.4-unprivileged", True),
        ("1.19.3", "qdrant/qdrant:v1.19", True),
        ("1.19.3", "qdrant/qdrant:v1.19.2", False),
        ("1.19.0", "qdrant/qdrant:v1.20.0", False),
        ("1.19.0", "qdrant/qdrant:v1.18.9", False),
        ("1.19.0", "qdrant/qdrant:v2.19.0", False),
        # Nothing is known before the server runs, and then it is asked.
        ("1.19.0", "qdrant/qdrant:latest", True),
        ("1.19.0", "registry.example:5000/qdrant", True),
        ("", "qdrant/qdrant:v1.19.0", True),
    ],
)
def test_versions(stored: str, image: str, fits: bool) -> None:
    item = Item("qdrant_data", "st_qdrant_data", facts={"version": stored})
    assert (Qdrant().fits(item, image, str) == "") is fits
