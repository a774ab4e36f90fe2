"""Is the application up, and does it reach what it was linked to?"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

import clients

pages = Blueprint("health", __name__)


@pages.get("/health")
def health() -> Response:
    """Answer that this process serves requests. The container's healthcheck asks here."""
    return jsonify(status="ok")


@pages.get("/links")
def links() -> tuple[Response, int]:
    """Write to, and read from, every store this project has. 503 when one of them fails."""
    results = clients.check_all()
    return jsonify(results), 200 if all(link["ok"] for link in results.values()) else 503
