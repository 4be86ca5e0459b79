"""A world in the engine, and what the SQL says of it, actor by actor."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from services.common.clickhouse import ClickHouse
from services.query.insights.funnels.oracle.seen import microseconds
from services.query.insights.funnels.plan import FunnelPlan
from services.query.insights.funnels.statement.funnel import compile_paths
from tests.funnels.stories import Event
from tests.funnels.worlds import Happened, happened_at


class Path(msgspec.Struct, frozen=True, order=True):
    """An actor's reported attempt in one row: its value, and per step up to its depth the time
    (µs since 1970) or None where an optional step was passed over."""

    actor: str
    value: tuple[str, ...]
    times: tuple[int | None, ...]


async def store(
    clickhouse: ClickHouse,
    team_id: int,
    histories: Iterable[tuple[UUID, Happened]],
    groups: Sequence[str] | None = None,
) -> None:
    """Insert every event, in one block, in the order given.

    groups: of each event its group of type 2.
    """
    rows = [(actor, event) for actor, events in histories for event in events]
    columns: dict[str, list[Any]] = defaultdict(list)
    for actor, event in rows:
        properties = _properties(event)
        columns["team_id"].append(team_id)
        columns["event"].append(event.name)
        columns["timestamp"].append(happened_at(event))
        columns["uuid"].append(event.uuid)
        columns["distinct_id"].append("")
        columns["person_id"].append(actor)
        columns["properties"].append(properties)
        columns["sent"].append(properties)
        columns["inserted_at"].append(happened_at(event))
    if groups is not None:
        columns["group_2"] = list(groups)
    if rows:
        await clickhouse.insert("events", columns)


def _properties(event: Event) -> str:
    """A missing property and "" are one value; both occur."""
    named = zip(("plan", "tier"), event.value, strict=False)
    return json.dumps({key: value for key, value in named if value or event.uuid.int % 2})


async def paths(clickhouse: ClickHouse, plan: FunnelPlan) -> list[Path]:
    """Reported attempts by the SQL, sorted."""
    rows = await clickhouse.query(compile_paths(plan, has_overrides=False))
    return sorted(_path(plan, *row) for row in rows)


def _path(plan: FunnelPlan, actor: UUID, *rest: Any) -> Path:
    *value, times = rest
    base = microseconds(plan.date_from) - 1
    texts = [value[0]] if value and isinstance(value[0], str) else value[0] if value else []
    return Path(str(actor), tuple(texts), tuple(base + t if t else None for t in times))
