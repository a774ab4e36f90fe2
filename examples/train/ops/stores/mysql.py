# Managed by scaffold: updates merge this file.
"""MariaDB and MySQL: SQL of all databases as of one moment, and the accounts apart from it.

The `mysql` database itself is left out: it holds the passwords of the time, and fits one version only. MySQL could not
be run where this was tested: MariaDB 10.11 was.
"""

from __future__ import annotations

import re
from typing import IO, TYPE_CHECKING

from ops.errors import UNABLE, OpsError
from ops.stores import steady, versions
from ops.stores.accounts import early, late, of_mariadb, of_mysql
from ops.stores.base import Store
from ops.stores.passing import dumping, ended, loading
from ops.stores.streams import Last, chunks, stream

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ops.sets.manifest import File, Item
    from ops.stores.base import Sink, Source
    from ops.stores.server import Server

# `$1` is the program. Root is the only account that sees everything, and reaches the server by its socket.
CLIENT = """
password=
for name in MARIADB_ROOT_PASSWORD MYSQL_ROOT_PASSWORD; do
    eval "file=\\${${name}_FILE:-} value=\\${$name:-}"
    if [ -n "$file" ]; then value=$(cat "$file"); fi
    password=${password:-$value}
done
export MYSQL_PWD="$password"
exec "$@"
"""
LOGIN = ("--user=root", "--default-character-set=utf8mb4")
QUERY = (*LOGIN, "--batch", "--skip-column-names", "--raw")
DUMP = (
    *LOGIN, "--single-transaction", "--quick", "--routines", "--events", "--triggers", "--hex-blob",
)  # fmt: skip
SYSTEM = "('information_schema', 'mysql', 'performance_schema', 'sys')"
# Names in hex: they may hold anything.
DATABASES = f"SELECT HEX(schema_name) FROM information_schema.schemata WHERE schema_name NOT IN {SYSTEM} ORDER BY 1"
TABLES = (
    "SELECT HEX(table_schema), HEX(table_name), COALESCE(engine, ''), COALESCE(table_rows, 0) "
    "FROM information_schema.tables "
    f"WHERE table_type = 'BASE TABLE' AND table_schema NOT IN {SYSTEM} ORDER BY 1, 2"
)
LIMIT = 50_000_000  # rows, as estimated
TRAILER, TAIL = re.compile(rb"^-- Dump completed", re.MULTILINE), 256
HEAD = re.compile(rb"^-- (?:MariaDB|MySQL) dump ", re.MULTILINE)
NOT_WHOLE = "a dump ends before its last line"
UPGRADE_INFO = ("mariadb_upgrade_info", "mysql_upgrade_info")


class MariaDB(Store):
    """MariaDB."""

    dumps = True
    live = False
    product, client, dumper = "MariaDB", "mariadb", "mariadb-dump"
    options: tuple[str, ...] = ()
    variables: tuple[str, ...] = ("MARIADB_VERSION",)

    def dump(self, server: Server, sink: Sink, item: Item) -> None:
        """Dump the databases in one transaction, and the accounts."""
        item.facts["version"] = self.ask(server, "SELECT VERSION()").strip()
        databases = names(self.ask(server, DATABASES))
        item.facts["databases"] = databases
        item.warnings += torn(self.tables(server))
        before = self.counts(server)
        if databases:
            # One that begins with a dash is no option.
            command = [self.dumper, *DUMP, *self.options, "--databases", "--", *databases]
            last = Last(TAIL)
            with dumping(server, CLIENT, *command) as raw:
                sink.add("databases", "databases.sql", stream(last.of(chunks(raw))))
            ended(server, last, TRAILER.search)
        sink.add("accounts", "accounts.sql", stream([self.accounts(server)]))
        item.counts = steady.between(before, self.counts(server))

    def load(self, server: Server, source: Source) -> None:
        """Load the dumps. Accounts that are there keep their present passwords; the others come with their own."""
        for name in source.item.facts.get("databases") or []:
            self.ask(server, f"DROP DATABASE IF EXISTS {quoted(str(name))}")
        with source.open(source.item.file("accounts")) as plain:
            accounts = b"".join(chunks(plain)).decode("utf-8", "surrogateescape")
        # Views and routines want their owners first, rights on a table want the table.
        self.run(server, stream([encoded(early(accounts))]))
        for file in present(source.item, "databases"):
            with source.open(file) as plain:
                last = Last(TAIL)
                self.run(server, stream(last.of(chunks(plain))))
            if not TRAILER.search(last.tail):
                # Half a dump is valid SQL, too.
                raise OpsError(f"`{file.path}` is not whole", NOT_WHOLE, code=UNABLE, cause="damaged")
        self.run(server, stream([encoded(late(accounts))]))
        self.ask(server, "SELECT 1")

    def adopt(self, server: Server) -> None:
        """See that the present password opens restored files: the one they were made with is in them."""
        try:
            self.ask(server, "SELECT 1")
        except OpsError as error:
            what = f"the restored files of service `{server.service}` have another password than the present one"
            fix = "put the secret of that time back, then restore again"
            raise OpsError(what, error.problem.why, fix, UNABLE, "missing-secret") from None

    def counts(self, server: Server) -> dict[str, int] | None:
        """Count the rows of each table; not when there are too many."""
        tables = self.tables(server)
        if sum(rows for _, _, _, rows in tables) > LIMIT:
            return None
        asked = "".join(f"SELECT COUNT(*) FROM {quoted(base)}.{quoted(table)};\n" for base, table, _, _ in tables)
        answer = server.attempt(CLIENT, self.client, *QUERY, stdin=asked)
        said = answer.output.split()
        if answer.code or len(said) != len(tables):
            return None  # one was dropped meanwhile
        return {f"{each[0]}.{each[1]}": int(said[number]) for number, each in enumerate(tables)}

    def peek(self, read: Callable[[str], str], item: Item) -> None:
        """Note which version wrote files that are copied."""
        version = versions.number("".join(map(read, UPGRADE_INFO)))
        if version:
            item.facts["version"] = versions.text(version)

    def problems(self, item: Item, source: Source, scratch: Path) -> list[str]:
        """See that dumps begin and end as such."""
        found = []
        for file in present(item, "databases"):
            with source.open(file) as plain:
                last = Last(TAIL).seen(plain)
            if not HEAD.search(last.head):
                found.append(f"`{file.path}` is no dump of MariaDB or MySQL")
            elif not TRAILER.search(last.tail):
                found.append(f"`{file.path}`: {NOT_WHOLE}")
        return found

    def fits(self, item: Item, image: str, ask: Callable[[str], str]) -> str:
        """An older server does not take what a newer one wrote, and the two products differ."""
        other = "MYSQL_VERSION" if self.product == "MariaDB" else "MARIADB_VERSION"
        if ask(other) and not any(map(ask, self.variables)):
            return f"{image} is not {self.product}"
        have = versions.of_image(image, ask, *self.variables)
        wanted = versions.number(str(item.facts.get("version", "")))
        if versions.older(have, wanted):
            return f"{self.product} {versions.text(have)} does not take data of {versions.text(wanted)}"
        return ""

    def accounts(self, server: Server) -> bytes:
        """Return the accounts and their rights as SQL that leaves alone what is there."""
        command = [self.dumper, *LOGIN, "--system=users", "--insert-ignore"]
        said = server.ask(CLIENT, *command)
        if not TRAILER.search(encoded(said)):
            raise OpsError("the dump of the accounts is not whole", NOT_WHOLE, code=UNABLE, cause="damaged")
        return encoded(of_mariadb(said))

    def tables(self, server: Server) -> list[tuple[str, str, str, int]]:
        """Return database, name, engine and estimated rows of each table."""
        rows = [line.split("\t") for line in self.ask(server, TABLES).splitlines()]
        return [(unhex(base), unhex(table), engine, int(count)) for base, table, engine, count in rows]

    def ask(self, server: Server, statements: str) -> str:
        """Run SQL and return its output."""
        return server.ask(CLIENT, self.client, *QUERY, stdin=statements)

    def run(self, server: Server, script: IO[bytes]) -> None:
        """Run a dump; the first error ends it."""
        loading(server, script, CLIENT, self.client, *LOGIN, "--batch", "--binary-mode")


class MySQL(MariaDB):
    """MySQL: other programs, and accounts that its dump program does not know."""

    product, client, dumper = "MySQL", "mysql", "mysqldump"
    options = ("--set-gtid-purged=OFF",)
    variables = ("MYSQL_VERSION", "MYSQL_MAJOR")

    def accounts(self, server: Server) -> bytes:
        """Return the accounts and their rights as SQL that leaves alone what is there."""
        return encoded(of_mysql(lambda statements: self.ask(server, statements)))


def names(said: str) -> list[str]:
    """Read names that were written in hex."""
    return [unhex(line) for line in said.split()]


def unhex(said: str) -> str:
    """Read a name that was written in hex."""
    return bytes.fromhex(said).decode("utf-8")


def encoded(text: str) -> bytes:
    """Return text as the bytes it came from."""
    return text.encode("utf-8", "surrogateescape")


def quoted(name: str) -> str:
    """Return a name as SQL has it."""
    return "`" + name.replace("`", "``") + "`"


def torn(tables: list[tuple[str, str, str, int]]) -> list[str]:
    """Say which tables know no transactions: a dump may hold half of a change to them."""
    bad = [f"{base}.{table} ({engine})" for base, table, engine, _ in tables if engine not in ("InnoDB", "")]
    return ["not of one moment, since they know no transactions: " + ", ".join(bad)] if bad else []


def present(item: Item, role: str) -> list[File]:
    """Return the files of a role: none where there was nothing to dump."""
    return [each for each in item.files if each.role == role]
