# Managed by scaffold: updates merge this file.
"""Create `.env` and the secrets that are missing; change nothing that is there."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ops import compose, declared, docker, envfile, files, project, secret_files, unchecked
from ops.errors import ATTENTION, REFUSED, NoEngineError, OpsError, Problem
from ops.report import Report
from ops.volumes import place

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from ops.declared import Secret
    from ops.docker import Volume
    from ops.project import Project

NEXT = "next: docker compose up -d --wait"
PLACED = "driver_opts:"


def run(root: Path, _options: argparse.Namespace) -> Report:
    """Bring a project to where Compose can start it."""
    this = project.load(root)
    envfile.missing(root)  # a file that cannot be read is refused before anything is written
    report = Report({})
    if secret_files.prepare_folder(this.secrets_folder):
        report.lines.append("closed secrets/ to others (mode 0700)")
    with files.locked(root):
        volumes, reason = look()
        if volumes is not None:
            unchecked.settle(this, volumes, report, REFUSED)
        else:
            unchecked.save(this, unchecked.load(this))
        env = init_env(root, report)
        states = {secret: init_secret(this, secret, volumes, report) for secret in this.secrets}
        noted = unchecked.stored(this)
        left = [secret.name for secret in this.secrets if secret.name in noted]
    if volumes is None and left:
        names = ", ".join(f"`{name}`" for name in left)
        report.note(
            f"could not check whether the data of {names} exists already ({reason}); "
            "the next `python3 ops` command with an engine does"
        )
    look_at_places(this, volumes, report)
    report.document = {
        "env": env,
        "secrets": [{"name": secret.name, "state": state, "volume": secret.volume} for secret, state in states.items()],
        "engine": "none" if volumes is None else "reached",
    }
    if not report.problems and (env["created"] or env["added"] or "created" in states.values()):
        report.lines.append(NEXT)
    return report


def look() -> tuple[list[Volume] | None, str]:
    """Return the engine's volumes, or nothing and the reason."""
    try:
        return docker.volumes(), ""
    except NoEngineError as error:
        return None, error.problem.why or error.problem.what


def look_at_places(this: Project, volumes: list[Volume] | None, report: Report) -> None:
    """Look whether disks and servers that volumes live on are there: this is what runs before the first start."""
    files = [this.root / name for name in this.compose_files()]
    if not any(PLACED in file.read_text(encoding="utf-8", errors="replace") for file in files):
        return
    try:
        model = compose.model(this)
        places = place.declared(model)
        found = [*place.problems(places).values(), *place.moved(model, volumes or [])]
    except OpsError as error:
        report.note(f"could not check where volumes live ({error.problem.why or error.problem.what})")
        return
    for problem in found:
        report.add(problem, ATTENTION)
    tell_twins(this, [key for key, each in places.items() if place.outlives(each)], report)


def tell_twins(this: Project, keys: list[str], report: Report) -> None:
    """Say that a second copy of the project, under another name, writes to the same disks and folders."""
    name = declared.read((this.root / "compose.yaml").read_text(encoding="utf-8-sig")).name
    if keys and name and name != this.name:
        listed = ", ".join(f"`{key}`" for key in keys)
        report.note(
            f"this copy is called `{this.name}`; it and `{name}` have {listed} in the same place, one writing over the "
            "other: give this one places of its own in `compose.override.yaml`"
        )


def init_env(root: Path, report: Report) -> dict[str, object]:
    """Create `.env`, or add the keys that it lacks."""
    created = envfile.create(root)
    if created:
        report.lines.append("created .env from .env.example (mode 0600)")
    close_env(root / ".env", report)
    missing = envfile.missing(root)
    if missing:
        envfile.add(root, missing)
        report.lines += [f"added to .env: {entry.key}" for entry in missing]
    elif not created and (root / ".env").exists():
        report.lines.append("kept .env")
    return {"created": created, "added": [entry.key for entry in missing]}


def close_env(path: Path, report: Report) -> None:
    """Take `.env` away from other users: passwords may stand in it."""
    if not path.exists() or not files.others_may(path):
        return
    try:
        if path.is_symlink():
            raise PermissionError
        path.chmod(0o600)
    except PermissionError:
        fix = "chmod 0600 .env"
        report.add(Problem("other users of this machine may read `.env`", fix=fix), ATTENTION)
    else:
        report.lines.append("closed .env to others (mode 0600)")


def init_secret(this: Project, secret: Secret, volumes: list[Volume] | None, report: Report) -> str:
    """Create one secret if that is safe; return its state for `--json`."""
    if secret_files.unresolved(secret):
        report.note(f"secret `{secret.name}`: `{secret.file}` holds a variable, so it is not checked")
        return "unchecked"
    found = secret_files.state(this, secret)
    problem = secret_files.problem(secret, found)
    if problem:
        report.add(problem, ATTENTION)
        return "missing" if found == "unusable" else found
    if found == "kept":
        report.lines.append(f"kept {secret.file}")
        return "unchecked" if secret.name in unchecked.stored(this) else found
    held = secret_files.opened_by(this, secret, volumes or [])
    if held:
        report.add(secret_files.refusal(secret, held), REFUSED)
        return "refused"
    record = volumes is None and secret.volume is not None
    announce = partial(unchecked.remember, this, secret.name) if record else None
    created = secret_files.create(this, secret, announce)
    report.lines.append(f"{'created' if created else 'kept'} {secret.file}")
    return "created" if created else "kept"
