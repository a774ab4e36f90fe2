#!/bin/bash
# The contract of the official image's entrypoint, for Debian's redis-server.
set -euo pipefail

# Only options, or a configuration file: they are meant for the server.
if [[ $# -gt 0 && ( $1 == -* || $1 == *.conf ) ]]; then
    set -- redis-server "$@"
fi

# Only a command that is the server itself drops root. A wrapping `sh -c` goes on as root, as in the official image.
is_server() { [[ "$(readlink -f "$(command -v "$1")")" == "$(readlink -f /usr/local/bin/redis-server)" ]]; }

may_drop_root() {
    local bounding
    bounding=$(setpriv --dump | grep 'Capability bounding set')
    [[ $(id -u) == 0 && $bounding == *setuid* && $bounding == *setgid* ]]
}

# As upstream: ownership is put right only where nothing but the server's own files lies.
own_data() {
    local stranger
    stranger=$(find . -mindepth 1 -maxdepth 1 -not \( -name '*.rdb' -or \( -type d -and -name appendonlydir \) \) -print -quit)
    if [[ -n $stranger ]]; then
        echo "Notice: '$stranger' is no file of the server; the owners in $PWD stay as they are." >&2
    else
        find . \! -user redis -exec chown redis {} + || echo "Warning: cannot give $PWD to redis." >&2
    fi
}

if [[ $# -gt 0 ]] && is_server "$1"; then
    if may_drop_root; then
        own_data
        exec setpriv --reuid redis --regid redis --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all "$0" "$@"
    fi
    if [[ $(umask) == 0022 ]]; then umask 0077; fi
    # Upstream compiles protected mode out; Debian does not, and would refuse every other container.
    set -- "$@" --protected-mode no
fi

exec "$@"
