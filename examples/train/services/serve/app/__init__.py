"""The server of predictions. This folder is yours: no update of the template touches it."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from flask import Flask, Response, jsonify, request

from app import model
from clients import setting
from managed.follow import Follower

# Rows in one request.
MOST = 1000


def create_app() -> Flask:
    """Make the application that gunicorn serves, and begin to follow the model."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    app = Flask(__name__)
    pause = float(os.environ.get("SERVE_POLL_SECONDS", "2"))
    follower = Follower(Path(setting("MODEL_WEIGHTS_DIR")), model.load, pause)
    follower.start()

    @app.get("/health")
    def health() -> tuple[Response, int]:
        """Answer whether the newest model answers. The container's healthcheck asks here."""
        trouble = follower.trouble()
        return (jsonify(error=trouble), 503) if trouble else (jsonify(status="ok"), 200)

    @app.get("/model")
    def about() -> tuple[Response, int]:
        """Say which model answers, and how it was made."""
        try:
            loaded = follower.current()
        except LookupError as error:
            return jsonify(error=str(error)), 503
        return jsonify(loaded.about), 200

    @app.post("/predict")
    def predict() -> tuple[Response, int]:
        """Answer `rows`, a list of lists of numbers. All of an answer is of the one model that it names."""
        try:
            loaded = follower.current()
        except LookupError as error:
            return jsonify(error=str(error)), 503
        sent = request.get_json(silent=True)
        rows = sent.get("rows") if isinstance(sent, dict) else None
        if wrong := model.wrong(loaded.model, rows, MOST):
            return jsonify(error=wrong), 400
        return jsonify(predictions=model.predict(loaded.model, rows), model=loaded.generation), 200

    return app
