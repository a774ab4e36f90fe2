"""Answers: read from flags and files, checked against the catalogue, completed with defaults."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from scaffold.catalog import placement
from scaffold.catalog.index import Catalog
from scaffold.errors import CouldNotError, ScaffoldError, closest
from scaffold.project import shares

# The same pattern is in copier.yml, for those who call copier themselves; a test holds the two together.
PROJECT_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")

_YES = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

Answers = dict[str, Any]


def from_file(path: Path) -> Answers:
    """The answers in a YAML or JSON file; a project's .copier-answers.yml will do. Raises as `mapping_in` does."""
    return of_a_person(mapping_in(path))


def mapping_in(path: Path) -> Answers:
    """All that an answers file holds.

    Raises CouldNotError when it cannot be read, ScaffoldError when it holds something else than answers.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CouldNotError(f"cannot read the answers file {path}", error.strerror or str(error)) from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ScaffoldError(
            f"the answers file {path} is neither YAML nor JSON", " ".join(str(error).split())
        ) from error
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise ScaffoldError(f"the answers file {path} holds no answers", "it is not a list of `key: value` lines")
    return data


def of_a_person(remembered: Mapping[str, Any]) -> Answers:
    """Answers without what copier and the template keep among them for themselves."""
    return {key: value for key, value in remembered.items() if not key.startswith("_") and key != "seeded"}


def from_flags(pairs: Iterable[str]) -> Answers:
    """The answers in `--set key=value` flags. Raises ScaffoldError for one without a key or `=`."""
    answers: Answers = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise ScaffoldError(f"cannot read `--set {pair}`", fix="write --set key=value")
        if key == placement.KEY:
            raise ScaffoldError("volumes are not placed with --set", fix="write --place NAME=DRIVER:key=value,…")
        answers[key] = [part.strip() for part in value.split(",") if part.strip()] if key == "services" else value
    return answers


def merged_services(catalog: Catalog, presets: Iterable[str], services: Iterable[str]) -> list[str]:
    """The ids that presets and single choices come to, each once, in the catalogue's order.

    Raises ScaffoldError naming the closest ones when a preset or an id is not known or is retired.
    """
    chosen = {id for preset in presets for id in catalog.preset(preset)["services"]} | set(services)
    for id in sorted(chosen):
        if retired := catalog.entry(id)["retired"]:
            raise ScaffoldError(f"the service `{id}` is no longer offered", retired)
    return [id for id in catalog.entries if id in chosen]


def complete(catalog: Catalog, given: Mapping[str, Any]) -> Answers:
    """Answers to every question that the choice raises: the given ones, checked, and defaults for the rest.

    Raises ScaffoldError for a key that is not known, a question that is not raised, or an answer that does not fit.
    """
    questions = {question["name"]: question for question in catalog.questions(given["services"])}
    everything = {question["name"]: id for id, entry in catalog.entries.items() for question in entry["questions"]}
    for key in given:
        if key == shares.ANSWER and shares.known(catalog):
            shares.check_list(given[key])
        elif key not in {"project_name", "services", placement.KEY, *questions}:
            raise _unasked(key, everything)
    answers: Answers = {"project_name": project_name(given["project_name"]), "services": list(given["services"])}
    for name, question in questions.items():
        answers[name] = fitting(question, given[name]) if name in given else question["default"]
    answers |= {key: given[key] for key in (shares.ANSWER,) if key in given}
    return answers | ({placement.KEY: given[placement.KEY]} if given.get(placement.KEY) else {})


def changed(catalog: Catalog, recorded: Mapping[str, Any], services: list[str], given: Mapping[str, Any]) -> Answers:
    """Answers of a project that is there, for another choice of services: recorded ones stay, new ones are completed.

    Raises ScaffoldError for an answer to a question that is not raised, or is answered already.
    """
    questions = {question["name"]: question for question in catalog.questions(services)}
    for key, value in given.items():
        if key in recorded:
            raise ScaffoldError(
                f"`{key}` is `{recorded[key]}` in this project, and stays",
                "data was written by that answer" if key in questions and questions[key]["keep"] else "",
                f"leave out --set {key}={value}",
            )
    new = {name: question for name, question in questions.items() if name not in recorded}
    fresh = complete(catalog, {"project_name": recorded["project_name"], "services": services, **given})
    return {**recorded, "services": services, **{name: fresh[name] for name in new}}


def check_offered(catalog: Catalog, recorded: Mapping[str, Any], version: str) -> None:
    """Make sure that a version of the template has all that is chosen: copier drops an answer that it cannot keep.

    Raises ScaffoldError naming what is missing.
    """
    missing = [str(id) for id in recorded["services"] if id not in catalog.entries]
    if missing:
        raise ScaffoldError(
            f"{version} of the template has no {' and no '.join(f'`{id}`' for id in missing)}",
            "the project has chosen it, and would lose its files",
            f"its owners can bring it back as a retired entry; or run scaffold remove {' '.join(missing)}",
        )
    if recorded.get(shares.ANSWER) and not shares.known(catalog):
        raise ScaffoldError(
            f"{version} of the template knows no shared volumes, and the project has some",
            "its services would lose them",
            "its owners can build it on a newer release; or run scaffold unshare NAME for each",
        )


def project_name(name: object) -> str:
    """`name`, when it can be a Compose project's. Raises ScaffoldError otherwise."""
    if not isinstance(name, str) or not PROJECT_NAME.fullmatch(name):
        raise ScaffoldError(
            f"`{name}` cannot be the project's name",
            "Compose takes lower-case letters, digits, - and _, at most 63, the first a letter or a digit",
            "give another: --set project_name=my-project",
        )
    return name


def suggested_name(folder: Path) -> str:
    """The folder's name as a project name: `My App` gives `my-app`. Empty when nothing of it can stay."""
    return re.sub(r"[^a-z0-9_]+", "-", folder.name.lower()).strip("-_")[:63]


def fitting(question: Mapping[str, Any], value: object) -> str | bool:
    """`value` as the question's type. Raises ScaffoldError naming what would fit."""
    name = question["name"]
    if isinstance(question["default"], bool):
        answer = _YES.get(str(value).lower())
        if answer is None:
            raise ScaffoldError(f"`{value}` does not answer `{name}`", fix="say true or false")
        return answer
    if question["choices"] and str(value) not in question["choices"]:
        raise ScaffoldError(
            f"`{value}` does not answer `{name}`", fix=f"choose one of {', '.join(question['choices'])}"
        )
    return str(value)


def _unasked(key: str, everything: Mapping[str, str]) -> ScaffoldError:
    if key in everything:
        return ScaffoldError(
            f"`{key}` is not asked for this choice",
            f"it is a question of `{everything[key]}`, which was not chosen",
            f"add -s {everything[key]}, or leave it out",
        )
    return ScaffoldError(f"there is no question `{key}`", fix=closest(key, {"project_name", "services", *everything}))
