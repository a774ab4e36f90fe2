"""Files that users upload, kept in the volume `user_uploads`."""

from __future__ import annotations

import os
import re
import tempfile
import unicodedata
from pathlib import Path
from typing import Annotated, Any, BinaryIO

from fastapi import APIRouter, Depends, File, HTTPException, Request, UploadFile
from fastapi.responses import FileResponse

from app import linked

pages = APIRouter(prefix="/uploads")

# What file systems take, in bytes; the names that we keep are ASCII.
LONGEST_NAME = 255


def _folder(request: Request) -> Path:
    return Path(request.app.state.uploads)


Folder = Annotated[Path, Depends(_folder)]


@pages.post("", status_code=201)
def upload(folder: Folder, file: Annotated[UploadFile | None, File()] = None) -> dict[str, Any]:
    """Keep the file of the form field `file`. A name that is taken is refused, never replaced."""
    name = _clean(file.filename or "") if file else ""
    # Dot names are this folder's own: files that are still being written.
    if file is None or not name or name.startswith("."):
        raise HTTPException(400, "send a form with a file in the field `file`")
    if len(name) > LONGEST_NAME:
        raise HTTPException(400, f"a name has at most {LONGEST_NAME} characters")
    try:
        size = _keep(file.file, folder / name)
    except FileExistsError:
        raise HTTPException(409, f"there is already a file named {name}") from None
    if documents := linked.documents():
        documents.poke()
    return {"name": name, "size": size, "url": f"/uploads/{name}"}


@pages.get("")
def listing(folder: Folder) -> dict[str, Any]:
    """List names and sizes."""
    files = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    return {"files": [{"name": path.name, "size": path.stat().st_size} for path in files]}


@pages.get("/{name}")
def download(folder: Folder, name: str) -> FileResponse:
    """Send one file back, always as a download: what users upload is not to run in a browser."""
    path = folder / name
    # `path.is_file()` fails for names that no file can have.
    if name.startswith(".") or not os.path.isfile(path):  # noqa: PTH113
        raise HTTPException(404, "there is no such file")
    return FileResponse(path, filename=name, content_disposition_type="attachment")


def _clean(name: str) -> str:
    """A name without folders, spaces or letters beyond ASCII, so that it is one file's in every system."""
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = ascii_only.replace("/", " ").split()
    return re.sub(r"[^A-Za-z0-9_.-]", "", "_".join(words)).strip("._")


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
