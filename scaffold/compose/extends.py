"""Services that begin as another service, of the same file or another one."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping

from scaffold.compose.load import Raw, overlay, parse, plain
from scaffold.compose.services import canonical

# What `extends` does not take over.
_OWN = {"depends_on", "volumes_from", "extends"}


def extended(
    body: Raw, services: Mapping[str, Raw], read: Callable[[str], str | None], within: tuple[str, ...] = ()
) -> Raw:
    """A service with what it extends below it; itself where that cannot be found.

    Raises ScaffoldError when the other file cannot be parsed.
    """
    named = body.get("extends")
    about = named if isinstance(named, dict) else {"service": named}
    base, file = str(about.get("service") or ""), str(about.get("file") or "")
    if not base or f"{file}:{base}" in within:
        return body
    if file:
        text = None if "$" in file or "://" in file else read(file)
        found = plain(parse(file, text).data.get("services")) if text else None
        folder = posixpath.dirname(file) or "."
        services = (
            {name: canonical(one, folder) for name, one in found.items() if isinstance(one, dict)}
            if isinstance(found, dict)
            else {}
        )
    if base not in services:
        return body
    below = extended(services[base], services, read, (*within, f"{file}:{base}"))
    merged: Raw = overlay({key: value for key, value in below.items() if key not in _OWN}, body)
    return merged
