# Managed by scaffold: updates merge this file.
"""PostgreSQL: roles once, and each database in the custom format, all by the client programs of its own container.

Sources: PostgreSQL's `backup.sgml`; `pg_dump` holds no roles, so without the globals a restore gives everything to
the superuser. Rows are counted in the same snapshot that is dumped.
"""

from __future__ import annotations

import io
import json
import re
from typing import IO, TYPE_CHECKING, Any

from ops import docker
from ops.errors import UNABLE, OpsError
from ops.stores.base import Store
from ops.volumes.helper import copy_into

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ops.sets.manifest import Item
    from ops.stores.base import Sink, Source
    from ops.stores.server import Server

# Over the socket, which the image trusts; the password is for those who closed that.
LOGIN = """
export PGUSER="${POSTGRES_USER:-postgres}" PGCONNECT_TIMEOUT=20
PGPASSWORD="${POSTGRES_PASSWORD:-}"
if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then PGPASSWORD="$(cat "$POSTGRES_PASSWORD_FILE")"; fi
export PGPASSWORD
"""
QUERY = LOGIN + 'exec psql -XAtq -v ON_ERROR_STOP=1 -d "$1"'
GLOBALS = LOGIN + "exec pg_dumpall --globals-only -l template1"
# Nobody keeps a table to himself for this long in everyday life; without a limit a backup would wait for ever.
LOCK_PATIENCE = "10min"
DUMP = LOGIN + f'exec pg_dump -Fc -Z0 --lock-wait-timeout={LOCK_PATIENCE} --snapshot="$2" -d "$1"'
RESTORE = LOGIN + "exec pg_restore --create --clean --if-exists --exit-on-error -d template1"
ANALYZE = LOGIN + "exec vacuumdb --all --analyze-only --quiet"
# psql runs what stands in backquotes in the container: the password is in no argument and no log.
ADOPT = r"""
\set password `printf %s "$PGPASSWORD"`
\o /dev/null
SELECT set_config('log_statement', 'none', false), set_config('log_min_duration_statement', '-1', false);
ALTER ROLE CURRENT_USER PASSWORD :'password';
"""
ABOUT = """SELECT json_build_object(
  'version', current_setting('server_version'), 'number', current_setting('server_version_num')::int,
  'user', current_user, 'role', quote_ident(current_user));"""
DATABASES = """SELECT json_build_object('name', datname, 'owner', pg_get_userbyid(datdba),
  'bytes', pg_database_size(oid), 'encoding', pg_encoding_to_char(encoding), 'collate', datcollate, 'ctype', datctype)
  FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY datname;"""
TABLES = "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' " \
    "AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'"  # fmt: skip
# More rows than this are not counted: a backup should not read every table twice.
MOST_ROWS = 50_000_000
EXPECTED_ROWS = f"SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint {TABLES};"
COUNT = (
    "SELECT format('SELECT json_build_object(''name'', %L, ''rows'', count(*)) FROM %I.%I', "
    f"n.nspname || '.' || c.relname, n.nspname, c.relname) {TABLES} ORDER BY 1 \\gexec"
)
SNAPSHOT = (
    f"SET lock_timeout = '{LOCK_PATIENCE}';\n"
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\nSELECT pg_export_snapshot();\n"
)
END = "ops-end"
COMPLETE = b"PostgreSQL database cluster dump complete"
LAYOUTS = ("PG_VERSION", *(f"{major}/docker/PG_VERSION" for major in range(18, 31)))


class Postgres(Store):
    """PostgreSQL, with whatever extensions its image has."""

    copy = "stop"
    dumps = True
    live = False

    def dump(self, server: Server, sink: Sink, item: Item) -> None:
        """Dump the roles, then every database that takes connections."""
        about = rows(server, "template1", ABOUT)[0]
        item.facts = {"server": about["version"], "major": about["number"] // 10000, "user": about["user"]}
        with server.reading(GLOBALS) as pipe:
            said = pipe.read()
        if COMPLETE not in said[-200:]:
            raise OpsError("`pg_dumpall` ended in the middle", code=UNABLE, cause="damaged")
        sink.add("globals", "globals.sql", io.BytesIO(said))
        counts: dict[str, int] | None = {}
        for number, database in enumerate(rows(server, "template1", DATABASES)):
            found = dump_database(server, sink, f"database-{number}.dump", database)
            counts = None if found is None or counts is None else {**counts, **found}
        item.counts = counts

    def load(self, server: Server, source: Source) -> None:
        """Load roles and databases; the account of the project keeps its present password."""
        role = rows(server, "template1", ABOUT)[0]["role"]
        with source.open(source.item.file("globals")) as stream:
            statements = without_role(stream.read().decode("utf-8", "surrogateescape"), role)
        feed(server, "the roles", QUERY, io.BytesIO(statements.encode("utf-8", "surrogateescape")), "template1")
        for file in source.item.files:
            if file.role == "database":
                with source.open(file) as stream:
                    feed(server, f"database `{file.about.get('name')}`", RESTORE, stream)
        server.ask(ANALYZE)

    def adopt(self, server: Server) -> None:
        """Give the account of the project its present password."""
        server.ask(QUERY, "template1", stdin=ADOPT)

    def counts(self, server: Server) -> dict[str, int] | None:
        """Count the rows of every table."""
        found: dict[str, int] = {}
        for database in rows(server, "template1", DATABASES):
            name = database["name"]
            found.update({f"{name}.{each['name']}": each["rows"] for each in rows(server, name, COUNT)})
        return found

    def peek(self, read: Callable[[str], str], item: Item) -> None:
        """Note the major of a cluster that is copied as files: no other opens it."""
        for path in LAYOUTS:
            major = read(path).strip()
            if major.isdigit():
                item.facts["major"] = int(major)
                return

    def fits(self, item: Item, image: str, ask: Callable[[str], str]) -> str:
        """Refuse files of another major, and dumps of a newer one."""
        said, major = ask("PG_MAJOR"), item.facts.get("major")
        if not said.isdigit() or not isinstance(major, int):
            return ""
        if item.method == "dump":
            return f"it is a dump of PostgreSQL {major}, `{image}` is {said}" if int(said) < major else ""
        return f"these are files of PostgreSQL {major}, `{image}` is {said}" if int(said) != major else ""


def rows(server: Server, database: str, sql: str) -> list[dict[str, Any]]:
    """Run a query that gives one JSON document a row."""
    return [json.loads(line) for line in server.ask(QUERY, database, stdin=sql + "\n").splitlines() if line.strip()]


def dump_database(server: Server, sink: Sink, name: str, database: dict[str, Any]) -> dict[str, int] | None:
    """Dump one database, and count its rows in the snapshot that is dumped."""
    with docker.conversing(server.command(QUERY, database["name"])) as (write, read):
        write(SNAPSHOT)
        snapshot = next(read).strip()
        write(f"{EXPECTED_ROWS}\n")
        counts: dict[str, int] | None = None
        if int(next(read)) <= MOST_ROWS:
            write(f"{COUNT}\n\\echo {END}\n")
            counts = {f"{database['name']}.{each['name']}": each["rows"] for each in until_end(read)}
        with server.reading(DUMP, database["name"], snapshot) as pipe:
            sink.add("database", name, pipe, database)
        write("COMMIT;\n")
    return counts


def until_end(read: Iterator[str]) -> Iterator[dict[str, Any]]:
    """Yield the documents before the end mark."""
    for line in read:
        if line.strip() == END:
            return
        yield json.loads(line)


def feed(server: Server, what: str, script: str, stream: IO[bytes], *arguments: str) -> None:
    """Send a stream to a program of the server."""
    try:
        with server.feeding(script, *arguments) as pipe:
            copy_into(pipe, stream)
    except docker.CommandError as error:
        raise OpsError(f"{what} cannot be loaded", error.said.last_error(), code=UNABLE) from None


def without_role(statements: str, role: str) -> str:
    """Leave out what makes or changes the account that loads: it is there, with the present password."""
    own = re.compile(rf"(CREATE ROLE {re.escape(role)};|ALTER ROLE {re.escape(role)} WITH .*;)")
    return "".join(line for line in statements.splitlines(keepends=True) if not own.fullmatch(line.strip()))
