#!/bin/bash
# The contract of the official image's entrypoint: environment, secret files, owners, first start.
set -Eeuo pipefail

fail() { printf 'Error: %s\n' "$@" >&2; exit 1; }

from_file() {  # NAME [DEFAULT]: take NAME from NAME_FILE when that is set. Both at once is a mistake.
    local name=$1 file_name=${1}_FILE
    local value=${!name:-} file=${!file_name:-}
    if [[ -n $value && -n $file ]]; then fail "both $name and $file_name are set (but are exclusive)"; fi
    if [[ -n $file ]]; then value=$(< "$file"); fi
    export "$name=${value:-${2:-}}"
    unset "$file_name"
}

read_environment() {
    from_file POSTGRES_PASSWORD
    from_file POSTGRES_USER postgres
    from_file POSTGRES_DB "$POSTGRES_USER"
    from_file POSTGRES_INITDB_ARGS
    : "${POSTGRES_HOST_AUTH_METHOD:=}"
}

own_folders() {
    mkdir -p "$PGDATA"
    chmod 700 "$PGDATA" || true
    mkdir -p /var/run/postgresql || true
    chmod 3777 /var/run/postgresql || true
    if [[ -n ${POSTGRES_INITDB_WALDIR:-} ]]; then
        mkdir -p "$POSTGRES_INITDB_WALDIR"
        chmod 700 "$POSTGRES_INITDB_WALDIR"
    fi
    if [[ $(id -u) == 0 ]]; then
        find "$PGDATA" ${POSTGRES_INITDB_WALDIR:+"$POSTGRES_INITDB_WALDIR"} /var/run/postgresql \
            \! -user postgres -exec chown postgres {} +
    fi
}

# From 18 on the volume lies a level higher. Data of another major, or a volume where 17 had it, means that a new empty
# database would come up beside the data that somebody expects: say so instead.
refuse_misplaced_data() {
    local place
    local -a found=()
    if [[ $PGDATA != "/var/lib/postgresql/$PG_MAJOR/docker" ]]; then return 0; fi
    for place in /var/lib/postgresql /var/lib/postgresql/data /var/lib/postgresql/*/docker; do
        if [[ -s $place/PG_VERSION ]]; then found+=("$place"); fi
    done
    if [[ ${#found[@]} == 0 ]] && grep -q ' /var/lib/postgresql/data ' /proc/self/mountinfo; then
        found=("/var/lib/postgresql/data (unused mount/volume)")
    fi
    if [[ ${#found[@]} != 0 ]]; then
        fail "in PostgreSQL 18 and above the volume belongs at /var/lib/postgresql, and the data is in $PGDATA." \
            "Found instead: ${found[*]}" "Older data needs pg_upgrade or a dump; nothing was changed."
    fi
}

require_password() {
    if [[ -z $POSTGRES_PASSWORD && $POSTGRES_HOST_AUTH_METHOD != trust ]]; then
        fail "Database is uninitialized and superuser password is not specified." \
            "Set POSTGRES_PASSWORD (or POSTGRES_PASSWORD_FILE) to a value that is not empty."
    fi
}

create_cluster() {
    # The arguments are several words on purpose.
    # shellcheck disable=SC2086
    initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") \
        ${POSTGRES_INITDB_WALDIR:+--waldir="$POSTGRES_INITDB_WALDIR"} $POSTGRES_INITDB_ARGS
    local method=${POSTGRES_HOST_AUTH_METHOD:-$(postgres -C password_encryption)}
    printf '\nhost all all all %s\n' "$method" >> "$PGDATA/pg_hba.conf"
}

sql() { psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --no-password --no-psqlrc "$@"; }

run_init_file() {
    echo "$0: running $1"
    case $1 in
        *.sh) if [[ -x $1 ]]; then "$1"; else . "$1"; fi ;;
        *.sql) sql --dbname "$POSTGRES_DB" -f "$1" ;;
        *.sql.gz) gunzip -c "$1" | sql --dbname "$POSTGRES_DB" ;;
        *.sql.xz) xzcat "$1" | sql --dbname "$POSTGRES_DB" ;;
        *.sql.zst) zstd -dc "$1" | sql --dbname "$POSTGRES_DB" ;;
        *) echo "$0: ignoring $1" ;;
    esac
}

# The temporary server listens on the socket only, so that a probe over TCP is not fooled by it.
fill_cluster() {
    local file
    export PGPASSWORD=$POSTGRES_PASSWORD
    NOTIFY_SOCKET='' pg_ctl -D "$PGDATA" -o "$(printf '%q ' "$@" -c "listen_addresses=" -p "${PGPORT:-5432}")" -w start
    if [[ $POSTGRES_DB != postgres ]]; then
        # psql quotes the name itself; -c would not know its variables.
        sql --dbname postgres --set db="$POSTGRES_DB" <<< 'CREATE DATABASE :"db";'
    fi
    for file in /docker-entrypoint-initdb.d/*; do
        if [[ -e $file ]]; then run_init_file "$file"; fi
    done
    pg_ctl -D "$PGDATA" -m fast -w stop
    unset PGPASSWORD
    printf '\nPostgreSQL init process complete; ready for start up.\n\n'
}

if [[ ${1:-} == -* ]]; then set -- postgres "$@"; fi

if [[ ${1:-} == postgres ]]; then
    # Secret files are read here, still as root: any mode will do.
    read_environment
    own_folders
    if [[ $(id -u) == 0 ]]; then exec gosu postgres "$BASH_SOURCE" "$@"; fi
    if [[ ! -s $PGDATA/PG_VERSION ]]; then
        require_password
        refuse_misplaced_data
        create_cluster
        fill_cluster "${@:2}"
    fi
fi

exec "$@"
