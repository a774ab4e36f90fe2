# Managed by scaffold: updates merge this file.
"""The project: its folder, its name, its Compose files."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ops import declared, envfile
from ops.errors import OpsError

if TYPE_CHECKING:
    from pathlib import Path

# In the order in which Compose looks for the user's own file.
OVERRIDES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


@dataclass(frozen=True)
class Project:
    """What every verb knows before it asks the engine."""

    root: Path
    name: str
    secrets: list[declared.Secret]
    template: str = ""  # the version that the project follows

    @property
    def secrets_folder(self) -> Path:
        """Return the folder of the secrets."""
        return self.root / "secrets"

    def compose_files(self) -> list[str]:
        """Return the files to pass with `-f`, the user's last: Compose ignores it otherwise."""
        own = [name for name in OVERRIDES if (self.root / name).is_file()]
        return ["compose.yaml", *own[:1]]

    def held_as(self, volume: str) -> str:
        """Return the name under which the engine holds a volume of this project."""
        return f"{self.name}_{volume}"


def load(root: Path) -> Project:
    """Read the project from its folder."""
    try:
        text = (root / "compose.yaml").read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        fix = "run `python3 ops` of the project, with `ops/` beside `compose.yaml`"
        raise OpsError(f"no `compose.yaml` in `{root}`", fix=fix) from None
    except UnicodeDecodeError:
        raise OpsError("`compose.yaml` is not UTF-8 text", fix="save it as UTF-8") from None
    found = declared.read(text)
    env = {entry.key: entry.value for entry in envfile.load(root / ".env")}
    return Project(root, project_name(root, env, found.name), found.secrets, template_version(root))


def template_version(root: Path) -> str:
    """Return the template's version, as the answers have it; empty when they do not say."""
    try:
        answers = (root / ".copier-answers.yml").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    found = re.search(r"^_commit: *['\"]?([^\s'\"]+)", answers, re.MULTILINE)
    return found.group(1) if found else ""


def require_env(this: Project) -> None:
    """Refuse to go on before `init`: one variable without a value makes every Compose command fail."""
    missing = ", ".join(f"`{entry.key}`" for entry in envfile.missing(this.root))
    if missing:
        raise OpsError(f"`.env` lacks {missing}", fix="python3 ops init")


def project_name(root: Path, env: dict[str, str], declared_name: str | None) -> str:
    """Return the name that Compose will use: it decides which volumes are this project's."""
    for name, place in (
        (os.environ.get("COMPOSE_PROJECT_NAME"), "COMPOSE_PROJECT_NAME in the environment"),
        (env.get("COMPOSE_PROJECT_NAME"), "COMPOSE_PROJECT_NAME in `.env`"),
        (declared_name, "`name:` in `compose.yaml`"),
    ):
        if name and not NAME.fullmatch(name):
            fix = "write it plainly: lower-case letters, digits, `_` and `-`, no `$`"
            raise OpsError(f"{place} is not a project name", fix=fix)
        if name:
            return name
    # Compose's own last resort.
    name = re.sub(r"[^a-z0-9_-]", "", root.name.lower()).lstrip("_-")
    if not name:
        raise OpsError("the project has no name", fix="write `name:` into `compose.yaml`")
    return name
