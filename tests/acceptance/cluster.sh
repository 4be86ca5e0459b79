#!/bin/sh
# What replicas of ClickHouse do among themselves, shown once on real servers: an operator runs it
# before a deployment takes events. It uses a database of its own and drops it at the end.
#
#   NODES="http://1a:8123 http://1b:8123" USER_PASSWORD="recount:secret" tests/acceptance/cluster.sh
#
# NODES: the replicas of one shard, two or more, whose servers have the macros {shard} and {replica}.
# STOP, START: commands that stop and start a node, given its URL: `ssh …`, `docker …`.
# STOP_KEEPER, START_KEEPER: the same for the majority of Keeper. Without them those steps are
# skipped, by name. --dry: says what would be done, and asks nobody.
set -eu

DRY=${1:-}
NODES=${NODES:-"http://1a:8123 http://1b:8123"}
USER_PASSWORD=${USER_PASSWORD:-default:}
DATABASE=${DATABASE:-recount_acceptance}
FIRST=${NODES%% *}
LAST=${NODES##* }
COUNT=$(echo "$NODES" | wc -w)
QUORUM=$COUNT
if [ "$COUNT" -gt 2 ]; then QUORUM=$((COUNT / 2 + 1)); fi
WRITING="insert_quorum=$QUORUM&insert_quorum_parallel=0&insert_quorum_timeout=20000"
FAILED=0

# ask NODE STATEMENT [SETTINGS]: the answer, or the error's text.
ask() {
    curl --silent --max-time 60 --user "$USER_PASSWORD" --data-binary "$2" "$1/?${3:-}" ||
        echo "Exception: no answer"
}

# step NAME EXPECTED NODE STATEMENT [SETTINGS]: pass when the answer has the expected text; "" is
# any answer but an error.
step() {
    if [ "$DRY" = --dry ]; then
        echo "would: $1: on $3: $4 -> $2"
        return
    fi
    answer=$(ask "$3" "$4" "${5:-}")
    case "${2:-no error}/$answer" in
        "no error/"*Exception*) echo "FAIL: $1: $answer"; FAILED=1 ;;
        "no error/"*) echo "pass: $1" ;;
        */*"$2"*) echo "pass: $1" ;;
        *) echo "FAIL: $1: wanted $2, got: $answer"; FAILED=1 ;;
    esac
}

# happen NAME COMMAND NODE: stops or starts something; 1 when there is no command for it.
happen() {
    if [ -z "$2" ]; then
        echo "skipped: $1: no command for it"
        return 1
    fi
    if [ "$DRY" = --dry ]; then
        echo "would: $1: $2 $3"
    else
        $2 "$3"
        sleep 5
    fi
}

TABLE="$DATABASE.t"
for node in $NODES; do
    step "the macros of $node" "replica" "$node" "SELECT groupArray(macro) FROM system.macros"
    step "the database on $node" "" "$node" "CREATE DATABASE IF NOT EXISTS $DATABASE"
    step "the table on $node" "" "$node" "CREATE TABLE IF NOT EXISTS $TABLE (n UInt64)
        ENGINE = ReplicatedMergeTree('/recount_acceptance/{shard}/t', '{replica}') ORDER BY n
        SETTINGS replicated_deduplication_window = 10000,
        replicated_deduplication_window_seconds = 2592000"
done

step "a block with a quorum" "" "$FIRST" "INSERT INTO $TABLE VALUES (1)" \
    "$WRITING&insert_deduplication_token=a"
step "is on the last replica" "1" "$LAST" "SELECT count() FROM $TABLE"
step "its token again, on another replica" "" "$LAST" "INSERT INTO $TABLE VALUES (1)" \
    "$WRITING&insert_deduplication_token=a"
step "stores nothing" "1" "$FIRST" "SELECT count() FROM $TABLE"
step "a column that is added on one" "" "$FIRST" \
    "ALTER TABLE $TABLE ADD COLUMN IF NOT EXISTS m UInt64" "alter_sync=2"
step "is on all" "m" "$LAST" "DESCRIBE TABLE $TABLE"

if happen "a replica is stopped" "${STOP:-}" "$LAST"; then
    if [ "$QUORUM" = "$COUNT" ]; then
        step "a write is refused with too few replicas" "285" "$FIRST" \
            "INSERT INTO $TABLE (n) VALUES (2)" "$WRITING&insert_deduplication_token=b"
    else
        step "a write goes on" "" "$FIRST" \
            "INSERT INTO $TABLE (n) VALUES (2)" "$WRITING&insert_deduplication_token=b"
    fi
    step "reads go on" "" "$FIRST" "SELECT count() FROM $TABLE"
    happen "it is started" "${START:-}" "$LAST"
    step "the same block again" "" "$FIRST" "INSERT INTO $TABLE (n) VALUES (2)" \
        "$WRITING&insert_deduplication_token=b"
    step "stands once, on the one that came back" "2" "$LAST" "SELECT count() FROM $TABLE" \
        "select_sequential_consistency=1"
fi

if happen "Keeper's majority is stopped" "${STOP_KEEPER:-}" ""; then
    step "a write is refused: read-only" "242" "$FIRST" "INSERT INTO $TABLE (n) VALUES (3)" "$WRITING"
    step "reads go on" "2" "$FIRST" "SELECT count() FROM $TABLE"
    happen "it is started" "${START_KEEPER:-}" ""
    step "a write goes on" "" "$FIRST" "INSERT INTO $TABLE (n) VALUES (3)" "$WRITING"
fi

for node in $NODES; do
    step "the database goes from $node" "" "$node" "DROP DATABASE IF EXISTS $DATABASE SYNC"
done
if [ "$DRY" = --dry ]; then
    echo "nobody was asked"
elif [ "$FAILED" = 0 ]; then
    echo "all passed"
fi
exit "$FAILED"
