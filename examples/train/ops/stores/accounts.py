# Managed by scaffold: updates merge this file.
"""Accounts of MariaDB and MySQL as SQL: it makes those that are missing and changes no password of the others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# MariaDB repeats the password in the grant of global rights, which would set it again.
LOGIN = re.compile(r" IDENTIFIED (?:BY PASSWORD '[^']*'|VIA .+?)(?= REQUIRE | WITH |;\s*$)")
NAME = r"`(?:[^`]|``)*`"
ACCOUNT = rf"{NAME}(?:@{NAME})?"
ON_OBJECT = re.compile(
    rf"GRANT .* ON (?:(?:PROCEDURE|FUNCTION|PACKAGE(?: BODY)?) )?({NAME})\.{NAME} TO ({ACCOUNT})(?: WITH .*)?;"
)
# Root has this from the beginning, and MariaDB does not let it grant it to itself (measured with 10.11).
PROXY = re.compile(r"GRANT PROXY ON ['`]{2}@['`][^'`]*['`] TO ['`]root['`]@")
WILD = re.compile("[_%]")
RIGHTS = re.compile(r"GRANT .* ON .* TO .*;")
DEFAULT_ROLE = re.compile(r" DEFAULT ROLE (.+?)(?= REQUIRE )")
OWN = "('mysql.infoschema', 'mysql.session', 'mysql.sys')"
LISTED = f"SELECT CONCAT(QUOTE(user), '@', QUOTE(host)) FROM mysql.user WHERE user NOT IN {OWN} ORDER BY user, host"
# What is stored of a password may be any bytes.
READABLE = "SET SESSION print_identified_with_as_hex = ON;\n"


def of_mariadb(said: str) -> str:
    """Return what `mariadb-dump --system=users --insert-ignore` wrote, without the passwords in grants."""
    lines = [line for line in said.splitlines(keepends=True) if not PROXY.match(line)]
    return "".join(LOGIN.sub("", line) if line.startswith("GRANT ") else line for line in lines)


def early(accounts: str) -> str:
    """Return what may run before there is any data.

    Rights on one table or routine have to wait for it; but a view on a view is only made when the owner of the inner
    one may read below it. So until `late`, those who have such rights may read that whole database.
    """
    kept = [line for line in accounts.splitlines(keepends=True) if not ON_OBJECT.match(line)]
    return "".join([*kept, "\n", *(f"GRANT {each};\n" for each in waiting(accounts, "TO"))])


def late(accounts: str) -> str:
    """Return what runs when the data is there: rights only, since who may hand out roles was settled before."""
    revoked = [f"REVOKE {each};\n" for each in waiting(accounts, "FROM")]
    granted = [line for line in accounts.splitlines(keepends=True) if RIGHTS.match(line)]
    return "".join([*revoked, *granted, "FLUSH PRIVILEGES;\n"])


def waiting(accounts: str, word: str) -> Iterator[str]:
    """Yield the rights that stand in for those on single tables and routines."""
    found = {match.groups() for match in map(ON_OBJECT.match, accounts.splitlines()) if match}
    for database, account in sorted(found):
        if database != "`mysql`":
            # In the name of a whole database, these are wild cards.
            whole = WILD.sub(lambda match: "\\" + match.group(), database)
            yield f"SELECT, EXECUTE ON {whole}.* {word} {account}"


def of_mysql(ask: Callable[[str], str]) -> str:
    """Write down MySQL's accounts: first who there is, then what they may."""
    made, granted, roles = [], [], []
    for account in ask(LISTED).splitlines():
        create = ask(f"{READABLE}SHOW CREATE USER {account}").strip()
        role = DEFAULT_ROLE.search(create)
        if role:
            roles.append(f"ALTER USER {account} DEFAULT ROLE {role.group(1)};\n")
        create = DEFAULT_ROLE.sub("", create, count=1)
        made.append(create.replace("CREATE USER ", "CREATE USER IF NOT EXISTS ", 1) + ";\n")
        rights = ask(f"SHOW GRANTS FOR {account}").splitlines()
        granted += [f"{line};\n" for line in rights if not PROXY.match(line)]
    # Rights may be granted to whom the others are, so all are made first.
    return "".join([*made, *granted, *roles])
