#!/bin/bash
# The contract of the official image's entrypoint: environment, secret files, owners, first start.
set -Eeuo pipefail

fail() { echo "error: $1" >&2; exit 1; }

from_file() {  # NAME: take NAME from NAME_FILE when that is set. Both at once is a mistake.
    local name=$1 file_name=${1}_FILE
    local value=${!name:-} file=${!file_name:-}
    if [[ -n $value && -n $file ]]; then fail "both $name and $file_name are set (but are exclusive)"; fi
    if [[ -n $file ]]; then value=$(< "$file"); fi
    export "$name=$value"
    unset "$file_name"
}

if [[ ${1:-} == -* ]]; then set -- mongod "$@"; fi

if [[ ${1:-} == mongo* && $(id -u) == 0 ]]; then
    if [[ $1 == mongod ]]; then
        find /data/configdb /data/db \! -user mongodb -exec chown mongodb {} +
    fi
    # Before the secret files are read: as upstream, the server's own user must be able to read them.
    exec gosu mongodb "$BASH_SOURCE" "$@"
fi

if [[ ${1:-} == mongod ]]; then
    from_file MONGO_INITDB_ROOT_USERNAME
    from_file MONGO_INITDB_ROOT_PASSWORD
    user=$MONGO_INITDB_ROOT_USERNAME password=$MONGO_INITDB_ROOT_PASSWORD
    unset "${!MONGO_INITDB_@}"

    if [[ -n $user && -z $password || -z $user && -n $password ]]; then
        fail "MONGO_INITDB_ROOT_USERNAME and MONGO_INITDB_ROOT_PASSWORD are needed both, or neither"
    fi
    if compgen -G '/docker-entrypoint-initdb.d/*' > /dev/null; then
        fail "this stand-in does not run /docker-entrypoint-initdb.d"
    fi

    if [[ -n $user ]]; then
        set -- "$@" --auth
        # An empty folder only: later the login lies in the data, and another password here changes nothing.
        if ! compgen -G '/data/db/*.sqlite' > /dev/null; then
            # Environment, not arguments: those show in `ps`.
            export FERRETDB_SETUP_DATABASE=admin FERRETDB_SETUP_USERNAME=$user FERRETDB_SETUP_PASSWORD=$password
        fi
    fi
    if [[ " $* " != *" --bind_ip"* ]]; then set -- "$@" --bind_ip_all; fi
fi

exec "$@"
