"""What late events did to points: those that differ from the result that was kept before."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET, Raw

from contracts.api.times import written
from contracts.api.trends import (
    BreakdownValue,
    LateChange,
    LifecycleRow,
    Number,
    SideLabel,
    StickinessRow,
    TrendRow,
)
from services.common.accounts.accounts import Project
from services.common.insights.results.kept import Result
from services.common.postgres.database import Pool
from services.query.events.periods import Span, incomplete
from services.query.results import cache
from services.query.results.computation import Computation

Row = TrendRow | StickinessRow | LifecycleRow


class _KeptRow(msgspec.Struct, frozen=True, kw_only=True):
    """As much of a row, of any kind, as tells which number each point had."""

    order: int = 0
    breakdown_value: BreakdownValue | msgspec.UnsetType = UNSET
    compare_label: SideLabel | msgspec.UnsetType = UNSET
    status: str | msgspec.UnsetType = UNSET
    data: list[Number] | None = None
    days: list[str | int] = []


class Before(msgspec.Struct, frozen=True):
    """The result that is kept for the computation while another one is computed."""

    pool: Pool
    team_id: int
    settings: bytes
    key: bytes

    async def result(self) -> tuple[Result, datetime] | None:
        """With the time at which its computation started."""
        return await cache.kept_since(self.pool, self.team_id, self.key, self.settings)


def before(pool: Pool, project: Project, computation: Computation[Any]) -> Before:
    return Before(pool, project.id, project.settings, computation.key)


class Comparable(msgspec.Struct, frozen=True):
    """Which points of a kept result can be compared.

    spans: of each side. is_fixed: whether every point hangs on the whole range, so that only
    results of the same range are alike. unlike: a value whose rows are only alike then.
    """

    spans: Mapping[SideLabel, Span]
    is_fixed: bool = False
    unlike: str | None = None


async def late_changes(
    kept: Before, rows: Iterable[Row], comparable: Comparable
) -> Mapping[str, Raw]:
    """The member of the answer: points whose period was over when the kept result was computed,
    and that have another number now.
    """
    found = await kept.result()
    changes: list[LateChange] = []
    if found is not None:
        # There may be a thousand rows of ten thousand points.
        changes = await asyncio.to_thread(_changes, *found, rows, comparable, datetime.now(UTC))
    return {"late_changes": Raw(msgspec.json.encode(changes))}


def _changes(
    result: Result, since: datetime, rows: Iterable[Row], comparable: Comparable, now: datetime
) -> list[LateChange]:
    return list(_found(result, since, rows, comparable, now))


def _found(
    result: Result, since: datetime, rows: Iterable[Row], comparable: Comparable, now: datetime
) -> Iterator[LateChange]:
    running_of = {side: _running(comparable, side, since) for side in comparable.spans}
    span = comparable.spans["current"]
    same_range = _is_same(result.resolved_date_range, span)
    if comparable.is_fixed and not same_range:
        return
    was = {
        _name(row): _points(row) for row in msgspec.json.decode(result.results, type=list[_KeptRow])
    }
    for row in rows:
        kept_row = _as_kept(row)
        unlike = not same_range and comparable.unlike in _texts(kept_row.breakdown_value)
        before_ = was.get(_name(kept_row))
        if before_ is None or unlike:
            continue
        side = kept_row.compare_label or "current"
        running = running_of[side]
        for place, (day, new) in enumerate(_points(kept_row).items()):
            old = before_.get(day)
            if old is None or old == new or place in running:
                continue
            yield LateChange(
                order=kept_row.order,
                breakdown_value=kept_row.breakdown_value,
                compare_label=kept_row.compare_label,
                status=kept_row.status,
                day=day[0],
                old=old,
                new=new,
                from_=written(since),
                to=written(now),
            )


def _running(comparable: Comparable, side: SideLabel, since: datetime) -> frozenset[int]:
    """Places of points that were no whole number then. Where each hangs on the whole range, all
    of them or none.
    """
    span = comparable.spans[side]
    found = incomplete(span, since)
    return frozenset(range(span.points) if comparable.is_fixed and found else found)


def _is_same(told: Raw, span: Span) -> bool:
    wanted = {"date_from": written(span.date_from), "date_to": written(span.date_to)}
    return bool(msgspec.json.decode(told) == msgspec.json.decode(msgspec.json.encode(wanted)))


def _as_kept(row: Row) -> _KeptRow:
    return _KeptRow(
        order=row.action.order if isinstance(row, LifecycleRow) else row.order,
        breakdown_value=row.breakdown_value if isinstance(row, TrendRow) else UNSET,
        compare_label=UNSET if isinstance(row, LifecycleRow) else row.compare_label,
        status=row.status if isinstance(row, LifecycleRow) else UNSET,
        data=list(row.data) if row.data is not None else None,
        days=[*row.days],
    )


def _name(row: _KeptRow) -> tuple[object, ...]:
    return row.order, _texts(row.breakdown_value), row.compare_label, row.status


def _texts(value: BreakdownValue | msgspec.UnsetType) -> tuple[str, ...]:
    if value is UNSET:
        return ()
    return tuple(value) if isinstance(value, list) else (str(value),)


def _points(row: _KeptRow) -> Mapping[tuple[str | int, int], Number]:
    """By day, and how often it came before: an hour is there twice when clocks are put back."""
    seen: dict[str | int, int] = defaultdict(int)
    found: dict[tuple[str | int, int], Number] = {}
    for day, number in zip(row.days, row.data or (), strict=False):
        found[day, seen[day]] = number
        seen[day] += 1
    return found
