"""`scaffold show`: what is known about a service or a preset."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from scaffold.cli import console, options
from scaffold.errors import ScaffoldError, closest

if TYPE_CHECKING:
    from scaffold.catalog.index import Catalog


@click.command(short_help="Show a service or a preset.")
@click.argument("name")
@options.template
@options.as_json
def command(name: str, template: str | None, as_json: bool) -> None:
    """Show a service's facts, volumes, links and whether it was proven; or what a preset chooses.

    \b
      scaffold show postgres
      scaffold show web
    """
    from scaffold.catalog.index import load
    from scaffold.project.source import open_template

    with open_template(template) as source:
        catalog = load(source.root)
        if name in catalog.presets:
            facts = {"preset": name, **catalog.presets[name]}
        elif name in catalog.entries:
            facts = _service(catalog, name)
        else:
            known = [*catalog.offered, *catalog.presets]
            raise ScaffoldError(f"there is no service or preset `{name}`", fix=closest(name, known))
    if as_json:
        console.document(facts)
    elif "preset" in facts:
        console.heading(f"{name}: {facts['summary']}")
        console.table((id, catalog.entries[id]["summary"]) for id in facts["services"])
    else:
        _print_service(facts)


def _service(catalog: Catalog, id: str) -> dict[str, Any]:
    """Everything known about one service: what the entry declares, who it links with, and facts on its images."""
    from dataclasses import asdict

    from scaffold.catalog.links import links_of
    from scaffold.catalog.resolve import images
    from scaffold.facts import lookup

    entry = catalog.entry(id)
    known = []
    for reference in images(catalog, id):
        facts = lookup(reference, catalog.registry)
        fields = (
            {key: value for key, value in asdict(facts).items() if key not in {"version", "repositories"}}
            if facts
            else {}
        )
        known.append({"image": reference, **fields})
    inner = {"app", "managed", "offers", "overlays", "wants"}
    declared = {key: value for key, value in entry.items() if key not in inner}
    return {"id": id, **declared, "links": links_of(catalog, id), "images": known}


def _print_service(facts: dict[str, Any]) -> None:
    console.heading(f"{facts['id']}: {facts['title']}")
    links = facts["links"]
    rows = [
        ("what it is", facts["summary"]),
        ("category", facts["category"]),
        ("state", f"{facts['state']}: {facts['state_note']}" if facts["state_note"] else facts["state"]),
        ("needs", ", ".join(facts["requires"])),
        ("links to", ", ".join(links["uses"])),
        ("used by", ", ".join(links["used_by"])),
        ("client packages", ", ".join(facts["client"]["requirements"]) if facts["client"] else ""),
    ]
    console.table(row for row in rows if row[1])
    for heading, key, row in _DECLARED:
        if facts.get(key):
            console.heading(heading)
            console.table(row(item) for item in facts[key])
    console.heading("images")
    for image in facts["images"]:
        console.table([(image["image"], "")])
        console.table([(label, _text(image[key])) for label, key in _FACTS if image.get(key)], indent="    ")


# Heading, key, and one thing declared as a row.
_DECLARED: tuple[tuple[str, str, Callable[[Any], tuple[str, ...]]], ...] = (
    (
        "volumes",
        "volumes",
        lambda volume: (volume["name"], volume["class"], volume["backup"], volume["responsibility"]),
    ),
    ("secrets", "secrets", lambda secret: (secret["name"], f"opens {secret['volume'] or 'nothing: can be made anew'}")),
    ("ports", "ports", lambda port: (f"127.0.0.1:{port['default']}", f"{port['variable']} in .env")),
    ("settings", "settings", lambda setting: (f"{setting['variable']}={setting['default']}", setting["what"])),
    ("questions", "questions", lambda asked: (f"--set {asked['name']}=", str(asked["default"]), asked["help"])),
)
_FACTS = (("VOLUME", "volumes"), ("data", "state"), ("runs as", "user"), ("has no", "missing"), ("read in", "source"))


def _text(value: object) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)
