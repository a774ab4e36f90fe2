"""`scaffold list`: what there is to choose."""

from __future__ import annotations

import click

from scaffold.cli import console, options


@click.command(short_help="List services and presets.")
@options.template
@options.as_json
def command(template: str | None, as_json: bool) -> None:
    """List the services and presets one can choose.

    `proven`: the real server ran in our tests; `compatible`: another server of its protocol did; `unproven`: none.
    """
    from scaffold.catalog.index import load
    from scaffold.project.source import open_template

    with open_template(template) as source:
        catalog = load(source.root)
    entries = [(id, catalog.entries[id]) for id in catalog.offered]
    if as_json:
        services = [
            {"id": id, **{key: entry[key] for key in ("title", "summary", "category", "state")}}
            for id, entry in entries
        ]
        presets = [{"name": name, **preset} for name, preset in catalog.presets.items()]
        console.document({"template": source.ref, "services": services, "presets": presets})
        return
    console.heading("services")
    console.table((id, entry["category"], entry["state"], entry["summary"]) for id, entry in entries)
    console.heading("presets")
    console.table((name, ", ".join(preset["services"]), preset["summary"]) for name, preset in catalog.presets.items())
