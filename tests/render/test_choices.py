"""What holds for every project that can be chosen: it loads everywhere, and no path that holds data is left out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from scaffold import facts
from scaffold.catalog.index import load
from scaffold.catalog.resolve import Rendering
from tests.support import compose
from tools.examples import ROOT

pytestmark = pytest.mark.compose

# Compiled once for thousands of choices.
RENDERING = Rendering(load(ROOT))
# Shell words in healthchecks that are no programs of the image.
SHELL = {"CMD", "CMD-SHELL", "exec", "test", "grep", "cat"}


def model(project: Path) -> dict[str, Any]:
    return compose.config(project, compose.VERSIONS[-1])


@pytest.mark.parametrize("version", compose.VERSIONS)
def test_it_loads_without_warnings(project: Path, version: str) -> None:
    compose.config(project, version)


@pytest.mark.parametrize("version", compose.VERSIONS)
def test_every_overlay_loads_over_it(project: Path, version: str, choice: dict[str, Any]) -> None:
    overlays = {name: ids for name, ids in RENDERING.stack(choice)["overlays"].items() if ids}
    assert {path.name for path in project.glob("compose.*.yaml")} == {f"compose.{name}.yaml" for name in overlays}
    for name, ids in overlays.items():
        services = compose.config(project, version, "compose.yaml", f"compose.{name}.yaml")["services"]
        for id in ids:
            service = services[id]
            if name == "dev":
                watched = [rule["action"] for rule in service["develop"]["watch"]]
                assert any(mount["type"] == "bind" for mount in service["volumes"]) or "sync+restart" in watched
            elif name == "gpu":
                assert service["deploy"]["resources"]["reservations"]["devices"][0]["capabilities"] == ["gpu"]
            else:
                # Compose 2.24 writes each as one text.
                devices = [each if isinstance(each, str) else each["source"] for each in service["devices"]]
                assert [device.partition(":")[0] for device in devices] == ["/dev/kfd", "/dev/dri"]
                assert "rocm" in service["image"]
            assert facts.lookup(service.get("image") or base_image(project, service))


@pytest.mark.parametrize("version", compose.VERSIONS)
def test_the_table_of_volumes_survives_every_compose(project: Path, version: str, choice: dict[str, Any]) -> None:
    stack = RENDERING.stack(choice)
    table = compose.config(project, version)["x-scaffold"]
    assert table["volumes"] == {
        volume["name"]: {
            key: volume[key]
            for key in ("responsibility", "class", "owner", "backup", "refill")
            if key != "refill" or volume[key]
        }
        for volume in stack["volumes"]
    }
    assert set(table["secrets"] or {}) == {secret["name"] for secret in stack["secrets"]}


def test_every_volume_and_state_path_of_an_image_is_covered(project: Path) -> None:
    for name, service in model(project)["services"].items():
        mounts = {mount["target"]: mount for mount in service.get("volumes", [])}
        reference = service.get("image") or base_image(project, service)
        known = facts.lookup(reference)
        assert known is not None, f"facts/images.toml says nothing about {reference}"
        for path in known.volumes:
            assert path in mounts or path in service.get("tmpfs", []), f"{name}: {path} becomes an anonymous volume"
        for path in known.state if service["restart"] != "no" else ():
            assert mounts[path]["type"] == "volume", f"{name}: data in {path} is not in a named volume"


def base_image(project: Path, service: dict[str, Any]) -> str:
    text = (project / service["build"]["dockerfile"]).read_text()
    return str(re.findall(r"^FROM (\S+)", text, re.MULTILINE)[-1])


def entry_of(project: Path) -> dict[str, str]:
    """Which entry each service of the project belongs to."""
    return {
        service: path.parent.name
        for path in project.glob("services/*/compose.yaml")
        for service in yaml.safe_load(path.read_text())["services"]
    }


def test_each_volume_is_mounted_by_its_writers_and_readers(project: Path, choice: dict[str, Any]) -> None:
    loaded = model(project)
    entries = entry_of(project)
    found: dict[str, dict[bool, set[str]]] = {name: {True: set(), False: set()} for name in loaded["volumes"]}
    for name, service in loaded["services"].items():
        for mount in service.get("volumes", []):
            assert mount["type"] != "bind"
            if mount["type"] == "volume":
                found[mount["source"]][not mount.get("read_only")].add(entries[name])
    for volume in RENDERING.stack(choice)["volumes"]:
        mounted = found.pop(volume["name"])
        assert mounted[True] == set(volume["writers"]), volume["name"]
        assert mounted[False] - mounted[True] == set(volume["readers"]), volume["name"]
        assert mounted[True] | mounted[False], volume["name"]
    assert not found


def test_volumes_are_declared_plainly(project: Path, choice: dict[str, Any]) -> None:
    loaded = model(project)
    # Nothing in a declaration that would make Compose offer to delete the data one day.
    declared = yaml.safe_load((project / "compose.yaml").read_text())["volumes"]
    assert all(body is None for body in declared.values())
    assert loaded["name"] == choice["project_name"]


def test_every_service_is_watched_stopped_gently_and_started_again(project: Path, choice: dict[str, Any]) -> None:
    stack = RENDERING.stack(choice)
    jobs = {name: ["pull"] for name in stack["pulls"]} | {job["service"]: ["train"] for job in stack["jobs"]}
    for name, service in model(project)["services"].items():
        if name in jobs:
            assert (service["restart"], service["profiles"]) == ("no", jobs[name]), "only run when asked for"
            continue
        assert "profiles" not in service
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}, name
        assert "localhost" not in str(service["healthcheck"]), f"{name}: localhost may be ::1"
        assert re.fullmatch(r"\d+m?\d*s?", service["stop_grace_period"]), name


def test_healthchecks_use_programs_that_the_image_has(project: Path) -> None:
    for name, service in model(project)["services"].items():
        if service["restart"] == "no":
            continue
        known = facts.lookup(service.get("image") or base_image(project, service))
        assert known
        words = set(re.findall(r"[a-z_][\w-]*", " ".join(service["healthcheck"]["test"])))
        assert not words & set(known.missing), name
        assert words & (set(known.tools) - SHELL), f"{name}: none of {known.tools}"


def test_ports_are_reachable_from_this_machine_only(project: Path) -> None:
    for name, service in model(project)["services"].items():
        for port in service.get("ports", []):
            assert port["host_ip"] == "127.0.0.1", name


def test_defaults_are_the_same_in_env_example(project: Path) -> None:
    """Compose files give them once more, for whoever has no .env yet."""
    example = (project / ".env.example").read_text()
    used = set()
    for text in [path.read_text() for path in project.glob("services/*/compose.yaml")]:
        for variable, default in re.findall(r"\$\{(\w+):-([^}]*)\}", text):
            used.add(variable)
            assert f"{variable}={default}\n" in example, variable
    assert set(re.findall(r"^(\w+)=", example, re.MULTILINE)) <= used, "a setting that sets nothing"


def test_secrets_are_files_and_no_password_has_a_default(project: Path) -> None:
    loaded = model(project)
    for secret in loaded.get("secrets", {}).values():
        assert Path(secret["file"]).parent == project / "secrets"
    text = "".join(path.read_text() for path in project.rglob("compose*.yaml"))
    assert not re.search(r"(?i)passw\w*\}?:[-=?+]", text)
    for service in loaded["services"].values():
        for key, value in (service.get("environment") or {}).items():
            if re.search(r"PASSWORD|SECRET|TOKEN|KEY", key):
                assert key.endswith("_FILE"), key
                assert value.startswith("/run/secrets/"), value


def test_links_are_complete(project: Path, choice: dict[str, Any]) -> None:
    """Who is linked waits for the other, and has every secret that its environment names."""
    stack = RENDERING.stack(choice)
    services = model(project)["services"]
    for id, link in stack["links"].items():
        waits = {name: wait["condition"] for name, wait in services[id].get("depends_on", {}).items()}
        assert waits == {wait["service"]: wait["condition"] for wait in link["waits"]}
        given = {f"/run/secrets/{secret['source']}" for secret in services[id].get("secrets", [])}
        if link["from"]:
            named = {value for value in services[id]["environment"].values() if value.startswith("/run/secrets/")}
            assert named == given
    modules = {path.stem for path in (project / "clients").glob("*.py")} - {"__init__"}
    assert modules - SHARED_CLIENTS == {client["module"] for client in stack["clients"]}


# What the clients of several services have in common; there where one of them is.
SHARED_CLIENTS = {"documents", "generations", "model_server", "stages", "texts"}


def test_what_clients_import_is_there(project: Path) -> None:
    have = {path.stem for path in (project / "clients").glob("*.py")}
    for path in (project / "clients").glob("*.py"):
        wanted = set(re.findall(r"^\s*from clients\.(\w+) import", path.read_text(), re.MULTILINE))
        imported = re.findall(r"^\s*from clients import (.+)$", path.read_text(), re.MULTILINE)
        wanted |= SHARED_CLIENTS & {name.strip() for names in imported for name in names.split(",")}
        assert wanted <= have, path.name


def test_generated_lists_end_in_a_line_below_which_users_add(project: Path) -> None:
    text = (project / "compose.yaml").read_text()
    for what, count in (("includes", 1), ("volumes", 1), ("secrets", 1), ("descriptions", 2)):
        assert text.count(f"# your own {what} below this line") == count


def test_volumes_md_lists_them_all(project: Path, choice: dict[str, Any]) -> None:
    text = (project / "VOLUMES.md").read_text()
    for volume in RENDERING.stack(choice)["volumes"]:
        assert f"| `{volume['name']}` | {volume['responsibility']} | {volume['class']} | {volume['owner']} |" in text
        assert f'{volume["name"]}[("{volume["name"]}<br>{volume["responsibility"]}")]' in text


def test_python_of_the_project_is_valid(project: Path) -> None:
    for path in project.rglob("*.py"):
        compile(path.read_text(), str(path), "exec")
