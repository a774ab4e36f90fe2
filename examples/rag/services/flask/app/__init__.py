"""The application. This folder is yours: no update of the template touches it."""

from __future__ import annotations

from importlib import import_module

from flask import Flask

from app import health, linked, uploads
from clients import log_as, provider, setting


def create_app() -> Flask:
    """Make the application that gunicorn serves."""
    log_as("flask")
    app = Flask(__name__)
    app.secret_key = setting("FLASK_SECRET_KEY")
    app.config["UPLOADS_DIR"] = setting("UPLOADS_DIR")
    app.config["MAX_CONTENT_LENGTH"] = int(setting("MAX_UPLOAD_MB")) * 1024 * 1024
    app.register_blueprint(health.pages)
    app.register_blueprint(uploads.pages)
    # These need what not every choice of services brings, so they are loaded only where it is there.
    if documents := linked.documents():
        documents.keep_up(app.config["UPLOADS_DIR"])
        app.register_blueprint(import_module("app.search").pages)
        if provider("chat"):
            app.register_blueprint(import_module("app.ask").pages)
    return app
