"""Is the application up, and does it reach what it was linked to?"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

import clients

pages = APIRouter()


@pages.get("/health")
async def health() -> dict[str, str]:
    """Answer that this process serves requests. The container's healthcheck asks here."""
    return {"status": "ok"}


@pages.get("/links")
def links() -> JSONResponse:
    """Write to, and read from, every store this project has. 503 when one of them fails."""
    results: dict[str, dict[str, Any]] = clients.check_all()
    return JSONResponse(results, 200 if all(link["ok"] for link in results.values()) else 503)
