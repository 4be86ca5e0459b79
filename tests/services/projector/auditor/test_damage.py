"""A row that was altered, deleted or invented is found and righted within one round, and told."""

import contextlib
import json
from typing import Any, Literal

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from contracts.events.audit import RowHealed
from contracts.events.streams import audit_stream
from services.command.telling import Telling
from services.projector.app import projections
from services.projector.auditor.auditor import Auditor
from services.projector.read_models.insights import insight_projection
from services.projector.rebuild import rebuild
from tests.examples import TEAM
from tests.services.projector.auditor.damaging import (
    FACTS,
    TABLES,
    altered,
    columns,
    deleted,
    invented,
)
from tests.services.projector.projecting import Killed, Projecting, killed_at

NAMES = [table.name for table in TABLES]


def auditor(projector: Projecting, **options: Any) -> Auditor:
    return Auditor(projector.url, projections(), per_second=0, **options)


async def some_of_everything(projector: Projecting) -> dict[str, Any]:
    for stream, event in FACTS:
        await projector.append(event, of=stream)
    await projector.catch_up()
    return await rows_of(projector)


async def rows_of(projector: Projecting) -> dict[str, Any]:
    everything = await projector.everything()
    return {name: rows for name, rows in everything.items() if name != "checkpoints"}


async def told(projector: Projecting) -> list[list[Any]]:
    """The keys of all rows that the log shall tell were righted."""
    rows = await projector.rows("SELECT fact, kind, number FROM to_tell")
    assert {(row["kind"], row["number"]) for row in rows} <= {("audit", 0)}
    assert {row["fact"]["type"] for row in rows} <= {"audit.row_healed.v1"}
    return sorted(json.loads(row["fact"]["key"]) for row in rows)


async def counts(projector: Projecting) -> tuple[int, int]:
    (row,) = await projector.rows(
        "SELECT coalesce(sum(found), 0)::int AS found, coalesce(sum(healed), 0)::int AS healed"
        " FROM audit_projects"
    )
    assert await projector.rows("SELECT * FROM audit_findings") == []
    return row["found"], row["healed"]


async def test_rows_as_the_log_tells_them_are_left_alone(projector: Projecting) -> None:
    before = await some_of_everything(projector)
    assert [name for name in NAMES if not before[name]] == []
    for _ in range(2):
        await auditor(projector).round()
    assert await rows_of(projector) == before
    assert await told(projector) == []
    assert await counts(projector) == (0, 0)
    (project,) = await projector.rows("SELECT * FROM audit_projects")
    head = await projector.store.head()
    assert project["proved_through"] == head
    assert project["entries"] == project["operations"] == len(before["activity"])
    assert project["missing"] == 0


async def test_a_row_that_is_gone_is_back(projector: Projecting) -> None:
    before = await some_of_everything(projector)
    for table in TABLES:
        await projector.execute(deleted(table))
    assert [name for name, rows in (await rows_of(projector)).items() if rows == before[name]] == [
        "parked_streams"
    ]
    await auditor(projector).round()
    assert await rows_of(projector) == before
    assert [key[0] for key in await told(projector)] == sorted(NAMES)
    assert await counts(projector) == (len(TABLES), len(TABLES))
    await auditor(projector).round()
    assert len(await told(projector)) == len(TABLES)


@pytest.mark.parametrize("which", ["first", "last", "key"])
async def test_whatever_was_altered_in_a_row_is_as_it_was(
    projector: Projecting, which: Literal["first", "last", "key"]
) -> None:
    before = await some_of_everything(projector)
    damaged = set()
    for table in TABLES:
        known = await columns(projector, table)
        keys = [column for column in known if column.name in table.key]
        others = [column for column in known if column.name not in table.key]
        column = keys[-1] if which == "key" or not others else others[0 if which == "first" else -1]
        with contextlib.suppress(psycopg.DataError):
            await projector.execute(altered(table, column))
        if (await rows_of(projector))[table.name] != before[table.name]:
            damaged.add(table.name)
    # A version can't begin after its end.
    assert set(NAMES) - damaged <= {"insight_versions", "versions"}
    await auditor(projector).round()
    assert await rows_of(projector) == before
    keys_told = await told(projector)
    assert {key[0] for key in keys_told} == damaged
    assert len({tuple(key) for key in keys_told}) == len(keys_told)


@pytest.mark.parametrize("where", ["a stream", "no project", "no stream"])
async def test_a_row_that_no_fact_explains_is_gone(projector: Projecting, where: str) -> None:
    before = await some_of_everything(projector)
    damaged = set()
    for table in TABLES:
        known = await columns(projector, table)
        keys = [column for column in known if column.name in table.key]
        streams = [column for column in known if column.name in ("stream_id", "short_id")]
        changed = keys[-1:] if where == "a stream" else keys
        # A second row of one stream, or of one short id, the table may refuse.
        with contextlib.suppress(psycopg.IntegrityError, psycopg.DataError):
            await projector.execute(
                invented(table, [*changed, *streams] if where == "no stream" else changed)
            )
            damaged.add(table.name)
    assert len(damaged) >= 8
    assert {name for name, rows in (await rows_of(projector)).items() if rows != before[name]} == (
        damaged
    )
    await auditor(projector).round()
    assert await rows_of(projector) == before
    found, healed = await counts(projector)
    assert found == healed == len(damaged)


async def test_rows_that_hold_what_is_each_others_alone_are_righted_together(
    projector: Projecting,
) -> None:
    before = await some_of_everything(projector)
    await projector.execute(
        "UPDATE insights SET short_id = 'x0000000' WHERE insight_id = 7;"
        " UPDATE insights SET short_id = 'aB3dE6gH' WHERE insight_id = 8"
    )
    await auditor(projector).round()
    assert await rows_of(projector) == before
    assert await told(projector) == [["insights", 1, 7], ["insights", 1, 8]]


async def test_tables_that_are_empty_are_full_again(projector: Projecting) -> None:
    before = await some_of_everything(projector)
    for table in TABLES:
        await projector.execute(SQL("TRUNCATE {}").format(Identifier(table.name)))
    await auditor(projector).round()
    assert await rows_of(projector) == before
    rows = sum(len(before[name]) for name in NAMES)
    assert await counts(projector) == (rows, rows)


@pytest.mark.parametrize("point", ["found", "held", "righted", "healed"])
async def test_whoever_dies_while_a_row_is_righted_it_is_told_once(
    projector: Projecting, point: str
) -> None:
    before = await some_of_everything(projector)
    await projector.execute("UPDATE insights SET name_key = 'wrong'")
    with pytest.raises(Killed):
        await auditor(projector, crash_at=killed_at(point)).round()
    await auditor(projector).round()
    assert await rows_of(projector) == before
    assert await told(projector) == [["insights", 1, 7], ["insights", 1, 8]]
    assert await counts(projector) == (2, 2)
    for end in ("found", "appended", "deleted"):
        with pytest.raises(Killed):
            await Telling(projector.store, projector.pool, killed_at(end)).tell_all()
    await Telling(projector.store, projector.pool).tell_all()
    facts = [fact.event for fact in await projector.store.load(audit_stream(TEAM))]
    keys = sorted(fact.key for fact in facts if isinstance(fact, RowHealed))
    assert keys == ['["insights", 1, 7]', '["insights", 1, 8]']
    # What it tells has entries and rows of its own, as everything has.
    await projector.catch_up()
    await auditor(projector).round()
    assert await counts(projector) == (2, 2)


async def test_what_others_have_righted_meanwhile_is_told_too(projector: Projecting) -> None:
    before = await some_of_everything(projector)
    await projector.execute("UPDATE insights SET name_key = 'wrong' WHERE insight_id = 7")
    with pytest.raises(Killed):
        await auditor(projector, crash_at=killed_at("found")).round()
    await rebuild(projector.url, projector.store, insight_projection())
    for _ in range(2):
        await auditor(projector).round()
    assert await rows_of(projector) == before
    assert await told(projector) == [["insights", 1, 7]]
    assert await counts(projector) == (1, 1)
