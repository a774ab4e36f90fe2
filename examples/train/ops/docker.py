# Managed by scaffold: updates merge this file.
"""The `docker` command: the only place that starts it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from ops import text
from ops.errors import UNABLE, NoEngineError, OpsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PROJECT = "com.docker.compose.project"
VOLUME = "com.docker.compose.volume"
HELPER = "ops.helper"  # on what a run of `ops` makes for itself: what a killed one leaves goes with it
TIMEOUT = 60
# The second is how tar says it of a file that it was writing.
FULL = ("No space left", "Wrote only", "quota exceeded")
# Named fields only: a container's environment, which holds passwords, is never asked for.
CONTAINER = (
    # `.ID`, as the command's own types have it: with a name that they lack, an absent key would be an error.
    '{"id":{{json .ID}},"name":{{json .Name}},"mounts":{{json .Mounts}},"state":{{json .State.Status}},'
    '"image":{{json .Config.Image}},"image_id":{{json .Image}},"patience":{{json .Config.StopTimeout}},'
    '"project":{{json (index .Config.Labels "com.docker.compose.project")}},'
    '"service":{{json (index .Config.Labels "com.docker.compose.service")}},'
    '"oneoff":{{json (index .Config.Labels "com.docker.compose.oneoff")}},'
    '"folder":{{json (index .Config.Labels "com.docker.compose.project.working_dir")}},'
    '"health":{{with .State.Health}}{{json .Log}}{{else}}null{{end}}}'
)


@dataclass(frozen=True)
class Answer:
    """What a command said. Only lines of its complaint are for people: output may hold secrets."""

    code: int
    output: str
    errors: str

    def last_error(self) -> str:
        """Return the last line of the command's own complaint."""
        return self.error_lines()[-1]

    def first_error(self) -> str:
        """Return its first line: `docker` ends some complaints with an advice."""
        return self.error_lines()[0]

    def no_space(self) -> str:
        """Return the line that says that a disk is full; empty when none does."""
        return next((line for line in self.error_lines() if any(word in line for word in FULL)), "")

    def error_lines(self) -> list[str]:
        """Return the lines that say something; at least one."""
        lines = [line.strip() for line in self.errors.splitlines() if line.strip()]
        return lines or [f"exit code {self.code}"]


@dataclass(frozen=True)
class Volume:
    """A volume that the engine holds, and the Compose labels it carries."""

    name: str
    project: str
    key: str


@dataclass(frozen=True)
class Container:
    """A container: where it came from, the volumes it mounts by target, what its failing probe said."""

    name: str
    service: str
    folder: str
    volumes: dict[str, str]
    complaint: str = ""
    id: str = ""
    project: str = ""
    state: str = ""
    image: str = ""
    image_id: str = ""
    patience: int = 10  # seconds between asking it to stop and killing it
    writable: frozenset[str] = frozenset()  # of its volumes, those it may write
    bound: frozenset[str] = frozenset()  # folders of the machine that it may write
    oneoff: bool = False  # made by `docker compose run`

    @property
    def active(self) -> bool:
        """Tell whether its processes run, or would again in a moment."""
        return self.state in {"running", "restarting"}


def run(arguments: list[str], folder: Path | None = None, stdin: str = "", patience: float | None = None) -> Answer:
    """Run `docker` and return what it said, whatever its exit code."""
    patience = patience or TIMEOUT
    try:
        done = subprocess.run(
            ["docker", *arguments],
            cwd=folder,
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=patience,
            check=False,
        )
    except FileNotFoundError:
        fix = "install Docker, or put its `docker` on PATH"
        raise NoEngineError("there is no `docker` command", fix=fix) from None
    except PermissionError:
        raise NoEngineError("the `docker` command may not be run") from None
    except subprocess.TimeoutExpired:
        # Not chained: the exception carries the output.
        why = f"`docker {arguments[0]}` did not answer in {patience} seconds"
        raise SlowError("no Docker engine in reach", why) from None
    return Answer(done.returncode, done.stdout, done.stderr)


@contextmanager
def reading(arguments: list[str]) -> Iterator[IO[bytes]]:
    """Run a command and yield its output as it comes; a failure is raised at the end, before it may count."""
    with streaming(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield process.stdout


@contextmanager
def feeding(arguments: list[str]) -> Iterator[IO[bytes]]:
    """Run a command and yield its standard input; it is closed and waited for at the end."""
    with streaming(arguments, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        yield process.stdin


@contextmanager
def conversing(arguments: list[str]) -> Iterator[tuple[Callable[[str], None], Iterator[str]]]:
    """Run a command that is asked and answers line by line; a failure is raised at the end, or when no answer comes."""
    with streaming(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        asking, answering = process.stdin, process.stdout
        assert asking is not None
        assert answering is not None

        def write(text: str) -> None:
            asking.write(text.encode())
            asking.flush()

        def read() -> Iterator[str]:
            for line in answering:
                yield line.decode("utf-8", "replace")
            # It ended before we were done: a broken pipe, whose reason is what it complained of.
            raise BrokenPipeError

        yield write, read()


@contextmanager
def streaming(arguments: list[str], stdin: int, stdout: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run `docker` with a pipe; its complaint goes to a file, since a full pipe would stop it."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(["docker", *arguments], stdin=stdin, stdout=stdout, stderr=errors)
        broken = False
        try:
            try:
                yield process
                if process.stdin is not None:
                    process.stdin.close()
            except BrokenPipeError:
                # It ended early; what it said is the reason, not our pipe.
                broken = True
            code = process.wait()
        except BaseException:
            process.kill()
            raise
        finally:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()
            process.wait()
        if code or broken:
            errors.seek(0)
            said = Answer(code, "", errors.read().decode("utf-8", "replace"))
            raise CommandError(arguments, said)


class SlowError(NoEngineError):
    """A command took longer than it may."""


class CommandError(OpsError):
    """A command that was streamed from or to has failed; `said` holds its complaint."""

    def __init__(self, arguments: list[str], said: Answer) -> None:
        """Quote the last line only: what stands above may be anything."""
        super().__init__(f"`docker {arguments[0]}` failed", said.last_error(), code=UNABLE)
        self.said = said


def ask(arguments: list[str]) -> str:
    """Run a command that only fails when the engine is not there."""
    answer = run(arguments)
    if answer.code:
        raise NoEngineError("no Docker engine in reach", answer.last_error())
    return answer.output


def remote() -> str:
    """Return the engine's address when it is on another machine, else nothing."""
    answer = run(["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"])
    host = os.environ.get("DOCKER_HOST") or (answer.output.strip() if answer.code == 0 else "")
    return "" if host.startswith(("unix:", "npipe:", "fd:")) else host


def volumes() -> list[Volume]:
    """Return every volume the engine holds."""
    row = f'{{{{.Name}}}}\t{{{{.Label "{PROJECT}"}}}}\t{{{{.Label "{VOLUME}"}}}}'
    said = ask(["volume", "ls", "--format", row]).splitlines()
    return [Volume(*[*line.split("\t"), "", ""][:3]) for line in said if line]


def volume_created(name: str) -> int | None:
    """Return when a volume was created, in seconds since 1970, where its driver says so."""
    answer = run(["volume", "inspect", "--format", "{{.CreatedAt}}", name])
    return text.engine_time(answer.output) if answer.code == 0 else None


def oldest_container(volume: str) -> int | None:
    """Return when the oldest container that mounts a volume was created."""
    ids = ask(["ps", "-aq", "--no-trunc", "--filter", f"volume={volume}"]).split()
    if not ids:
        return None
    said = run(["inspect", "--type", "container", "--format", "{{.Created}}", *ids]).output
    return min(filter(None, map(text.engine_time, said.splitlines())), default=None)


def engine_version() -> tuple[int, ...]:
    """Return the engine's version; empty when it is not a number."""
    return version(ask(["version", "--format", "{{.Server.Version}}"]))


def containers(project: str | None) -> list[Container]:
    """Return the containers of a project, or of the whole engine; stopped ones too."""
    only = ["--filter", f"label={PROJECT}={project}"] if project else []
    ids = ask(["ps", "-aq", "--no-trunc", *only]).split()
    if not ids:
        return []
    # One that was removed meanwhile makes the command fail and the others still be told.
    answer = run(["inspect", "--type", "container", "--format", CONTAINER, *ids])
    found = [container(json.loads(line)) for line in answer.output.splitlines() if line.strip()]
    if len(found) + answer.errors.count("No such") < len(ids):
        # One that is overlooked would write while its volume is copied.
        raise NoEngineError("the containers cannot be looked at", answer.last_error())
    return sorted(found, key=lambda each: each.name)


def container(said: dict[str, object]) -> Container:
    """Pick what we use of one container."""
    listed = said["mounts"]
    every = listed if isinstance(listed, list) else []
    mounts = [each for each in every if each.get("Type") == "volume"]
    binds = [each for each in every if each.get("Type") == "bind" and each.get("RW", True)]
    patience = said.get("patience")
    return Container(
        name=str(said["name"]).lstrip("/"),
        service=str(said["service"] or ""),
        folder=str(said["folder"] or ""),
        volumes={str(mount["Destination"]): str(mount.get("Name", "")) for mount in mounts},
        complaint=complaint(said.get("health")),
        id=str(said.get("id", "")),
        project=str(said.get("project") or ""),
        state=str(said.get("state", "")),
        image=str(said.get("image", "")),
        image_id=str(said.get("image_id", "")),
        patience=patience if isinstance(patience, int) else 10,
        writable=frozenset(str(mount.get("Name", "")) for mount in mounts if mount.get("RW", True)),
        bound=frozenset(str(mount.get("Source", "")) for mount in binds),
        oneoff=said.get("oneoff") == "True",
    )


def complaint(health: object) -> str:
    """Return the output of the latest health probe, if that failed."""
    last = health[-1] if isinstance(health, list) and health else {}
    return str(last.get("Output", "")) if last.get("ExitCode") else ""


def version(said: str) -> tuple[int, ...]:
    """Read a version such as `v2.24.5` or `28.2.2-rc1`."""
    match = re.match(r"v?(\d+(?:\.\d+)*)", said.strip())
    return tuple(int(part) for part in match.group(1).split(".")) if match else ()
