#!/bin/sh
# The contract of the official image's entrypoint: the owner of /data, then user seaweed, then the defaults of a command.
set -eu

passed() {  # OPTION ARGUMENT…: is it among them, as `OPTION value` or `OPTION=value`?
    option=$1
    shift
    for argument in "$@"; do
        case $argument in "$option" | "$option"=*) return 0 ;; esac
    done
    return 1
}

if [ "$(id -u)" = 0 ]; then
    # Only the top: what a single file inside belongs to is not looked at.
    if [ "$(stat -c %u:%g /data)" != "$(id -u seaweed):$(id -g seaweed)" ]; then
        echo "/data belongs to somebody else: giving it to seaweed"
        chown -R seaweed:seaweed /data || echo "Warning: cannot give /data to seaweed."
    fi
    exec su-exec seaweed "$0" "$@"
fi

command=${1:-}
case $command in
    master) defaults="-mdir=/data -volumePreallocate -volumeSizeLimitMB=1024" ;;
    volume)
        defaults="-dir=/data"
        passed -max "$@" || defaults="$defaults -max=0"
        ;;
    server)
        defaults="-dir=/data -master.volumePreallocate -master.volumeSizeLimitMB=1024"
        passed -volume.max "$@" || defaults="$defaults -volume.max=0"
        ;;
    filer) defaults="" ;;
    s3) defaults="-domainName=${S3_DOMAIN_NAME:-} -key.file=${S3_KEY_FILE:-} -cert.file=${S3_CERT_FILE:-}" ;;
    *)
        # Split once more, as the official one does.
        # shellcheck disable=SC2068
        exec /usr/bin/weed $@
        ;;
esac

shift
# shellcheck disable=SC2068,SC2086
exec /usr/bin/weed -logtostderr=true "$command" $defaults $@
