#!/bin/sh
# The image's own start, with the secrets that the XML files take from the environment alone.
set -eu
CLICKHOUSE_RECOUNT_PASSWORD="$(cat /run/secrets/clickhouse_recount)"
export CLICKHOUSE_RECOUNT_PASSWORD
if [ -e /run/secrets/clickhouse_interserver ]; then
  CLICKHOUSE_INTERSERVER_PASSWORD="$(cat /run/secrets/clickhouse_interserver)"
  export CLICKHOUSE_INTERSERVER_PASSWORD
fi
exec /entrypoint.sh
