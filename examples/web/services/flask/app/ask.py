"""Answers from what was uploaded."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify, request

from app.linked import or_503
from clients import documents

pages = Blueprint("ask", __name__)


@pages.post("/ask")
def ask() -> tuple[Response, int]:
    """Answer `question`, and name the pieces of text the answer is drawn from; without any, it says so.

    `pending` names the files that are not in there yet.
    """
    sent = request.get_json(silent=True)
    question = sent.get("question") if isinstance(sent, dict) else None
    if not isinstance(question, str) or not question.strip():
        return jsonify(error='send JSON: {"question": "…"}'), 400
    with or_503("the documents cannot be searched now"):
        pieces, hits = documents.answer(question.strip())
        pending = documents.pending(current_app.config["UPLOADS_DIR"])
    with or_503("the model gives no answer now"):
        answer = "".join(pieces)
    return jsonify(answer=answer, sources=[hit._asdict() for hit in hits], pending=pending), 200
