"""A team's standard over the catalogue: other defaults, and a policy.

People write it as template.toml; `scaffold template build` keeps it in the template as templates/team.toml. The
standard template has none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scaffold.catalog.strict import Reader, Record, parsed
from scaffold.errors import ScaffoldError, closest

FILE = "templates/team.toml"

# A registry and a path in it: without a dot or a port, Docker would take the first word for a user of Docker Hub.
_REGISTRY = re.compile(r"(?=[^/]*[.:])[a-z0-9]+([.-]+[a-z0-9]+)*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")
_LABEL = re.compile(r"(?!com\.docker\.)[a-z0-9]([a-z0-9._/-]*[a-z0-9])?")
_LABEL_VALUE = re.compile(r"(?!.*(\{\{|\{%|\{#))[^\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]*")
_VERSION = re.compile(r"(\d+\.\d+\.\d+)?")
_MEMORY = re.compile(r"(?=.*[1-9])\d+[bkmg]")
_CPUS = re.compile(r"(?=.*[1-9])\d+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a service may use at most, in Compose's words; empty where there is no limit."""

    memory: str = ""
    cpus: str = ""


@dataclass(frozen=True, slots=True)
class Standard:
    """What a team changed of the base: `defaults` by question, `forbidden` services with the reason, and so on.

    `limits` are by entry, those for all others under an empty name. `replaces` are files of the base.
    """

    path: Path
    name: str
    summary: str
    base: str
    replaces: tuple[str, ...]
    defaults: Mapping[str, str | bool]
    registry: str
    forbidden: Mapping[str, str]
    labels: Mapping[str, str]
    limits: Mapping[str, Limits]

    def limits_of(self, id: str) -> Limits:
        """The limits of an entry's services: its own, and the general ones where it has none."""
        general, own = self.limits.get("", Limits()), self.limits.get(id, Limits())
        return Limits(own.memory or general.memory, own.cpus or general.cpus)


def read(path: Path) -> Standard:
    """The standard in a file. Raises ScaffoldError naming the file and the key that is wrong."""
    reader, data = _Reader(path), parsed(path)
    take = reader.taker(data, "")
    base, policy = take("base", dict, {}), take("policy", dict, {})
    version = reader.taker(base, "base")("version", str, "")
    take_policy = reader.taker(policy, "policy")
    standard = Standard(
        path=path,
        name=take("name", str),
        summary=take("summary", str, ""),
        base=reader.name(version, _VERSION, "base.version"),
        replaces=tuple(take("replaces", list, [], of=str)),
        defaults=take("defaults", dict, {}, of=(str, bool)),
        registry=reader.registry(take_policy("registry", str, "")),
        forbidden=take_policy("forbidden", dict, {}, of=str),
        labels=reader.labels(take_policy("labels", dict, {}, of=str)),
        limits=reader.limits(take_policy("limits", dict, {})),
    )
    for table, where in ((base, "base"), (policy, "policy"), (data, "")):
        reader.no_more(table, where)
    return standard


class _Reader(Reader):
    def registry(self, text: str) -> str:
        if text and not _REGISTRY.fullmatch(text):
            why = f"`{text}` cannot stand before the name of an image"
            fix = "write a host with a dot or a port, and a path if need be: registry.example.com/mirror"
            raise self.error("policy.registry", why, f"{fix}; no https://, no / at the end")
        return text

    def labels(self, table: Mapping[str, str]) -> Mapping[str, str]:
        for name, value in table.items():
            self.name(name, _LABEL, "policy.labels")
            if not _LABEL_VALUE.fullmatch(value):
                why = "the value has a control character, or braces that Jinja would read"
                raise self.error(f"policy.labels.{name}", why)
        return table

    def limits(self, table: Record) -> Mapping[str, Limits]:
        """`memory` and `cpus` for all, and tables of the same for single entries."""
        own = {id: self.limit(one, f"policy.limits.{id}") for id, one in table.items() if isinstance(one, dict)}
        general = {key: value for key, value in table.items() if not isinstance(value, dict)}
        return {"": self.limit(general, "policy.limits"), **own}

    def limit(self, table: Record, where: str) -> Limits:
        take = self.taker(table, where)
        limits = Limits(take("memory", str, ""), str(take("cpus", (str, int, float), "")))
        self.no_more(table, where)
        if limits.memory and not _MEMORY.fullmatch(limits.memory):
            why = f"`{limits.memory}` is no amount of memory"
            raise self.error(f"{where}.memory", why, "write a whole number above 0 and b, k, m or g: 512m")
        if limits.cpus and not _CPUS.fullmatch(limits.cpus):
            raise self.error(f"{where}.cpus", f"`{limits.cpus}` is no number of CPUs", 'write one above 0: "1.5"')
        return limits


def text_of(standard: Standard) -> str:
    """A file with the standard in it. A JSON string is a TOML string, too."""
    tables: dict[str, Mapping[str, object]] = {
        "": {"name": standard.name, "summary": standard.summary, "replaces": list(standard.replaces)},
        "base": {"version": standard.base},
        "defaults": standard.defaults,
        "policy": {"registry": standard.registry},
        "policy.forbidden": standard.forbidden,
        "policy.labels": standard.labels,
    }
    for id, limits in standard.limits.items():
        given = {"memory": limits.memory, "cpus": limits.cpus}
        tables["policy.limits" + (f".{id}" if id else "")] = {key: value for key, value in given.items() if value}
    lines = ["# What this team changed of the standard template. Generated by `scaffold template build`. Do not edit."]
    for table, values in tables.items():
        lines += ["", f"[{table}]"] if table else []
        lines += [f"{_quoted(key)} = {_quoted(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


def apply(standard: Standard, found: Mapping[str, Record]) -> None:
    """Change the entries as the standard says. Raises ScaffoldError when it does not fit them."""
    questions = {question["name"]: question for entry in found.values() for question in entry["questions"]}
    for name, value in standard.defaults.items():
        _fitting(standard, questions, name, value)["default"] = value
    named = [(f"policy.limits.{id}", id) for id in standard.limits if id]
    for where, id in [*named, *((f"policy.forbidden.{id}", id) for id in standard.forbidden)]:
        if id not in found:
            raise error(standard, where, f"there is no entry `{id}`", closest(id, found))
    for id, reason in standard.forbidden.items():
        if not reason.strip():
            raise error(standard, f"policy.forbidden.{id}", "it gives no reason", "say why, and what to take instead")
        found[id]["retired"] = reason
    for id, entry in found.items():
        for other in sorted(set(entry["requires"]) & set(standard.forbidden) if not entry["retired"] else ()):
            why = f"`{id}` requires `{other}`, and can still be chosen"
            raise error(standard, f"policy.forbidden.{other}", why, f"forbid `{id}` too, or allow `{other}`")


def _fitting(standard: Standard, questions: Mapping[str, Record], name: str, value: str | bool) -> Record:
    """The question, when `value` can be its default."""
    where = f"defaults.{name}"
    if name not in questions:
        raise error(standard, where, f"there is no question `{name}`", closest(name, questions))
    question = questions[name]
    if question["provider"]:
        why = f"it follows the choice: a service that offers `{question['provider']}` is taken when there is one"
        raise error(standard, where, why, "take this line out")
    if isinstance(question["default"], bool) != isinstance(value, bool):
        kind = "true or false, without quotes" if isinstance(question["default"], bool) else "a text, in quotes"
        raise error(standard, where, f"{value!r} is of the wrong type", f"write {kind}")
    if question["choices"] and value not in question["choices"]:
        choices = ", ".join(question["choices"])
        raise error(standard, where, f"`{value}` is not one of the choices", f"choose one of {choices}")
    return question


def error(standard: Standard, where: str, why: str, fix: str = "") -> ScaffoldError:
    """What to raise for one key of the standard."""
    return ScaffoldError(f"{standard.path}: {where}", why, fix)


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
