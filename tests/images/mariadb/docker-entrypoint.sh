#!/bin/bash
# The contract of the official image's entrypoint: environment, secret files, owners, first start.
set -Eeuo pipefail

DATA=/var/lib/mysql
SOCKET=/run/mysqld/mysqld.sock
HEALTH=$DATA/.my-healthcheck.cnf

fail() { echo "error: $1" >&2; exit 1; }

from_file() {  # NAME: take NAME from NAME_FILE when that is set. Both at once is a mistake.
    local name=$1 file_name=${1}_FILE
    local value=${!name:-} file=${!file_name:-}
    if [[ -n $value && -n $file ]]; then fail "both $name and $file_name are set (but are exclusive)"; fi
    if [[ -n $file ]]; then value=$(< "$file"); fi
    export "$name=$value"
    unset "$file_name"
}

read_environment() {
    local name old new
    for name in MARIADB_ROOT_PASSWORD_HASH MARIADB_PASSWORD_HASH MARIADB_RANDOM_ROOT_PASSWORD MARIADB_REPLICATION_USER \
        MARIADB_MASTER_HOST MARIADB_MYSQL_LOCALHOST_USER; do
        if [[ -v $name || -v ${name}_FILE ]]; then fail "this stand-in has nothing for $name"; fi
    done
    for name in ROOT_HOST DATABASE USER PASSWORD ROOT_PASSWORD; do
        old=MYSQL_$name new=MARIADB_$name
        from_file "$old"
        from_file "$new"
        export "$new=${!new:-${!old}}"
    done
    : "${MARIADB_ROOT_HOST:=%}"
    : "${MARIADB_ALLOW_EMPTY_ROOT_PASSWORD:=${MYSQL_ALLOW_EMPTY_PASSWORD:-}}"
    export MARIADB_ROOT_HOST MARIADB_ALLOW_EMPTY_ROOT_PASSWORD
}

literal() {  # VALUE: as a string in SQL
    local value=${1//\\/\\\\}
    printf "'%s'" "${value//\'/\\\'}"
}

sql() { mariadb --protocol=socket --socket="$SOCKET" -uroot --binary-mode "$@"; }

# It listens on the socket only, so that a probe over TCP is not fooled by it.
start_temporary_server() {
    "$@" --skip-networking --socket="$SOCKET" &
    server=$!
    for _ in {30..0}; do
        if MYSQL_PWD='' sql --database=mysql <<< 'SELECT 1' > /dev/null 2>&1; then return 0; fi
        sleep 1
    done
    fail "the temporary server does not come up"
}

stop_temporary_server() { kill "$server"; wait "$server"; }

# The password lies in the data folder and is new with each initialisation: with another folder's users the probe fails.
write_health_users() {
    local host password
    password=$(pwgen --numerals --capitalize -1 32)
    for host in 127.0.0.1 ::1 localhost; do
        echo "CREATE USER IF NOT EXISTS healthcheck@'$host' IDENTIFIED BY '$password';"
        echo "SET PASSWORD FOR healthcheck@'$host' = PASSWORD('$password');"
        echo "GRANT ${MARIADB_HEALTHCHECK_GRANTS:-USAGE} ON *.* TO healthcheck@'$host';"
    done
    (umask 077; printf '[mariadb-client]\nport=3306\nsocket=%s\nuser=healthcheck\npassword=%s\n' \
        "$SOCKET" "$password" > "$HEALTH")
}

write_users() {
    local root user
    root=$(literal "$MARIADB_ROOT_PASSWORD")
    echo "SET SESSION sql_mode = REPLACE(@@sql_mode, 'NO_BACKSLASH_ESCAPES', '');"
    echo "DROP USER IF EXISTS root@'127.0.0.1', root@'::1';"
    echo "EXECUTE IMMEDIATE CONCAT('DROP USER IF EXISTS root@\\'', @@hostname, '\\'');"
    echo "SET PASSWORD FOR root@localhost = PASSWORD($root);"
    if [[ $MARIADB_ROOT_HOST != localhost ]]; then
        user="root@$(literal "$MARIADB_ROOT_HOST")"
        echo "CREATE USER $user IDENTIFIED BY $root; GRANT ALL ON *.* TO $user WITH GRANT OPTION;"
        echo "GRANT PROXY ON ''@'%' TO $user WITH GRANT OPTION;"
    fi
    write_health_users
    if [[ -n $MARIADB_DATABASE ]]; then echo "CREATE DATABASE IF NOT EXISTS \`$MARIADB_DATABASE\`;"; fi
    if [[ -n $MARIADB_USER && -n $MARIADB_PASSWORD ]]; then
        user="$(literal "$MARIADB_USER")@'%'"
        echo "CREATE USER $user IDENTIFIED BY $(literal "$MARIADB_PASSWORD");"
        if [[ -n $MARIADB_DATABASE ]]; then echo "GRANT ALL ON \`${MARIADB_DATABASE//_/\\_}\`.* TO $user;"; fi
    fi
}

run_init_file() {
    echo "$0: running $1"
    case $1 in
        *.sh) if [[ -x $1 ]]; then "$1"; else . "$1"; fi ;;
        *.sql) init_sql < "$1" ;;
        *.sql.gz) gunzip -c "$1" | init_sql ;;
        *.sql.xz) xzcat "$1" | init_sql ;;
        *.sql.zst) zstd -dc "$1" | init_sql ;;
        *.tar.*) fail "this stand-in does not unpack $1" ;;
        *) echo "$0: ignoring $1" ;;
    esac
}

init_sql() { MYSQL_PWD=$MARIADB_ROOT_PASSWORD sql ${MARIADB_DATABASE:+--database="$MARIADB_DATABASE"}; }

initialise() {
    local file
    if [[ -z $MARIADB_ROOT_PASSWORD && -z $MARIADB_ALLOW_EMPTY_ROOT_PASSWORD ]]; then
        fail "database is uninitialized: set MARIADB_ROOT_PASSWORD (or MARIADB_ROOT_PASSWORD_FILE)"
    fi
    mariadb-install-db --datadir="$DATA" --rpm --auth-root-authentication-method=normal --cross-bootstrap \
        --skip-test-db --skip-log-bin > /dev/null
    start_temporary_server "$@"
    if [[ -z ${MARIADB_INITDB_SKIP_TZINFO:-} ]]; then
        mariadb-tzinfo-to-sql --skip-write-binlog /usr/share/zoneinfo 2> /dev/null | MYSQL_PWD='' sql --database=mysql
    fi
    write_users | MYSQL_PWD='' sql --database=mysql
    for file in /docker-entrypoint-initdb.d/*; do
        if [[ -e $file ]]; then run_init_file "$file"; fi
    done
    stop_temporary_server
    echo "MariaDB init process done. Ready for start up."
}

# What the official image does on MARIADB_AUTO_UPGRADE=1 for data that has no password for the probe. Without it, such a
# server stays unhealthy.
add_health_users() {
    start_temporary_server "$@" --skip-grant-tables
    { echo "FLUSH PRIVILEGES;"; write_health_users; } | MYSQL_PWD='' sql
    stop_temporary_server
}

if [[ ${1:-} == -* ]]; then set -- mariadbd "$@"; fi

if [[ ${1:-} == mariadbd && " $* " != *" --help "* && " $* " != *" --version "* ]]; then
    if [[ $(id -u) == 0 ]]; then
        # Secret files are read here, still as root: any mode will do.
        read_environment
        find "$DATA" \! -user mysql -exec chown mysql: {} +
        find "${SOCKET%/*}" -maxdepth 0 \! -user mysql -exec chown mysql: {} +
        exec gosu mysql "$BASH_SOURCE" "$@"
    fi
    read_environment
    if [[ ! -d $DATA/mysql ]]; then
        initialise "$@"
    elif [[ ! -e $HEALTH && ${MARIADB_AUTO_UPGRADE:-0} != 0 ]]; then
        add_health_users "$@"
    fi
fi

exec "$@"
