"""The application that uvicorn serves."""

from __future__ import annotations

from importlib import import_module

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from app import health, linked, uploads
from clients import log_as, provider, setting


def create_app() -> FastAPI:
    """Make the application, with the pages for what this project is linked to."""
    log_as("fastapi")
    app = FastAPI(max_body_size=int(setting("MAX_UPLOAD_MB")) * 1024 * 1024)
    app.state.uploads = setting("UPLOADS_DIR")
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.include_router(health.pages)
    app.include_router(uploads.pages)
    # These need what not every choice of services brings, so they are loaded only where it is there.
    if provider("chat"):
        app.include_router(import_module("app.chat").pages)
    if documents := linked.documents():
        documents.keep_up(app.state.uploads)
        app.include_router(import_module("app.search").pages)
        if provider("chat"):
            app.include_router(import_module("app.ask").pages)
    return app


def _refused(_: Request, error: HTTPException) -> JSONResponse:
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


def _not_understood(_: Request, error: RequestValidationError) -> JSONResponse:
    """Say what is wrong with a request, and where: `body.question: Field required`."""
    wrong = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
    return JSONResponse({"error": "; ".join(wrong)}, 400)


app = create_app()
