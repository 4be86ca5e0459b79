"""Warnings that a look at the events tells: properties without numbers under a statistic."""

from collections.abc import Mapping

import msgspec

from services.common.clickhouse import ClickHouse
from services.common.clickhouse.relation import statement
from services.common.clickhouse.statement import Bindings
from services.query.events.facts import PlanningFacts
from services.query.events.operands import Operand
from services.query.insights.computed import Tools
from services.query.insights.trends.plan import EventNumber, OfProperty, Series, Spread, TrendsPlan
from services.query.insights.trends.statement.counted import Asked, counted


class NumberCheck(msgspec.Struct, frozen=True):
    """Looks at the events of each series that a statistic of a property counts."""

    tools: Tools
    plan: TrendsPlan
    facts: PlanningFacts

    async def run(self) -> tuple[str, ...]:
        """A sentence for a property that no event has, or whose values are no numbers.

        Raises EngineError's kinds.
        """
        has_overrides = await self.tools.lookups.ready(self.facts)
        clickhouse = await self.tools.shards.of(self.plan.team_id)
        found = [
            await _of(clickhouse, self.plan, series, has_overrides) for series in self.plan.series
        ]
        return tuple(sentence for sentence in found if sentence is not None)


async def _of(
    clickhouse: ClickHouse, plan: TrendsPlan, series: Series, has_overrides: bool
) -> str | None:
    math = series.math
    if not isinstance(math, OfProperty | Spread) or not isinstance(math.number, EventNumber):
        return None
    if not plan.span.periods:
        return None
    key = math.number.key
    unbroken = msgspec.structs.replace(plan, breakdown=None)
    asked = Asked(plan=unbroken, series=series, span=plan.span, has_overrides=has_overrides)
    bindings = Bindings()
    events = counted(asked, bindings, lambda source: _read(source.operand("event", key)))
    looked_at = events.group(
        all="count()", present="countIf(has)", others="countIf(has AND NOT reads)"
    )
    ((all_, present, others),) = await clickhouse.query(statement(looked_at, bindings))
    name = f"series[{series.place}]: "
    if all_ and not present:
        return f"{name}no event of the range has the property '{key[:100]}'."
    if others:
        return f"{name}{others} values of '{key[:100]}' are no numbers and are left out."
    return None


def _read(value: Operand) -> Mapping[str, str]:
    return {"has": f"isNotNull({value.text})", "reads": f"isNotNull({value.number})"}
