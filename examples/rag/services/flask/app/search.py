"""Search in what was uploaded."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify, request

from app.linked import or_503
from clients import documents

pages = Blueprint("search", __name__)

MOST = 50


@pages.get("/search")
def search() -> tuple[Response, int]:
    """Find the pieces of text that are nearest to `q`, `count` of them. `pending` names files not in there yet."""
    question, count = request.args.get("q", "").strip(), request.args.get("count", "5")
    if not question or not count.isdecimal() or not 1 <= int(count) <= MOST:
        return jsonify(error=f"ask with ?q=words, and &count=1 to {MOST} if you like"), 400
    with or_503("the documents cannot be searched now"):
        hits = documents.search(question, int(count))
        pending = documents.pending(current_app.config["UPLOADS_DIR"])
    return jsonify(sources=[hit._asdict() for hit in hits], pending=pending), 200
