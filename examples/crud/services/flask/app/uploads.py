"""Files that users upload, kept in the volume `user_uploads`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import BinaryIO

from flask import Blueprint, Response, abort, current_app, jsonify, request, send_from_directory, url_for
from werkzeug.utils import secure_filename

from app import linked

pages = Blueprint("uploads", __name__, url_prefix="/uploads")

# What file systems take, in bytes; the names that we keep are ASCII.
LONGEST_NAME = 255


@pages.post("")
def upload() -> tuple[Response, int]:
    """Keep the file of the form field `file`. A name that is taken is refused, never replaced."""
    sent = request.files.get("file")
    name = secure_filename(sent.filename or "") if sent else ""
    # Dot names are this folder's own: files that are still being written.
    if sent is None or not name or name.startswith("."):
        return jsonify(error="send a form with a file in the field `file`"), 400
    if len(name) > LONGEST_NAME:
        return jsonify(error=f"a name has at most {LONGEST_NAME} characters"), 400
    try:
        size = _keep(sent.stream, _folder() / name)
    except FileExistsError:
        return jsonify(error=f"there is already a file named {name}"), 409
    if documents := linked.documents():
        documents.poke()
    return jsonify(name=name, size=size, url=url_for("uploads.download", name=name)), 201


@pages.get("")
def listing() -> Response:
    """List names and sizes."""
    files = sorted(path for path in _folder().iterdir() if not path.name.startswith("."))
    return jsonify(files=[{"name": path.name, "size": path.stat().st_size} for path in files])


@pages.get("/<name>")
def download(name: str) -> Response:
    """Send one file back, always as a download: what users upload is not to run in a browser."""
    if name.startswith("."):
        abort(404)
    return send_from_directory(_folder(), name, as_attachment=True)


def _folder() -> Path:
    return Path(current_app.config["UPLOADS_DIR"])


def _keep(stream: BinaryIO, target: Path) -> int:
    """Write the whole file under a hidden name, then link it to its own: nobody ever sees half of one.

    Returns its size in bytes. Raises FileExistsError when the name is taken.
    """
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".", suffix=".part") as part:
        while chunk := stream.read(1024 * 1024):
            part.write(chunk)
        part.flush()
        os.fsync(part.fileno())
        Path(part.name).chmod(0o644)
        os.link(part.name, target)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return part.tell()
