#!/bin/sh
# Debian's PostgreSQL behind the interface of the official image: `postgres` and its options as the command.
set -eu
[ "${1:-}" = postgres ] || exec "$@"
shift
as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
data=${PGDATA:-/var/lib/postgresql/data}
bin=$(echo /usr/lib/postgresql/*/bin)
install -d -o postgres -g postgres -m 700 "$data" /run/postgresql
if [ ! -s "$data/PG_VERSION" ]; then
    as_postgres "$bin/initdb" -D "$data" --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync
    echo 'host all all all trust' >>"$data/pg_hba.conf"
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups \
    "$bin/postgres" -D "$data" -c 'listen_addresses=*' "$@"
