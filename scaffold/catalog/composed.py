"""What holds for the Compose files and Dockerfiles of an entry, whatever is answered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from scaffold.catalog import fragment as fragments
from scaffold.catalog.finding import Finding
from scaffold.catalog.fragment import Fragment, Service
from scaffold.catalog.index import SERVICES, Catalog
from scaffold.catalog.links import links_of
from scaffold.catalog.resolve import Rendering, Stack, combinations
from scaffold.errors import ScaffoldError

# Lists of a service to which people add, and what the line below which they do calls their additions.
LISTS = {"environment": "variables", "ports": "ports", "volumes": "mounts"}


def choices(catalog: Catalog, id: str) -> Iterator[dict[str, Any]]:
    """All answers to the entry's questions, chosen alone and together with everything it can be linked with."""
    for company in ([], links_of(catalog, id)["uses"]):
        yield from combinations(catalog, [other for other in catalog.entries if other in {id, *company}], vary=id)
        if not links_of(catalog, id)["uses"]:
            break
    yield from _sharing(catalog, id)


def _sharing(catalog: Catalog, id: str) -> Iterator[dict[str, Any]]:
    """The entry as the writer, and as a reader, of a volume that it shares with another."""
    able = [other for other, entry in catalog.entries.items() if entry["share"] and not entry["retired"]]
    others = [other for other in able if other != id]
    if id not in able or not others:
        return
    volume = {"name": "example_shared", "path": "/shared/example", "responsibility": "An example"}
    answers = next(combinations(catalog, [other for other in catalog.entries if other in {id, others[0]}]))
    for writer, reader in ((id, others[0]), (others[0], id)):
        yield {**answers, "shared_volumes": [{**volume, "writer": writer, "readers": [reader]}]}


def rendered(catalog: Catalog, rendering: Rendering, id: str) -> Iterator[tuple[Stack, list[Fragment | Finding]]]:
    """The entry's Compose file and its parts of overlays, for each set of answers; what cannot be rendered, once."""
    folder = catalog.root / SERVICES / id
    names = [path.name for path in (folder / "compose.yaml", folder / "compose.yaml.jinja") if path.is_file()]
    if len(names) != 1:
        why = "it has no compose.yaml" if not names else "it has compose.yaml and compose.yaml.jinja"
        yield {"pulls": []}, [Finding(f"{SERVICES}/{id}", 0, "", why, "an entry has one of the two")]
        return
    names += [f"{overlay}.yaml" for overlay in catalog.entries[id]["overlays"]]
    for answers in choices(catalog, id):
        try:
            stack = rendering.stack(answers)
            variables = {**answers, "stack": stack}
            read = [_read(catalog, rendering, f"{SERVICES}/{id}/{name}", variables) for name in names]
        except UnicodeDecodeError:
            return  # a hazard, and said there
        except ScaffoldError as error:
            file = next((name for name in names if f"/{name}" in error.why), names[0])
            yield {"pulls": []}, [Finding(f"{SERVICES}/{id}/{file}", 0, "", f"it cannot be rendered: {error.why}")]
            return
        yield stack, read


def _read(catalog: Catalog, rendering: Rendering, file: str, variables: dict[str, Any]) -> Fragment | Finding:
    if file.endswith("/compose.yaml"):
        return fragments.read(catalog.root, file, (catalog.root / file).read_text(encoding="utf-8"))
    part = not file.endswith("/compose.yaml.jinja")
    return fragments.read(catalog.root, file, rendering.text(file, variables), "services:\n" if part else "")


def find(stack: Stack, id: str, main: Fragment) -> Iterator[Finding]:
    """What is wrong in an entry's Compose file for one set of answers."""
    yield from fragments.twins(main)
    if not main.services or len(main.services) != len(main.data["services"] or ()):
        yield Finding(main.file, 0, "services", "it is no list of services")
    for key in main.data if isinstance(main.data, dict) else ():
        if key != "services" and not str(key).startswith("x-"):
            why = "what several services share is the project's, not an entry's"
            yield Finding(main.file, 0, str(key), why, "declare it in service.toml")
    yield from _mounted(stack, id, main)
    yield from _jobs(stack, id, main)
    for name, service in main.services.items():
        yield from _service(stack, main, name, service)


def _mounted(stack: Stack, id: str, main: Fragment) -> Iterator[Finding]:
    used = [source for service in main.services.values() for source in _mounts(service)]
    toml = f"{SERVICES}/{id}/service.toml"
    for volume in stack["volumes"]:
        if id in {*volume["writers"], *volume["readers"]} and volume["name"] not in used:
            why = "the volume is declared, and no service mounts it"
            yield Finding(toml, 0, volume["name"], why, f"mount it in {main.file}, or take it out")
    declared = {secret["name"] for secret in stack["secrets"]}
    given = [_source(item) for service in main.services.values() for item in _list(service, "secrets")]
    for secret in stack["secrets"]:
        if secret["owner"] == id and secret["name"] not in given:
            why = "the secret is declared, and no service gets it"
            yield Finding(toml, 0, secret["name"], why, f"give it to one in {main.file}, or take it out")
    for name, service in main.services.items():
        for source in [_source(item) for item in _list(service, "secrets")]:
            if source not in declared:
                yield main.finding(name, "secrets", f"nobody declares the secret `{source}`", f"declare it in {toml}")
    yield from _sources(stack, toml, main)


def _jobs(stack: Stack, id: str, main: Fragment) -> Iterator[Finding]:
    for job in [job["service"] for job in stack.get("jobs", []) if job["owner"] == id]:
        service = main.services.get(job)
        if service is None:
            why = "the job is declared, and there is no service of its name"
            yield Finding(f"{SERVICES}/{id}/service.toml", 0, f"jobs.{job}", why, f"write it in {main.file}")
        elif service.get("restart") != "no" or not service.get("profiles"):
            why = "`up` would run this job, or start it again when it has ended"
            yield main.finding(job, "", why, 'give it restart: "no" and a profile')


def _sources(stack: Stack, toml: str, main: Fragment) -> Iterator[Finding]:
    declared = {volume["name"] for volume in stack["volumes"]}
    for name, service in main.services.items():
        for source in _mounts(service):
            if not source:
                why = "a mount without a name makes an anonymous volume, which nobody finds again"
                yield main.finding(name, "volumes", why, "name a volume of service.toml, or use tmpfs")
            elif not re.match(r"[A-Za-z0-9]", source):
                why = f"`{source}` is a folder of the machine: production has no bind mounts"
                yield main.finding(name, "volumes", why, "use a volume, or put it into dev.yaml")
            elif source not in declared:
                yield main.finding(name, "volumes", f"nobody declares the volume `{source}`", f"declare it in {toml}")


def _service(stack: Stack, main: Fragment, name: str, service: Service) -> Iterator[Finding]:
    for port in _list(service, "ports"):
        host = port.get("host_ip") if isinstance(port, dict) else str(port)
        if not str(host).startswith("127.0.0.1"):
            why = f"`{port}` is published on every network of the machine"
            yield main.finding(name, "ports", why, "write 127.0.0.1:${NAME_PORT:-1234}:1234")
    if name not in stack["pulls"] and service.get("restart") not in ("no", False):
        if not _probe(service):
            why = "it runs for long and has no healthcheck"
            yield main.finding(name, "healthcheck", why, 'give it one; a job that ends has restart: "no"')
        for key, what in LISTS.items():
            line = f"# your own {what} below this line"
            written = [text.strip() for text in main.block(name, key) if text.strip()]
            if key in service and written[-1:] != [line]:
                yield main.finding(name, key, "the list does not end in the line below which users add", f"add {line}")
    yield from images(main, name, service)
    if not {"image", "build"} & set(service):
        yield main.finding(name, "", "it has neither an image nor a build")


def images(part: Fragment, name: str, service: Service) -> Iterator[Finding]:
    """An image that is not pinned is another one tomorrow."""
    if "image" in service and not pinned(str(service["image"])):
        yield part.finding(name, "image", f"`{service['image']}` has no version", "name the tag, and not `latest`")


def pinned(reference: str) -> bool:
    """Whether an image reference has a digest, or a tag that is a version. What a variable holds, nobody sees here."""
    tag = reference.rpartition("/")[2].partition(":")[2]
    return reference.startswith("$") or "@sha256:" in reference or tag not in ("", "latest")


def _probe(service: Service) -> bool:
    check = service.get("healthcheck")
    return isinstance(check, dict) and check.get("test") not in (None, "", [], ["NONE"]) and not check.get("disable")


def _list(service: Service, key: str) -> list[Any]:
    value = service.get(key)
    return value if isinstance(value, list) else []


def _mounts(service: Service) -> list[str]:
    """The volume, or folder, of each mount; empty for an anonymous volume."""
    mounts = _list(service, "volumes")
    return [_source(mount) for mount in mounts if not isinstance(mount, dict) or mount.get("type") != "tmpfs"]


def _source(item: Any) -> str:
    """Which volume or secret an item of a list means."""
    if isinstance(item, dict):
        return str(item.get("source", ""))
    source, colon, _ = str(item).partition(":")
    return source if colon or not source.startswith("/") else ""
