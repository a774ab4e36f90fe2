"""Two small projects, and what becoming the second means for the first."""

from __future__ import annotations

from collections.abc import Collection

from scaffold.compose.project import Project, read_project
from scaffold.project.impact.report import Impact, impact

# A database, and an application that is built and uses it.
TEXT = """\
name: p
services:
  db:
    image: postgres:17-trixie
    environment: {POSTGRES_USER: app}
    secrets: [db_password]
    volumes: [db_data:/var/lib/postgresql/data]
  web:
    build: {context: ., dockerfile: web/Dockerfile}
    pull_policy: build
    environment: {A: "1", B: "2"}
    depends_on: [db]
    volumes:
      - uploads:/uploads
volumes:
  db_data:
  uploads:
secrets:
  db_password: {file: secrets/db_password}
x-scaffold:
  volumes:
    db_data: {responsibility: The database, class: database, owner: db, backup: postgres-dump}
    uploads: {responsibility: Uploads, class: files, owner: web, backup: files}
  secrets:
    db_password: {volume: db_data}
"""
FILES = {
    "compose.yaml": TEXT,
    "web/Dockerfile": "FROM python:3.13.5-slim-trixie\nCOPY clients web/app /x/\n",
    ".env.example": "PORT=1\n",
}


def project(files: dict[str, str] | None = None) -> Project:
    return read_project({**FILES, **(files or {})}.get)


def without_db() -> str:
    """The first project's compose.yaml without the database and what names it."""
    start, end = TEXT.index("  db:"), TEXT.index("  web:")
    return (TEXT[:start] + TEXT[end:]).replace("  db_data:\n", "", 1).replace("    depends_on: [db]\n", "")


def became(*edits: tuple[str, str], changed: Collection[str] = (), file: str = "compose.yaml") -> Impact:
    """What it means that some text of a file is another one now."""
    text = FILES[file]
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new)
    return impact(project(), project({file: text}), changed)


def becomes(before: str, after: str, changed: Collection[str] = ()) -> Impact:
    """What it means that compose.yaml is another one now."""
    return impact(read_project({"compose.yaml": before}.get), read_project({"compose.yaml": after}.get), changed)


def images(before: str, after: str, klass: str = "database") -> Impact:
    """What it means that a service with a volume of some class runs another image."""
    text = (
        "services: {{db: {{image: '{}', volumes: ['data:/data']}}}}\nvolumes: {{data: }}\n"
        f"x-scaffold: {{{{volumes: {{{{data: {{{{class: {klass}}}}}}}}}}}}}\n"
    )
    return becomes(text.format(before), text.format(after))
