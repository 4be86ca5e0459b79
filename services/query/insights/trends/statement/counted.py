"""The events that count for a series and a range, with the columns that are asked for.

All that is said of a trend is said over it: its numbers, the bounds of its bins, its people.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from services.common.clickhouse.relation import Relation
from services.common.clickhouse.statement import Bindings
from services.query.events.actors import AnyActor
from services.query.events.filters import both
from services.query.events.periods import Span
from services.query.events.source import Source
from services.query.insights.trends.inputs import actor_of
from services.query.insights.trends.plan import ActiveActors, FirstTime, Series, TrendsPlan
from services.query.insights.trends.statement import keys
from services.query.insights.trends.statement.keys import Rows
from services.query.insights.trends.windows import first_instant

Columns = Callable[[Source], Mapping[str, str]]
"""Of each event, by name, over the source's `e`."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One series over one range, which has periods.

    has_overrides: the project has merged persons. rows: of which rows, and how these are told.
    since: of one value over two ranges, where the second begins.
    """

    plan: TrendsPlan
    series: Series
    span: Span
    has_overrides: bool
    rows: Rows = Rows()
    since: datetime | None = None

    @property
    def actor(self) -> AnyActor:
        return actor_of(self.series)

    @property
    def keys(self) -> tuple[str, ...]:
        """Columns that tell rows apart; Other is one row."""
        return () if self.rows.without else keys.names(self.plan.breakdown)


def counted(asked: Asked, bindings: Bindings, columns: Columns) -> Relation:
    """A row for each event, of cohorts for each that it is in: `k0` … and the columns."""
    return keys.told(asked.plan.breakdown, read(asked, bindings, columns), asked.rows, bindings)


def read(asked: Asked, bindings: Bindings, columns: Columns) -> Relation:
    """A row for each event; `k0` … are what its values are told from."""
    plan = asked.plan
    if isinstance(asked.series.math, FirstTime):
        return _first_times(asked, asked.series.math, bindings, columns)
    source = _source(asked, bindings)
    matches = both(asked.series.entity.matches, plan.filters)
    tests = [source.condition(matches), *_actor_tests(asked, source)]
    return _events(source, {**keys.columns(plan.breakdown, source), **columns(source)}, tests)


def _source(asked: Asked, bindings: Bindings, *, ever: bool = False) -> Source:
    """ever: of all history."""
    plan, span, math = asked.plan, asked.span, asked.series.math
    since = span.date_from
    if isinstance(math, ActiveActors):
        since = first_instant(plan, span, math.days) or since
    return Source(
        plan.team_id,
        bindings,
        period=None if ever else (since, span.date_to),
        has_overrides=asked.has_overrides,
        timezone=span.timezone,
        cohorts=dict(plan.cohorts),
    )


def _actor_tests(asked: Asked, source: Source) -> list[str]:
    """Who counts for nobody is left out, and of a sample the others."""
    tests = []
    if (has_actor := source.has_actor(asked.actor)) != "1":
        tests.append(has_actor)
    if asked.plan.sample is not None:
        share = source.bindings.bind(int(asked.plan.sample * 2**64) - 1, "UInt64")
        tests.append(f"cityHash64({source.actor(asked.actor)}) <= {share}")
    return tests


def _events(source: Source, columns: Mapping[str, str], tests: list[str]) -> Relation:
    """What was asked of the source before may have needed joins."""
    events = source.rows()
    for test in (*source.scopes(), *tests):
        events = events.where(test)
    return events.only(**columns).named("counting")


def _first_times(asked: Asked, math: FirstTime, bindings: Bindings, columns: Columns) -> Relation:
    """Each actor's one event, if there is one in the range.

    Its first of the entity counts if at that instant one passes all filters: then the first of
    those that pass is at that instant.
    """
    plan, entity = asked.plan, asked.series.entity
    source = _source(asked, bindings, ever=True)
    passes = both(entity.matches, plan.filters)
    looked_at = passes if math.matching else entity.entity
    wanted = {**keys.columns(plan.breakdown, source), **columns(source)}
    every = {**wanted, "actor": source.actor(asked.actor), "at": "e.timestamp"}
    first, until = (source.instant(at) for at in (asked.span.date_from, asked.span.date_to))
    tests = [
        f"e.timestamp <= {until}",
        source.condition(looked_at),
        *_actor_tests(asked, source),
    ]
    having = [f"min(at) >= {first}"]
    if passes != looked_at:
        every["passes"] = source.condition(passes)
        having += ["max(passes)", "minIf(at, passes) = min(at)"]
    if wanted.keys() == {"i"}:
        # All of the actor's events are in the range then, and the first is in their first period.
        found = {"i": "min(i)"}
    else:
        every["id"] = "UUIDToNum(e.uuid)"
        of = "If" if "passes" in every else ""
        test = ", passes" if "passes" in every else ""
        found = {"found": f"argMin{of}(tuple({', '.join(wanted)}), (at, id){test})"}
    of_actors = _events(source, every, tests).group("actor", **found)
    firsts = of_actors.having(" AND ".join(having)).named("firsts")
    if "i" in found:
        return firsts.only("i")
    return firsts.only(**{name: f"found.{place}" for place, name in enumerate(wanted, start=1)})
