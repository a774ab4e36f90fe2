# Managed by scaffold: updates merge this file.
"""Plain files, and stores that are copied as files: what each needs is how still its writers have to be."""

from __future__ import annotations

from ops.stores.base import Store


class Files(Store):
    """Uploads, artifacts and whatever else an application keeps as files."""


class Unknown(Store):
    """A volume that nobody described: nothing is known of what is in it, so its containers are stopped."""

    copy = "stop"
    live = False


class Faiss(Store):
    """Generations of an index and a pointer that is switched: a copy of one instant is whole."""


class Chroma(Store):
    """SQLite and index folders that belong together: Chroma has no dump, and may be amid writing its index.

    Source: chroma-core/chroma#2619, #1623 (files of two instants do not open).
    """

    copy = "stop"
    live = False


class S3(Store):
    """An object store's own files: volumes and the index of what is in them, one instant of both."""

    copy = "stop"
    live = False
