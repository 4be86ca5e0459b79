"""The marks of what a batch brings: told by values, moved in the batch's own transaction."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from contracts.product_events import JsonObject
from contracts.times import DAY_US, moment
from services.common.insights.results.marks import (
    BUCKETS,
    MERGES,
    MOST_PER_PROJECT,
    PERSONS,
    PERSONS_MADE,
    of_event,
    of_group,
    of_groups,
    of_person,
)
from services.projector.product_events.event_rows import EventRow
from services.projector.product_events.groups import Group, GroupKey
from services.projector.product_events.person_tables import Conn
from services.projector.product_events.persons import Changes, KnownPersons

Marked = tuple[int, int]
"""team_id, mark."""

_MOVE = """
    WITH moved AS (
        INSERT INTO marks AS kept (team_id, mark, version, latest)
        SELECT team_id, mark, %(version)s, latest
        FROM unnest(%(teams)s::bigint[], %(marks)s::bigint[], %(latest)s::timestamptz[])
            AS asked (team_id, mark, latest)
        ON CONFLICT (team_id, mark) DO UPDATE
            SET version = excluded.version, latest = greatest(kept.latest, excluded.latest)
        RETURNING team_id, xmax = 0 AS is_new
    )
    SELECT DISTINCT team_id FROM moved WHERE is_new"""

_MOVE_DAYS = """
    INSERT INTO day_marks AS kept (team_id, day, version, latest)
    SELECT team_id, (latest AT TIME ZONE 'UTC')::date, %(version)s, latest
    FROM unnest(%(teams)s::bigint[], %(latest)s::timestamptz[]) AS asked (team_id, latest)
    ON CONFLICT (team_id, day) DO UPDATE
        SET version = excluded.version, latest = greatest(kept.latest, excluded.latest)"""

_CROWDED = """
    SELECT team_id, count(*) - %(left)s FROM marks
    WHERE team_id = ANY(%(teams)s) AND mark NOT BETWEEN 0 AND %(last_bucket)s
    GROUP BY team_id HAVING count(*) > %(most)s"""

# The marks that have not moved for longest; a bucket has the newest version of all in it.
_FOLD = """
    WITH folded AS (
        DELETE FROM marks WHERE team_id = %(team_id)s AND mark IN (
            SELECT mark FROM marks
            WHERE team_id = %(team_id)s AND mark NOT BETWEEN 0 AND %(last_bucket)s
            ORDER BY version, mark LIMIT %(count)s
        )
        RETURNING mark & %(last_bucket)s AS bucket, version, latest
    )
    INSERT INTO marks AS kept (team_id, mark, version, latest)
    SELECT %(team_id)s, bucket, max(version), max(latest) FROM folded GROUP BY bucket
    ON CONFLICT (team_id, mark) DO UPDATE SET version = greatest(kept.version, excluded.version),
        latest = greatest(kept.latest, excluded.latest)"""


def of_changes(known: KnownPersons, changes: Changes) -> set[Marked]:
    """Of what a batch changed about persons. known: about them, before it.

    A person whose first events are in this batch moves none: whatever counts them is told by the
    names of these events. So the new visitors of one page disturb no result about another.
    """
    people = {(team_id, person) for (team_id, _), person in known.ids.items()}
    marks = {(team_id, mark) for team_id, _ in changes.merged for mark in (MERGES, PERSONS)}
    for (team_id, _), person in changes.ids.items():
        if (team_id, person) in people:
            marks |= {(team_id, PERSONS), (team_id, of_person("distinct_id"))}
    for key, record in changes.persons.items():
        if key not in people:
            continue
        team_id, before = key[0], known.persons.get(key)
        marks.add((team_id, PERSONS))
        if before is None:
            marks.add((team_id, PERSONS_MADE))
        known_properties = before.properties if before else {}
        marks |= {
            (team_id, of_person(name)) for name in changed(known_properties, record.properties)
        }
    return marks


def of_groups_changed(
    known: Mapping[GroupKey, Group], now: Mapping[GroupKey, Group]
) -> set[Marked]:
    """Of groups that a batch described."""
    marks = set()
    for key, group in now.items():
        team_id, index, _ = key
        marks.add((team_id, of_groups(index)))
        known_properties = known[key].properties if key in known else {}
        marks |= {
            (team_id, of_group(index, name)) for name in changed(known_properties, group.properties)
        }
    return marks


def changed(before: JsonObject, after: JsonObject) -> set[str]:
    """Keys whose values are written differently; 1, 1.0 and true are."""
    return {name for name in before.keys() | after.keys() if not _same(name, before, after)}


def _same(name: str, before: JsonObject, after: JsonObject) -> bool:
    if name not in before or name not in after:
        return False
    old, new = before[name], after[name]
    return old is new or msgspec.json.encode(old) == msgspec.json.encode(new)


async def move(
    conn: Conn, stored: Iterable[EventRow], of_records: Iterable[Marked], version: int
) -> None:
    """Within the caller's transaction, which makes the events visible.

    of_records: of persons and groups. version: later than all that anybody could see before it.
    """
    names: dict[Marked, int] = {}
    days: dict[tuple[int, int], int] = {}
    for row in stored:
        at = row.event.timestamp
        for known, key in (
            (names, (row.team_id, of_event(row.event.event))), (days, (row.team_id, at // DAY_US)),
        ):  # fmt: skip
            known[key] = max(at, known.get(key, at))
    latest = {key: moment(at) for key, at in names.items()}
    marks = sorted({*latest, *of_records})
    cursor = await conn.execute(
        _MOVE,
        {
            "version": version,
            "teams": [team_id for team_id, _ in marks],
            "marks": [mark for _, mark in marks],
            "latest": [latest.get(mark) for mark in marks],
        },
    )
    grown = [team_id for (team_id,) in await cursor.fetchall()]
    if grown:
        await _fold(conn, grown)
    await conn.execute(
        _MOVE_DAYS,
        {
            "version": version,
            "teams": [team_id for team_id, _ in days],
            "latest": [moment(at) for at in days.values()],
        },
    )


async def _fold(conn: Conn, teams: Sequence[int]) -> None:
    """Half of what a project with too many marks has."""
    values = {
        "teams": list(teams),
        "most": MOST_PER_PROJECT,
        "left": MOST_PER_PROJECT // 2,
        "last_bucket": BUCKETS - 1,
    }
    cursor = await conn.execute(_CROWDED, values)
    for team_id, count in await cursor.fetchall():
        await conn.execute(_FOLD, values | {"team_id": team_id, "count": count})
