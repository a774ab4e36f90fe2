"""Images that change under data: what a major is, and what has to be done."""

from __future__ import annotations

import pytest

from scaffold import facts
from tests.unit.impact_helpers import became, becomes, images


@pytest.mark.parametrize(
    ("before", "after", "major"),
    [
        ("postgres:17-trixie", "postgres:18-trixie", "up"),
        ("postgres:18-trixie", "postgres:17-trixie", "down"),
        ("postgres:9.6", "postgres:18-trixie", "up"),
        ("postgres:18.1-trixie", "postgres:18.6-trixie", "same"),
        ("postgres:18-trixie", "postgres:18-bookworm", "same"),
        ("postgres:18-trixie", "pgvector/pgvector:0.8.6-pg18-trixie", "same"),
        ("postgres:18-trixie", "pgvector/pgvector:0.8.6-pg17-trixie", "down"),
        ("pgvector/pgvector:0.8.5-pg17-trixie", "pgvector/pgvector:0.8.6-pg17-trixie", "same"),
        ("postgres:17-trixie", "registry.example.com/mirror/postgres:17-trixie", "same"),
        ("postgres:17-trixie", "registry.example.com/mirror/postgres:18-trixie", "up"),
        ("docker.io/library/postgres:17", "localhost:5000/postgres:17", "same"),
        ("postgres:17-trixie", "postgres:17-trixie@sha256:0123", "same"),
        ("postgres:17-trixie", "postgres", "unknown"),
        ("postgres:17-trixie", "postgres:latest", "unknown"),
        ("postgres:17-trixie", "bitnami/postgres:18", "unknown"),
        ("postgres:17-trixie", "ghcr.io/somebody/postgres:18", "unknown"),
        ("postgres:17-trixie", "mongo:8.0-noble", "unknown"),
        ("postgres:17-trixie", "postgres:${MAJOR:-18}", "unknown"),
        ("mongo:8.0-noble", "mongo:8.0.9-noble", "same"),
        ("mongo:7.0-jammy", "mongo:8.0-noble", "up"),
        ("mongo:8.0-noble", "mongo:8.3-noble", "up"),
        ("mongo:8.10-noble", "mongo:8.3-noble", "down"),
        ("redis:8.8-trixie", "redis:8.10-trixie", "same"),
        ("redis:7.4-bookworm", "redis:8.8-trixie", "up"),
        ("qdrant/qdrant:v1.19.0", "qdrant/qdrant:v1.19.1", "same"),
        ("qdrant/qdrant:v1.19.0", "qdrant/qdrant:v1.20.0", "up"),
        ("chromadb/chroma:1.5.8", "ghcr.io/chroma-core/chroma:1.5.9", "same"),
        ("chromadb/chroma:0.6.3", "chromadb/chroma:1.5.9", "up"),
        ("ghcr.io/mlflow/mlflow:v3.1.0-full", "registry.example.com/mlflow/mlflow:v4.0.0-full", "up"),
        ("acme/store:1", "registry.example.com/acme/store:1", "same"),
        ("acme/store:1", "localhost:5000/acme/store:1", "same"),
        ("acme/store:1", "other/acme/store:1", "unknown"),
        ("acme/store:1", "acme/store:2", "unknown"),
    ],
)
def test_what_a_major_is(before: str, after: str, major: str) -> None:
    report = images(before, after)
    (change,) = report.images
    assert change.major == major
    assert bool(report.raises_major) == (major in {"up", "down"})
    assert report.needs_you == (major != "same") == bool(change.todo)
    assert (change.before, change.after, change.volumes) == (before, after, ("data",))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("postgres:17-trixie", "postgres:18-trixie", "pg_dump"),
        ("postgres:18-trixie", "postgres:17-trixie", "what only the newer one knows"),
        ("mongo:7.0-jammy", "mongo:8.0-noble", "setFeatureCompatibilityVersion"),
        ("mongo:8.0-noble", "mongo:7.0-jammy", "mongodump"),
        ("qdrant/qdrant:v1.19.0", "qdrant/qdrant:v1.20.0", "one minor at a time"),
        ("ghcr.io/mlflow/mlflow:v2.1.0-full", "ghcr.io/mlflow/mlflow:v3.1.0-full", "mlflow db upgrade"),
        ("acme/store:1", "acme/store:2", "nothing is known here"),
    ],
)
def test_what_has_to_be_done(before: str, after: str, words: str) -> None:
    (change,) = images(before, after).images
    assert words in change.todo
    assert bool(change.source) == (before != "acme/store:1")


@pytest.mark.parametrize(
    ("klass", "before", "after", "needs_you", "raises"),
    [
        ("index", "qdrant/qdrant:v1.19.0", "qdrant/qdrant:v1.20.0", True, False),
        ("queue", "redis:7.4-bookworm", "redis:8.8-trixie", True, False),
        ("cache", "redis:7.4-bookworm", "redis:8.8-trixie", False, False),
        ("index", "acme/store:1", "acme/store:2", True, False),
        ("files", "acme/app:1", "acme/app:2", False, False),
        ("''", "postgres:17", "postgres:18", True, False),
        ("''", "acme/app:1", "acme/app:2", False, False),
    ],
)
def test_it_hangs_on_what_the_volume_is_for(klass: str, before: str, after: str, needs_you: bool, raises: bool) -> None:
    report = images(before, after, klass)
    assert (report.needs_you, bool(report.raises_major)) == (needs_you, raises)


def test_data_that_is_only_read_is_not_at_stake() -> None:
    text = (
        "services: {{db: {{image: 'postgres:{}', volumes: ['data:/data:ro']}}}}\nvolumes: {{data: }}\n"
        "x-scaffold: {{volumes: {{data: {{class: database}}}}}}\n"
    )
    (change,) = becomes(text.format("17"), text.format("18")).images
    assert (change.major, change.volumes, change.todo) == ("up", (), "")


def test_without_a_volume_there_is_nothing_to_do() -> None:
    report = becomes("services: {db: {image: 'postgres:17'}}\n", "services: {db: {image: 'postgres:18'}}\n")
    assert report.images[0].major == "up"
    assert not report.needs_you
    assert report.raises_major == ()


def test_the_image_that_ones_own_is_built_on_counts() -> None:
    report = became(("python:3.13.5-slim-trixie", "python:3.14.0-slim-trixie"), file="web/Dockerfile")
    (change,) = report.images
    assert (change.service, change.major, change.todo) == ("web", "up", "")
    assert not report.needs_you
    assert [one.service for one in report.rebuilt] == ["web"]


def test_a_variable_that_env_does_not_set_has_its_default() -> None:
    from scaffold.compose.project import read_project
    from scaffold.project.impact.report import impact

    text = "services: {db: {image: 'postgres:${MAJOR:-%s}', volumes: ['d:/d']}}\nvolumes: {d: }\n"
    before, after = ({"compose.yaml": text % major, ".env": "PORT=1\n"} for major in ("17", "18"))
    assert [one.major for one in impact(read_project(before.get), read_project(after.get)).images] == ["up"]
    before[".env"] = after[".env"] = "MAJOR=18\n"
    assert [one.major for one in impact(read_project(before.get), read_project(after.get)).images] == ["unknown"]


def test_every_steps_table_is_of_an_image_that_is_known() -> None:
    for reference in (
        "postgres:18",
        "mongo:8.0",
        "redis:8.8",
        "chromadb/chroma:1.5.9",
        "qdrant/qdrant:v1.19.0",
        "chrislusf/seaweedfs:4.44",
        "ghcr.io/mlflow/mlflow:v3.1.0-full",
    ):
        steps = facts.upgrade(reference)
        assert steps and steps.up and steps.down and steps.source
        assert facts.major(reference)
        assert facts.lookup(reference)
    assert facts.upgrade("python:3.13.5-slim") is None
    assert facts.major("python:3.13.5-slim-trixie") == "13"
    assert facts.major("acme/store:1") is None
