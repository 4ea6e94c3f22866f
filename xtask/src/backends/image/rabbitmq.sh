#!/bin/sh
# Debian's RabbitMQ behind the interface of the official image: `rabbitmq-server` as the command.
set -eu
[ "${1:-}" = rabbitmq-server ] || exec "$@"
export HOME=/var/lib/rabbitmq
exec setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups /usr/lib/rabbitmq/bin/rabbitmq-server
