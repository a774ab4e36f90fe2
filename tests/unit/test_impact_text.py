"""The report as it is printed: short, grouped, nothing where there is nothing to say."""

from __future__ import annotations

import pytest

from scaffold.cli.impact import show
from scaffold.project.impact.report import Impact, impact
from tests.unit.impact_helpers import FILES, became, project, without_db
from tests.unit.test_impact import everything


def printed(report: Impact, capsys: pytest.CaptureFixture[str]) -> tuple[list[str], str]:
    show(report)
    said = capsys.readouterr()
    return said.out.splitlines(), said.err


def test_nothing_is_said_of_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(impact(project(), project()), capsys) == ([], "")


def test_one_thing_is_one_group(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(became(('A: "1"', 'A: "2"')), capsys) == (["containers", "recreated\tweb\tenvironment: A"], "")


def test_everything_in_its_group(capsys: pytest.CaptureFixture[str]) -> None:
    lines, said = printed(everything(), capsys)
    assert said == ""
    headings = [line for line in lines if "\t" not in line]
    assert headings == ["before `up`", "volumes", "images", "secrets", "variables", "containers"]
    text = "\n".join(lines)
    for part in (
        "name p -> q\tevery volume's name begins with it",
        "db (db_data)\tthe new server cannot read the old one's files",
        "web /uploads: uploads -> files\tthe data stays in `uploads`",
        "db db_data: /var/lib/postgresql/data -> /var/lib/postgresql\tthe data stays in `db_data`",
        "db_data (driver)\tCompose keeps the old settings",
        "added\tfiles\t",
        "retired\tuploads\tit stays in the engine with its data; declaring it again uses it again",
        "db\tpostgres:17-trixie -> postgres:18-trixie\tnewer major",
        "web\tpython:3.13.5-slim-trixie -> acme/web:2\tmajor cannot be told",
        "added\tkey\t",
        "gone\tdb_password\tsecrets/db_password stays",
        "added\tOTHER\t=1",
        "gone\tPORT\t",
        "new\tnew\t",
        "recreated\tdb\tenvironment: POSTGRES_USER, image, secrets, volumes",
    ):
        assert part in text


def test_a_removed_service_and_how_its_volume_comes_back(capsys: pytest.CaptureFixture[str]) -> None:
    lines, _ = printed(impact(project(), project({"compose.yaml": without_db()})), capsys)
    assert lines == [
        "volumes",
        "retired\tdb_data\tit stays in the engine with its data; adding `db` again uses it again",
        "containers",
        "recreated\tweb\tdepends_on (by Compose 2.24 only)",
        "removed\tdb\tits container goes on running until docker compose up -d --remove-orphans",
    ]


def test_a_retired_volume_of_somebody_else(capsys: pytest.CaptureFixture[str]) -> None:
    text = FILES["compose.yaml"].replace("  uploads:\nsecrets", "  uploads: {external: true}\nsecrets")
    after = text.replace("  uploads: {external: true}\n", "").replace("- uploads:/uploads", "[]")
    lines, _ = printed(impact(project({"compose.yaml": text}), project({"compose.yaml": after})), capsys)
    assert "retired\tuploads\tit was made outside this project and stays" in lines


def test_rights_defaults_old_versions_and_what_is_to_be_built(capsys: pytest.CaptureFixture[str]) -> None:
    after = FILES["compose.yaml"].replace("    pull_policy: build\n", "    profiles: [x]\n")
    report = impact(
        project({".env": "PORT=7\n"}),
        project({"compose.yaml": after, ".env.example": "PORT=2\n", ".env": "PORT=7\n"}),
        ["clients/a.py"],
    )
    assert printed(report, capsys)[0] == [
        "variables",
        "default\tPORT\t1 -> 2; .env has a value of its own",
        "containers",
        "recreated\tweb\tprofiles (by Compose 2.24 only; in profile x)",
        "to build\tweb\tclients/a.py; `up` goes on with the old image: docker compose build web",
    ]
    lines, _ = printed(became(("- uploads:/uploads", "- uploads:/uploads:ro")), capsys)
    assert "read-only\tuploads\tfor web: what it writes there fails from now on" in lines


def test_what_could_not_be_read_is_a_note(capsys: pytest.CaptureFixture[str]) -> None:
    text = f"include: [../theirs.yaml]\n{FILES['compose.yaml']}"
    lines, said = printed(impact(project({"compose.yaml": text}), project({"compose.yaml": text})), capsys)
    assert lines == []
    assert "../theirs.yaml is included and cannot be read" in said
