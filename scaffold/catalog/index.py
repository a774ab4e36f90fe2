"""The catalogue's index: templates/catalog.json, questions.yml and answers.jinja, made from the entries' folders.

Templates cannot list folders, so the index is generated, committed, and compared with the folders in CI.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scaffold.catalog import entry as entries
from scaffold.catalog import shape, standard, strict
from scaffold.errors import CouldNotError, ScaffoldError, closest

SERVICES = "templates/project/services"
INDEX = "templates/catalog.json"
QUESTIONS = "templates/questions.yml"
ANSWERS = "templates/answers.jinja"
SHARED = "templates/shared.toml"
PRESETS = "templates/presets.toml"
# The answer to a question for a provider that names none: the entry does it itself, on volumes of its own.
OWN = "own"

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Catalog:
    """The index of one version of a template, and where that version lies on disk."""

    root: Path
    entries: Mapping[str, Record]
    presets: Mapping[str, Record]
    # Where a team's images come from: what stands before each reference of the standard template.
    registry: str = ""
    # Files of the template to read from here instead of the disk, by path.
    generated: Mapping[str, str] = field(default_factory=dict)

    @property
    def offered(self) -> list[str]:
        """Ids of the entries that can be chosen anew, in the catalogue's order."""
        return [id for id, entry in self.entries.items() if not entry["retired"]]

    def entry(self, id: str) -> Record:
        """One entry. Raises ScaffoldError naming the closest ids when there is none."""
        if id not in self.entries:
            raise ScaffoldError(f"there is no service `{id}`", fix=closest(id, self.offered))
        return self.entries[id]

    def preset(self, name: str) -> Record:
        """One preset. Raises ScaffoldError naming the closest names when there is none."""
        if name not in self.presets:
            raise ScaffoldError(f"there is no preset `{name}`", fix=closest(name, self.presets))
        return self.presets[name]

    def questions(self, services: list[str]) -> list[Record]:
        """The questions that a choice of services raises, those of brought services included."""
        ids = [id for id in self.entries if id in services or any(id in self.entries[s]["requires"] for s in services)]
        return [asked(question, services) for id in ids for question in self.entries[id]["questions"]]


def asked(question: Record, services: list[str]) -> Record:
    """The question as it is asked for a choice of services: one for a provider offers those that were chosen too."""
    if not question.get("provider"):
        return question
    choices = [OWN, *(id for id in question["providers"] if id in services)]
    return {**question, "choices": choices, "default": choices[1] if len(choices) > 1 else OWN}


def load(root: Path) -> Catalog:
    """The catalogue of the template at `root`. Raises ScaffoldError when there is none."""
    try:
        data = json.loads((root / INDEX).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ScaffoldError(f"{root} is not a template of scaffold", f"it has no {INDEX}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise CouldNotError(
            f"cannot read {root / INDEX}", str(error), "build it anew: scaffold catalog build"
        ) from error
    if fault := shape.fault_of_index(data):
        raise ScaffoldError(
            f"{root / INDEX} is no index of a catalogue", fault, "build it anew: scaffold catalog build"
        )
    return of_index(root, data)


def of_index(root: Path, data: Record) -> Catalog:
    """The catalogue that an index holds, of the template at `root`."""
    registry = data.get("team", {}).get("registry", "")
    return Catalog(root, {id: data["entries"][id] for id in data["order"]}, data["presets"], registry)


def generate(root: Path, team: standard.Standard | None = None) -> dict[Path, str]:
    """What the generated files of the template at `root` have to contain, by path.

    `team` stands for the file that a built template has, for messages that name another one.

    Raises ScaffoldError for the first entry or preset that is wrong, or when a team's standard does not fit.
    """
    folders = sorted(path.parent for path in (root / SERVICES).glob("*/service.toml"))
    found = {folder.name: entries.read(folder) for folder in folders}
    for id, entry in found.items():
        entry["requires"] = _closure(found, id)
    _refuse_twins(found)
    _share(root, found)
    for id, entry in found.items():
        _take_paths(root / SERVICES / id, entry)
    order = sorted(found, key=lambda id: (entries.CATEGORIES.index(found[id]["category"]), id))
    _name_providers(found, order)
    index: Record = {"order": order, "entries": found, "presets": _presets(root, found)}
    if team is None and (root / standard.FILE).is_file():
        team = standard.read(root / standard.FILE)
    if team is not None:
        standard.apply(team, found)
        index["team"] = {"name": team.name, "summary": team.summary, "base": team.base, "registry": team.registry}
    _refuse_jinja(index)
    return {
        root / INDEX: json.dumps(index, indent=1, sort_keys=True, ensure_ascii=False) + "\n",
        root / QUESTIONS: _questions_file(found, order),
        root / ANSWERS: _answers_file(found, order),
    }


def _refuse_jinja(index: Record) -> None:
    """Templates include the index, so what looks like Jinja in it would be run."""
    for part in ("entries", "presets", "team"):
        for name, value in index.get(part, {}).items():
            if mark := re.search(r"\{\{|\{%|\{#", json.dumps(value)):
                raise ScaffoldError(
                    f"{part}: {name}", f"it has `{mark[0]}` in it, which Jinja would read", "write it without"
                )


def _closure(found: Mapping[str, Record], id: str) -> list[str]:
    """Everything that `id` requires, directly or through others, without itself."""
    seen: set[str] = set()
    left = list(found[id]["requires"])
    while left:
        other = left.pop()
        if other not in found:
            raise ScaffoldError(
                f"{SERVICES}/{id}/service.toml: requires", f"there is no entry `{other}`", closest(other, found)
            )
        if other not in seen:
            seen.add(other)
            left += found[other]["requires"]
    return sorted(seen - {id})


def _refuse_twins(found: Mapping[str, Record]) -> None:
    """Names share one space across entries: two owners of a volume, secret, port or question are a mistake.

    A setting may stand in several entries, when all say the same of it.
    """
    owners: dict[str, str] = {}
    for id, entry in found.items():
        named = [*entry["volumes"], *entry["secrets"], *entry["questions"]]
        for name in [item["name"] for item in named] + [port["variable"] for port in entry["ports"]]:
            if owners.setdefault(name, id) != id:
                raise ScaffoldError(
                    f"{SERVICES}/{id}/service.toml: {name}", f"the entry `{owners[name]}` has this name already"
                )
    settings: dict[str, Record] = {}
    for id, entry in found.items():
        for setting in entry["settings"]:
            if settings.setdefault(setting["variable"], setting) != setting:
                raise ScaffoldError(
                    f"{SERVICES}/{id}/service.toml: {setting['variable']}", "another entry says something else of it"
                )


def _share(root: Path, found: Mapping[str, Record]) -> None:
    """Put the volumes that several entries use among those of each, as templates/shared.toml declares them."""
    declared = entries.shared_volumes(root / SHARED)
    for id, entry in found.items():
        for name, access in entry.pop("shared").items():
            if name not in declared:
                fix = closest(name, declared)
                raise ScaffoldError(f"{SERVICES}/{id}/service.toml: shared", f"{SHARED} has no volume `{name}`", fix)
            entry["volumes"].insert(0, {**declared[name], "access": access})


def _take_paths(folder: Path, entry: Record) -> None:
    """Add to what the entry says is taken the paths at which its Compose file mounts its own volumes."""
    if entry["share"] is None:
        return
    files = [path for path in sorted(folder.glob("compose.yaml*")) if path.is_file()]
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in files]
    names = "|".join(volume["name"] for volume in entry["volumes"])
    mounted = re.findall(rf"\b(?:{names}):(/[\w./-]+)", "\n".join(texts)) if names else []
    entry["share"]["taken"] = sorted({*entry["share"]["taken"], *mounted})


def _name_providers(found: Mapping[str, Record], order: list[str]) -> None:
    """Give each question for a provider the entries that offer what it asks for."""
    for entry in found.values():
        for question in entry["questions"]:
            if question["provider"]:
                capability = question["provider"]
                question["providers"] = [
                    id for id in order if any(capability in offer["capabilities"] for offer in found[id]["offers"])
                ]


def _presets(root: Path, found: Mapping[str, Record]) -> Record:
    presets = strict.presets(root / PRESETS)
    for name, preset in presets.items():
        for id in preset["services"]:
            if id not in found:
                raise ScaffoldError(f"{PRESETS}: {name}", f"there is no entry `{id}`", closest(id, found))
    return presets


def _questions_file(found: Mapping[str, Record], order: list[str]) -> str:
    lines = ["# Generated by `scaffold catalog build` from the entries' service.toml. Do not edit.\n"]
    for id in order:
        raised_by = sorted(other for other in found if other == id or id in found[other]["requires"])
        lines += [_question(question, raised_by) for question in found[id]["questions"]]
    return "\n".join(lines)


def _answers_file(found: Mapping[str, Record], order: list[str]) -> str:
    """All answers by name, for the resolver: a template cannot look a variable up by a name that it computes."""
    names = [question["name"] for id in order for question in found[id]["questions"]]
    return "\n".join(
        [
            "{#- Generated by `scaffold catalog build` from the entries' service.toml. Do not edit. -#}",
            "{%- set answers = {",
            *(f"  '{name}': {name} | default('')," for name in names),
            "} -%}",
            "",
        ]
    )


def _question(question: Record, raised_by: list[str]) -> str:
    """One question in copier's words.

    A question to keep stays asked once its answer is recorded, and the recorded answer stays a choice: otherwise
    copier forgets it with its service, or replaces it by today's default in silence.
    """
    name = question["name"]
    when = " or ".join(f"'{id}' in services" for id in raised_by)
    if question["keep"]:
        when += f" or {name} is defined"
    fields: Record = {"type": "bool" if isinstance(question["default"], bool) else "str", "help": question["help"]}
    default = question["default"]
    now = f"{{% set now = {json.dumps(question['choices'])} %}}"
    if question["provider"]:
        # Like `asked` above.
        chosen = f"{json.dumps(question['providers'])} | select('in', services) | list"
        now = f"{{% set now = {json.dumps([OWN])} + ({chosen}) %}}"
        default = f"{now}{{{{ now[1] if now | length > 1 else now[0] }}}}"
    if question["choices"] or question["provider"]:
        fields["choices"] = (
            f"{now}{{{{ (now if {name} is not defined or {name} in now else now + [{name}]) | to_json }}}}"
        )
    fields |= {"default": default, "when": f"{{{{ {when} }}}}"}
    return "\n".join([f"{name}:", *(f"  {key}: {json.dumps(value)}" for key, value in fields.items()), ""])
