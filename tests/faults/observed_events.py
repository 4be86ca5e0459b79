"""What became of captured events: rows in ClickHouse, persons in both databases, jobs."""

import httpx
import msgspec
import psycopg

from tests.faults.cluster import Cluster


class ObservedEvents(msgspec.Struct, frozen=True, kw_only=True):
    """Of one run.

    rows: how often each uuid is stored. persons: the distinct ids of each, by PostgreSQL; shown: by
    what ClickHouse shows to queries. computed_twice: queries that two jobs computed at once.
    """

    rows: dict[str, int]
    persons: set[frozenset[str]]
    shown: set[frozenset[str]]
    computed_twice: list[str]


_ROWS = """
    SELECT toString(uuid), count() FROM events
    WHERE startsWith(distinct_id, {prefix:String}) GROUP BY uuid"""

_SHOWN = """
    SELECT arrayStringConcat(groupUniqArray(e.distinct_id), '|') FROM (
        SELECT e.distinct_id AS distinct_id,
            if(o.target_id = toUUID('00000000-0000-0000-0000-000000000000'),
               e.person_id, o.target_id) AS person
        FROM events e
        LEFT JOIN (SELECT * FROM person_overrides FINAL) o
            ON o.team_id = e.team_id AND o.person_id = e.person_id
        WHERE startsWith(e.distinct_id, {prefix:String})
    ) AS e GROUP BY e.person"""

_PERSONS = b"""
    SELECT array_agg(distinct_id) FROM person_distinct_ids
    WHERE starts_with(distinct_id, %s) GROUP BY team_id, person_id"""

# Of two that overlap, the first has ended by now, or was given up: its lease was over.
_TWICE = b"""
    SELECT DISTINCT encode(one.key, 'hex') FROM jobs AS one
    JOIN jobs AS other USING (team_id, key, settings)
    WHERE one.number < other.number AND one.start_time <= other.start_time
        AND (one.end_time IS NULL OR other.start_time < one.end_time)"""


async def observed_events(cluster: Cluster, since: int) -> ObservedEvents | None:
    """Once all of them were stored. since: the number that names of this run begin with."""
    if cluster.events is None:
        return None
    prefix = f"{since} "
    async with httpx.AsyncClient(base_url=cluster.events.url, timeout=120) as clickhouse:
        rows = await _asked(clickhouse, _ROWS, prefix)
        shown = await _asked(clickhouse, _SHOWN, prefix)
    async with await psycopg.AsyncConnection.connect(cluster.database.url) as conn:
        persons = await (await conn.execute(_PERSONS, (prefix,))).fetchall()
        twice = await (await conn.execute(_TWICE)).fetchall()
    return ObservedEvents(
        rows={uuid: int(times) for uuid, times in rows},
        persons={frozenset(ids) for (ids,) in persons},
        shown={frozenset(ids.split("|")) for (ids,) in shown},
        computed_twice=[key for (key,) in twice],
    )


async def _asked(clickhouse: httpx.AsyncClient, statement: str, prefix: str) -> list[list[str]]:
    asked = {"database": "recount", "param_prefix": prefix}
    answer = await clickhouse.post("/", params=asked, content=f"{statement} FORMAT TabSeparated")
    answer.raise_for_status()
    return [line.split("\t") for line in answer.text.splitlines()]
