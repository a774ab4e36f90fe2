"""A `docker` that answers from `state.json` beside it, and notes how it was called."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

Said = tuple[int, str, str]
UNREACHABLE = "Cannot connect to the Docker daemon at unix:///fake.sock. Is the docker daemon running?\n"


def answer(folder: Path, arguments: list[str]) -> Said:
    """Answer one command: exit code, output, errors."""
    state = json.loads((folder / "state.json").read_text())
    with (folder / "calls").open("a") as calls:
        calls.write(json.dumps(arguments) + "\n")
    if arguments[0] == "compose":
        return compose(state, arguments[1:])
    if arguments[0] == "context":
        return say(state.get("host", "unix:///fake.sock"))
    if not state["reachable"]:
        return 1, "", UNREACHABLE
    if arguments[0] == "volume":
        return volume(state, arguments[1:])
    if arguments[0] == "version":
        return say(state["version"])
    if arguments[0] == "ps":
        key, _, value = arguments[-1].partition("=")
        return say(*(each["id"] for each in state["containers"] if matches(each, key, value)))
    wanted = [each for each in state["containers"] if each["id"] in arguments]
    created = arguments[4] == "{{.Created}}"
    return say(*(each["created"] if created else json.dumps(each) for each in wanted))


def matches(container: dict[str, Any], key: str, value: str) -> bool:
    """Filter as `docker ps` does."""
    if key == "volume":
        return any(mount.get("Name") == value for mount in container["mounts"])
    return bool(value == f"com.docker.compose.project={container['project']}")


def volume(state: dict[str, Any], arguments: list[str]) -> Said:
    """Answer `docker volume`."""
    if arguments[:2] == ["ls", "-q"]:
        return say(*state.get("safety", []))
    if arguments[0] == "ls":
        return say(*("\t".join((v["name"], v["project"], v["key"])) for v in state["volumes"]))
    found = [each for each in state["volumes"] if each["name"] == arguments[-1]]
    return say(found[0]["created"]) if found else (1, "", "no such volume")


def compose(state: dict[str, Any], arguments: list[str]) -> Said:
    """Answer `docker compose`."""
    if state["compose"] is None:
        return 1, "", "docker: unknown command: docker compose\n\nRun 'docker --help'\n"
    if arguments[0] == "version":
        return say(f"Docker Compose version {state['compose']}")
    if "--all-resources" in arguments and not state["all_resources"]:
        return 16, "", "unknown flag: --all-resources\n"
    if "config" in arguments:
        if isinstance(state["config"], str):
            return 1, "", state["config"]
        return say(json.dumps(state["config"]))
    return say(state["ps"])


def say(*lines: str) -> Said:
    """Print lines."""
    return 0, "".join(line + "\n" for line in lines), ""


if __name__ == "__main__":
    code, output, errors = answer(Path(sys.argv[0]).parent, sys.argv[1:])
    sys.stdout.write(output)
    sys.stderr.write(errors)
    sys.exit(code)
