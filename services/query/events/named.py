"""The actions and cohorts that a query names, and those that these name, in one round trip."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, LiteralString

import msgspec

from contracts.queries.actions import Action, ActionStep
from contracts.queries.cohorts import cohort_number, definition
from contracts.queries.errors import invalid_input
from contracts.queries.properties import PropertyGroup
from contracts.read_models.action import ActionRow
from contracts.read_models.cohort import CohortRow
from services.common.postgres.database import Pool

_COHORT_TYPES = ("cohort", "static-cohort", "precalculated-cohort")
# The seconds to wait for what was just written, as reads do.
PATIENCE_SECONDS = 0.5
NAP_SECONDS = 0.02
_LARGEST = 2**63 - 1

_STATEMENT: LiteralString = """
    WITH RECURSIVE acts AS (
        SELECT row, cohorts FROM actions
        WHERE team_id = %(team_id)s AND action_id = ANY(%(actions)s) AND NOT deleted
    ),
    reached (cohort_id) AS (
        SELECT * FROM (
            SELECT unnest(%(cohorts)s::bigint[]) UNION SELECT unnest(acts.cohorts) FROM acts
        ) AS named
        UNION
        SELECT unnest(c.cohorts) FROM reached r
        JOIN cohorts c ON c.team_id = %(team_id)s AND c.cohort_id = r.cohort_id AND NOT c.deleted
    )
    SELECT true, row::text FROM acts
    UNION ALL
    SELECT false, c.row::text FROM reached r
    JOIN cohorts c ON c.team_id = %(team_id)s AND c.cohort_id = r.cohort_id AND NOT c.deleted
    UNION ALL
    SELECT NULL, NULL WHERE EXISTS (
        SELECT FROM log WHERE team_id = %(team_id)s
        AND notification_id > (SELECT position FROM checkpoints WHERE projection = 'catalog')
        AND (topic LIKE 'action.%%' OR topic LIKE 'cohort.%%')
    )"""

_UNREADABLE = "An action or a cohort that the query names is stored in a form that is not served."

_action = msgspec.json.Decoder(ActionRow)
_cohort = msgspec.json.Decoder(CohortRow)
_steps = msgspec.json.Decoder(tuple[ActionStep, ...])


class Catalog(msgspec.Struct, frozen=True):
    """cohorts: names, of static and dynamic ones. definitions: of the dynamic ones.

    versions: of the static ones; their people are in a table.
    """

    actions: Mapping[int, Action] = {}
    cohorts: Mapping[int, str] = {}
    definitions: Mapping[int, PropertyGroup] = {}
    versions: Mapping[int, int] = {}


EMPTY = Catalog()


async def catalog(pool: Pool, team_id: int, *queries: object) -> Catalog:
    """The actions and cohorts that these name: nodes, or property filters as sent. Asks nothing
    when nothing is named.

    A thing that does not exist, or is deleted, is not in it. Raises InvalidQuery for a stored
    definition that is no longer served.
    """
    named = [each for query in queries for each in named_in(msgspec.to_builtins(query))]
    actions = sorted({number for is_action, number in named if is_action})
    cohorts = sorted({number for is_action, number in named if not is_action})
    if not named:
        return EMPTY
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        rows = await _rows(pool, {"team_id": team_id, "actions": actions, "cohorts": cohorts})
        behind = any(is_action is None for is_action, _ in rows)
        if not behind or time.monotonic() > deadline:
            try:
                return _catalog(rows)
            except msgspec.ValidationError as cause:
                # Read as far as it goes, as lists do, it would mean something else.
                raise invalid_input(None, _UNREADABLE) from cause
        await asyncio.sleep(NAP_SECONDS)


async def _rows(pool: Pool, values: dict[str, object]) -> Sequence[tuple[bool | None, str]]:
    async with pool.connection() as conn:
        cursor = await conn.execute(_STATEMENT, values)
        return await cursor.fetchall()


def _catalog(rows: Sequence[tuple[bool | None, str]]) -> Catalog:
    actions = [_action.decode(row) for is_action, row in rows if is_action is True]
    cohorts = [_cohort.decode(row) for is_action, row in rows if is_action is False]
    return Catalog(
        actions={
            row.action_id: Action(row.action_id, row.name or "", _steps.decode(row.steps))
            for row in actions
        },
        cohorts={row.cohort_id: row.name or "" for row in cohorts},
        definitions={
            row.cohort_id: definition(row.filters) for row in cohorts if not row.is_static
        },
        versions={row.cohort_id: row.version for row in cohorts if row.is_static},
    )


def named_in(value: Any) -> Iterator[tuple[bool, int]]:
    """(whether it is an action, its number) of everything that could name one, however deep."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Mapping):
            yield from _named_here(part)
            waiting.extend(part.values())
        elif isinstance(part, list | tuple):
            waiting.extend(part)


def _named_here(part: Mapping[str, Any]) -> Iterator[tuple[bool, int]]:
    if part.get("kind") == "ActionsNode":
        yield from ((True, number) for number in _numbers(part.get("id")))
    if part.get("type") in _COHORT_TYPES:
        sent = part.get("value")
        values = part.get("values") if sent is None else sent
        yield from ((False, number) for number in _numbers(values))
    if part.get("breakdown_type") == "cohort":
        yield from ((False, number) for number in _numbers(part.get("breakdown")))


def _numbers(sent: object) -> Iterator[int]:
    for each in sent if isinstance(sent, list | tuple) else (sent,):
        number = cohort_number(each)
        if number is not None and 0 < number <= _LARGEST:
            yield number
