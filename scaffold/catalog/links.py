"""Which entries would link with which, over the whole catalogue: for showing, and for the template's tests."""

from __future__ import annotations

from scaffold.catalog.index import Catalog


def links_of(catalog: Catalog, id: str) -> dict[str, list[str]]:
    """The entries whose offers `id` wants (`uses`), and those that want what it offers (`used_by`)."""
    return {
        "uses": [other for other in catalog.offered if other != id and _meet(catalog, id, other)],
        "used_by": [other for other in catalog.offered if other != id and _meet(catalog, other, id)],
    }


def _meet(catalog: Catalog, wanting: str, offering: str) -> bool:
    entry = catalog.entries[wanting]
    wants = {*entry["wants"], *(question.get("provider") for question in entry["questions"])}
    return any(wants & set(offer["capabilities"]) for offer in catalog.entries[offering]["offers"])
