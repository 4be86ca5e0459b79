"""A random world in the engine."""

from typing import Any

from contracts.product_events import property_texts
from services.common.clickhouse import ClickHouse
from services.query.events.oracle.world import Event, Record, World

Row = dict[str, Any]
_TABLES = ("events", "persons", "person_overrides", "groups", "cohort_people")


async def store(clickhouse: ClickHouse, team_id: int, world: World) -> None:
    """Insert it as one project, each table in one block, events in their order."""
    rows: dict[str, list[Row]] = {
        "events": [_event(event) for event in world.events],
        "persons": [
            {"person_id": id_, "is_identified": True, "deleted": False} | _record(of)
            for id_, of in world.persons.items()
        ],
        "person_overrides": [
            {"person_id": was, "target_id": now, "version": 1} for was, now in world.merged.items()
        ],
        "groups": [
            {"group_type_index": index, "group_key": key} | _record(of)
            for (index, key), of in world.groups.items()
        ],
        "cohort_people": [
            {"cohort_id": cohort, "person_id": id_, "version": 1, "member": True}
            for cohort, people in world.lists.items()
            for id_ in people
        ],
    }
    for table, of_table in rows.items():
        if of_table:
            columns = {name: [row[name] for row in of_table] for name in of_table[0]}
            columns["team_id"] = [team_id] * len(of_table)
            await clickhouse.insert(table, columns)


async def clear(clickhouse: ClickHouse) -> None:
    """Take every project's events and records away."""
    for table in _TABLES:
        await clickhouse.command(f"TRUNCATE TABLE {table}")


def _event(event: Event) -> Row:
    stored, sent = property_texts(dict(event.properties))
    groups = {f"group_{index}": key for index, key in enumerate(event.groups)}
    return {
        "event": event.event,
        "timestamp": event.at,
        "uuid": event.uuid,
        "distinct_id": event.distinct_id,
        "person_id": event.person_id,
        "session_id": event.session_id,
        "properties": stored,
        "sent": sent,
        "inserted_at": event.arrived,
    } | groups


def _record(record: Record) -> Row:
    stored, sent = property_texts(dict(record.properties))
    return {
        "properties": stored,
        "sent": sent,
        "created_at": record.created_at,
        "version": 1,
    }
