#!/bin/sh
# nats-server with its secrets, which its configuration takes from the environment alone.
# start.sh CONFIGURATION [OPTION …]   NATS_NODES: addresses of the cluster's routes
set -eu
secrets="${SECRETS:-/run/secrets}"
# In quotation marks: a secret that begins with a digit is a string, too.
secret() { printf '"%s"' "$(cat "$secrets/$1")"; }

NATS_TOKEN="$(secret nats_recount)"
NATS_ISSUER="$(secret nats_issuer_public)"
system="$(cat "$secrets/nats_system")"
NATS_SYSTEM_PASSWORD="\"${system#sys:}\""
export NATS_TOKEN NATS_ISSUER NATS_SYSTEM_PASSWORD

if [ -n "${NATS_NODES:-}" ]; then
  NATS_ROUTE="$(secret nats_route)"
  NATS_ROUTES="["
  for node in $NATS_NODES; do
    NATS_ROUTES="$NATS_ROUTES \"nats://route:$(cat "$secrets/nats_route")@$node\","
  done
  NATS_ROUTES="$NATS_ROUTES ]"
  export NATS_ROUTE NATS_ROUTES
fi

# Streams from before there were accounts are moved into theirs, by one rename.
data="${NATS_DATA:-/data}"
if [ -d "$data/jetstream/\$G" ] && [ ! -e "$data/jetstream/RECOUNT" ]; then
  mv "$data/jetstream/\$G" "$data/jetstream/RECOUNT"
fi

exec nats-server --config "$@"
