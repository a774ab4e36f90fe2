"""What a change of a project means for its volumes, secrets and variables."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scaffold.compose.project import read_project
from scaffold.project.impact.report import Impact, Setting, impact
from tests.unit.impact_helpers import FILES, became, becomes, project, without_db


def names(items: Any) -> list[str]:
    return [item.name for item in items]


def test_nothing_changed_is_nothing_to_say() -> None:
    same = impact(project(), project())
    assert same.empty
    assert not same.needs_you
    assert same.raises_major == ()
    assert names(same.volumes_kept) == ["db_data", "uploads"]


def test_comments_quotes_and_order_of_keys_are_no_change() -> None:
    assert became(("  db:\n", "  # the database\n  db:\n"), ('"1", B: "2"', "1, B: '2'")).empty
    assert became(("{POSTGRES_USER: app}", "[POSTGRES_USER=app]")).empty


def test_another_project_name_leaves_all_data_behind() -> None:
    report = became(("name: p", "name: q"))
    assert report.renamed == ("p", "q")
    assert report.needs_you


def test_a_volume_added_and_one_no_longer_declared() -> None:
    report = became(("  uploads:\nsecrets", "  new:\nsecrets"), ("uploads:/uploads", "new:/new"))
    assert names(report.volumes_added) == ["new"]
    assert names(report.volumes_kept) == ["db_data"]
    assert names(report.volumes_orphaned) == ["uploads"]
    assert report.volumes_orphaned[0].owner == "web"


def test_adding_alone_needs_nobody() -> None:
    report = became(("  uploads:\nsecrets", "  uploads:\n  new:\nsecrets"))
    assert not report.empty
    assert not report.needs_you


def test_a_service_removed_with_its_volume_needs_nobody() -> None:
    report = impact(project(), project({"compose.yaml": without_db()}))
    assert report.services_removed == ("db",)
    assert names(report.volumes_orphaned) == ["db_data"]
    assert not report.needs_you


@pytest.mark.parametrize(
    ("override", "what", "line"),
    [
        ("services:\n  db:\n    labels: {ours: here}\n", "only additions to a service that is gone", 2),
        ("services:\n  own:\n    image: x:1\n    depends_on: [db]\n", "names the service `db`, which is gone", 2),
        (
            "services:\n  own:\n    image: x:1\n    volumes: [db_data:/x]\n",
            "names the volume `db_data`, which is gone",
            2,
        ),
    ],
)
def test_what_the_user_says_of_a_service_that_goes_is_named(override: str, what: str, line: int) -> None:
    """Compose starts nothing of a project with one of these in it."""
    own = {"compose.override.yaml": override}
    assert impact(project(own), project(own)).broken == ()
    report = impact(project(own), project({**own, "compose.yaml": without_db()}))
    (one,) = report.broken
    assert what in one.what
    assert (one.place.file, one.place.line) == ("compose.override.yaml", line)
    assert report.needs_you
    assert report.as_dict()["broken"][0]["place"] == {"file": "compose.override.yaml", "line": line}


def test_a_renamed_volume_stays_behind_and_says_so() -> None:
    report = became(("uploads:/uploads", "files:/uploads"), ("  uploads:\nsecrets", "  files:\nsecrets"))
    (move,) = report.moved
    assert (move.service, move.target, move.before, move.after) == ("web", "/uploads", "uploads", "files")
    assert "the data stays in `uploads`" in move.fix
    assert names(report.volumes_added) == ["files"]
    assert names(report.volumes_orphaned) == ["uploads"]
    assert report.needs_you


def test_another_key_for_the_same_volume_leaves_nothing_behind() -> None:
    report = became(
        ("uploads:/uploads", "files:/uploads"), ("  uploads:\nsecrets", "  files: {name: p_uploads}\nsecrets")
    )
    assert report.moved == ()
    report = became(("  uploads:\nsecrets", "  uploads: {external: true, name: p_uploads}\nsecrets"))
    assert report.moved == ()


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("uploads:/uploads", "./uploads:/uploads", ("uploads", "./uploads")),
        ("./uploads:/uploads", "uploads:/uploads", ("./uploads", "uploads")),
        ("uploads:/uploads", "/uploads", ("uploads", "an anonymous volume")),
        ("/uploads", "uploads:/uploads", ("an anonymous volume", "uploads")),
        ("uploads:/uploads", "{type: tmpfs, target: /uploads}", ("uploads", "memory")),
    ],
)
def test_something_else_at_the_same_path(before: str, after: str, words: tuple[str, str]) -> None:
    text = "services: {{web: {{image: x, volumes: [{}]}}}}\nvolumes: {{uploads: }}\n"
    report = becomes(text.format(before), text.format(after))
    assert [(move.before, move.after) for move in report.moved] == [words]
    assert report.needs_you


def test_what_was_in_memory_is_no_loss() -> None:
    text = "services: {{web: {{image: x, {}}}}}\nvolumes: {{uploads: }}\n"
    report = becomes(text.format("tmpfs: /uploads"), text.format("volumes: ['uploads:/uploads']"))
    assert report.moved == ()
    assert not report.needs_you


@pytest.mark.parametrize(
    ("written", "kind", "path"),
    [
        ("- uploads:/uploads:ro", "read-only", "/uploads"),
        ("- uploads:/elsewhere", "path", "/elsewhere"),
        ("- {type: volume, source: uploads, target: /elsewhere}", "path", "/elsewhere"),
        ("[]", "dropped", ""),
    ],
)
def test_a_volume_mounted_otherwise(written: str, kind: str, path: str) -> None:
    report = became(("- uploads:/uploads", written))
    assert [(one.kind, one.volume, one.before, one.after) for one in report.mounts] == [
        (kind, "uploads", "/uploads", path)
    ]
    assert report.needs_you == (kind != "read-only")


def test_a_volume_that_may_be_written_from_now_on() -> None:
    text = "services: {{web: {{image: x, volumes: ['data:/data{}']}}}}\nvolumes: {{data: }}\n"
    (mount,) = becomes(text.format(":ro"), text.format("")).mounts
    assert mount.kind == "writable"


def test_who_only_read_a_volume_loses_nothing_with_it() -> None:
    text = "services: {{web: {{image: x, volumes: {}}}}}\nvolumes: {{data: }}\n"
    report = becomes(text.format("['data:/data:ro']"), text.format("[]"))
    assert [(one.kind, one.fix) for one in report.mounts] == [("dropped", "")]
    assert not report.needs_you


def test_the_same_mount_written_at_length_is_none() -> None:
    report = became(("- uploads:/uploads", "- {type: volume, source: uploads, target: /uploads/}"))
    assert (report.mounts, report.moved, report.needs_you) == ((), (), False)


@pytest.mark.parametrize(
    ("settings", "key", "elsewhere"),
    [
        ("{driver: nfs}", "driver", False),
        ("{driver_opts: {type: nfs, o: addr=x, device: ':/x'}}", "driver_opts", False),
        ("{labels: {a: b}}", "labels", False),
        ("{external: true}", "external", True),
        ("{name: other}", "name", True),
    ],
)
def test_a_volume_declared_otherwise(settings: str, key: str, elsewhere: bool) -> None:
    report = became(("  uploads:\nsecrets", f"  uploads: {settings}\nsecrets"))
    (one,) = report.redefined
    assert [(setting.key, setting.before) for setting in one.settings] == [(key, None)]
    assert (one.volume, one.elsewhere) == ("uploads", elsewhere)
    assert report.needs_you


@pytest.mark.parametrize("settings", ["{driver: local}", "{name: p_uploads}", "{external: false}", "{x-mine: 1}", "{}"])
def test_what_goes_without_saying_is_no_change(settings: str) -> None:
    """Tried: none of these changes the hash that Compose keeps of a volume."""
    assert became(("  uploads:\nsecrets", f"  uploads: {settings}\nsecrets")).empty


def test_each_setting_with_what_was_and_what_is() -> None:
    text = "volumes: {{v: {{driver_opts: {{o: '{}'}}}}}}\n"
    (one,) = becomes(text.format("addr=a"), text.format("addr=b")).redefined
    assert one.settings == (Setting("driver_opts", {"o": "addr=a"}, {"o": "addr=b"}),)


def test_secrets_added_and_gone() -> None:
    report = became(
        ("secrets:\n  db_password: {file: secrets/db_password}", "secrets:\n  key: {file: secrets/key}"),
        ("    secrets: [db_password]\n", ""),
    )
    assert [(secret.name, secret.volume) for secret in report.secrets_added] == [("key", "")]
    assert [(secret.name, secret.volume) for secret in report.secrets_gone] == [("db_password", "db_data")]
    assert not report.needs_you


def test_variables_added_gone_and_with_another_default() -> None:
    before = project({".env.example": "PORT=1\nOLD=x\nSAME=y\n", ".env": "PORT=5\nOLD=x\nSAME=y\n"})
    after = project({".env.example": "PORT=2\nNEW=z\nSAME=y\n", ".env": "PORT=5\nOLD=x\nSAME=y\n"})
    report = impact(before, after)
    assert [(one.name, one.after, one.set_here) for one in report.variables_added] == [("NEW", "z", False)]
    assert [(one.name, one.before, one.set_here) for one in report.variables_gone] == [("OLD", "x", True)]
    assert [(one.name, one.before, one.after, one.set_here) for one in report.defaults] == [("PORT", "1", "2", True)]
    assert not report.needs_you


def test_without_env_nobody_knows_what_is_set() -> None:
    report = became(("PORT=1", "PORT=2"), file=".env.example")
    assert [one.set_here for one in report.defaults] == [None]


def test_what_could_not_be_read_is_told_and_is_no_change() -> None:
    text = f"include: [../theirs.yaml]\n{FILES['compose.yaml']}"
    report = impact(project({"compose.yaml": text}), project({"compose.yaml": text}))
    assert report.unread == ("../theirs.yaml",)
    assert report.empty


def everything() -> Impact:
    """A change with something of every kind."""
    after = """\
name: q
services:
  db:
    image: postgres:18-trixie
    volumes: [db_data:/var/lib/postgresql, other:/x]
  web:
    image: acme/web:2
    volumes: [files:/uploads]
  new: {image: redis:8.8-trixie, profiles: [z]}
volumes:
  db_data: {driver: nfs}
  files:
secrets:
  key: {file: secrets/key}
"""
    return impact(project(), read_project({"compose.yaml": after, ".env.example": "OTHER=1\n"}.get), ["web/app/a.py"])


def test_the_document_has_everything_and_is_json() -> None:
    document = everything().as_dict()
    assert json.loads(json.dumps(document)) == document
    assert document["renamed"] == {"before": "p", "after": "q"}
    assert document["volumes_orphaned"] == [
        {"name": "uploads", "responsibility": "Uploads", "class": "files", "owner": "web", "backup": "files"}
    ]
    assert document["secrets_gone"] == [{"name": "db_password", "volume": "db_data"}]
    assert document["raises_major"] == ["db"]
    assert document["needs_you"] is True
    assert set(Impact.__slots__) <= set(document)
    nothing = {key for key, value in document.items() if value in ([], None)}
    assert nothing == {"defaults", "rebuilt", "unread", "services_removed"}


def test_an_empty_document_says_so() -> None:
    document = impact(project(), project()).as_dict()
    assert (document["empty"], document["needs_you"], document["raises_major"]) == (True, False, [])
    assert document["renamed"] is None
    assert [volume["name"] for volume in document["volumes_kept"]] == ["db_data", "uploads"]
