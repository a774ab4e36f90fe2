"""Which containers `up` replaces and which images it builds. That this is true is shown in tests/engine."""

from __future__ import annotations

import pytest

from scaffold.compose.project import read_project
from scaffold.project.impact.report import Impact, impact
from tests.unit.impact_helpers import became, becomes


def why(report: Impact) -> dict[str, tuple[str, ...]]:
    return {one.service: one.reasons for one in report.recreated}


@pytest.mark.parametrize(
    ("edit", "reasons"),
    [
        (('A: "1"', 'A: "2"'), ("environment: A",)),
        (('A: "1"', "A: "), ("environment: A",)),
        (('{A: "1", B: "2"}', "{C: 1, D: 1, E: 1}"), ("environment: A, B, C and 2 more",)),
        (("    pull_policy: build", "    labels: {l: 1}\n    pull_policy: build"), ("labels: l",)),
        (("- uploads:/uploads", "- uploads:/uploads:ro"), ("volumes",)),
        (("    pull_policy: build", "    secrets: [db_password]\n    pull_policy: build"), ("secrets",)),
        (("    pull_policy: build", "    deploy: {replicas: 2}\n    pull_policy: build"), ("deploy",)),
        (("    pull_policy: build", "    networks: [n]\n    pull_policy: build"), ("networks",)),
    ],
)
def test_a_configuration_that_differs(edit: tuple[str, str], reasons: tuple[str, ...]) -> None:
    report = became(edit)
    assert why(report) == {"web": reasons}
    assert not report.needs_you


@pytest.mark.parametrize(
    "line",
    [
        "scale: 3",
        "x-mine: 1",
        "labels: {}",
        "cap_add: []",
        "networks: [default]",
        "# comment: 1",
        "networks: {default: }",
        "ports: ",
    ],
)
def test_what_compose_does_not_count(line: str) -> None:
    assert became(("    depends_on", f"    {line}\n    depends_on")).recreated == ()


def test_when_images_are_pulled_does_not_count() -> None:
    assert became(("    image: postgres", "    pull_policy: always\n    image: postgres")).empty


def test_the_default_of_a_variable_that_env_sets_does_not_count() -> None:
    text = 'services: {a: {image: x, environment: ["A=${A:-%s}"], ports: ["${P-%s}:80"]}}\n'
    for env, reasons in (
        ("A=x\nP=1\n", {}),
        ("A=x\nP=\n", {"a": ("ports",)}),
        ("P=1\nB=2\n", {"a": ("environment: A",)}),
        (None, {"a": ("environment: A", "ports")}),
    ):
        old, new = ({"compose.yaml": text % pair} | ({".env": env} if env else {}) for pair in (("1", "1"), ("2", "2")))
        assert why(impact(read_project(old.get), read_project(new.get))) == reasons


@pytest.mark.parametrize("line", ["profiles: [x]", "depends_on: {db: {condition: service_healthy}}"])
def test_what_only_old_versions_of_compose_count(line: str) -> None:
    report = became(("    depends_on: [db]\n", f"    {line}\n"))
    assert [(one.service, one.old_compose_only) for one in report.recreated] == [("web", True)]


def test_replicas_alone_do_not_count_and_limits_do() -> None:
    text = "services: {{a: {{image: x, deploy: {{{}}}}}}}\n"
    assert becomes(text.format("replicas: 1"), text.format("replicas: 2")).empty
    assert why(becomes(text.format("replicas: 1"), text.format("replicas: 1, labels: {a: b}"))) == {"a": ("deploy",)}


def test_the_order_of_mounts_counts() -> None:
    text = "services: {{a: {{image: x, volumes: ['{}', '{}']}}}}\nvolumes: {{vv: , ww: }}\n"
    assert why(becomes(text.format("vv:/v", "ww:/w"), text.format("ww:/w", "vv:/v"))) == {"a": ("volumes",)}


def test_files_that_become_part_of_the_configuration() -> None:
    text = (
        "services: {a: {image: x, env_file: [a.env, {path: b.env, required: false}], label_file: l}, b: {image: x}}\n"
    )
    for path in ("a.env", "b.env", "l"):
        assert why(becomes(text, text, [path])) == {"a": (path,)}
    assert becomes(text, text, ["c.env"]).empty


@pytest.mark.parametrize("line", ["network_mode: 'service:a'", "ipc: service:a", "volumes_from: ['a:ro']"])
def test_who_shares_with_a_container_goes_with_it(line: str) -> None:
    text = f"services: {{a: {{image: 'x:%s'}}, b: {{image: y, {line}}}, c: {{image: y, network_mode: 'service:b'}}}}\n"
    assert why(becomes(text % 1, text % 2)) == {
        "a": ("image",),
        "b": ("it shares with a",),
        "c": ("it shares with b",),
    }


@pytest.mark.parametrize(
    ("changed", "reasons"),
    [
        (["clients/redis.py"], ("clients/redis.py",)),
        (["web/app/a.py", "web/compose.yaml", "README.md"], ("web/app/a.py",)),
        ([f"web/app/{n}.py" for n in range(5)], ("web/app/0.py", "web/app/1.py", "web/app/2.py", "2 more files")),
    ],
)
def test_an_image_is_built_from_what_it_copies(changed: list[str], reasons: tuple[str, ...]) -> None:
    report = became(changed=changed)
    assert [(one.service, one.reasons, one.by_up) for one in report.rebuilt] == [("web", reasons, True)]
    assert why(report) == {"web": ("its image is built anew",)}


@pytest.mark.parametrize("changed", [["web/compose.yaml"], ["README.md"], ["web/Dockerfile"], ["clients.md"]])
def test_other_files_build_nothing(changed: list[str]) -> None:
    assert became(changed=changed).empty


def test_a_step_of_the_dockerfile_counts_and_a_comment_does_not() -> None:
    assert became(("COPY", "# why\n\nCOPY"), file="web/Dockerfile", changed=["web/Dockerfile"]).empty
    report = became(("COPY", "RUN x\nCOPY"), file="web/Dockerfile", changed=["web/Dockerfile"])
    assert [one.reasons for one in report.rebuilt] == [("web/Dockerfile",)]


def test_an_argument_of_the_build_counts() -> None:
    report = became(("dockerfile: web/Dockerfile", "dockerfile: web/Dockerfile, args: [A=1]"))
    assert [one.reasons for one in report.rebuilt] == [("build",)]
    assert why(report) == {"web": ("its image is built anew",)}


def test_without_the_policy_up_builds_nothing() -> None:
    text = "services: {a: {build: ., image: x}}\n"
    report = becomes(text, text, ["any"])
    assert [(one.service, one.by_up) for one in report.rebuilt] == [("a", False)]
    assert report.recreated == ()


def test_from_an_image_to_a_build_and_back() -> None:
    image, build = "services: {a: {image: x}}\n", "services: {a: {build: ., pull_policy: build}}\n"
    assert why(becomes(image, build)) == {"a": ("image", "its image is built anew")}
    assert why(becomes(build, image)) == {"a": ("image", "it is no longer built")}


def test_services_come_and_go() -> None:
    report = becomes("services: {a: {image: x}, b: {image: x}}\n", "services: {b: {image: x}, c: {image: x}}\n")
    assert (report.services_added, report.services_removed, report.recreated) == (("c",), ("a",), ())


def test_a_service_that_up_does_not_start_is_named_with_its_profile() -> None:
    text = "services: {{a: {{image: 'x:{}', profiles: [pull]}}}}\n"
    assert [one.profiles for one in becomes(text.format(1), text.format(2)).recreated] == [("pull",)]
