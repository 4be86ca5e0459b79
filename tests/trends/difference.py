"""Whether the engine and the reference give the same answer."""

from collections.abc import Sequence
from math import isclose
from typing import Any

import msgspec

from services.common.clickhouse import ClickHouse, EngineError
from services.query.insights.trends.compute import compute
from services.query.insights.trends.oracle.rows import answer
from services.query.insights.trends.plan import TrendsPlan
from tests.trends.cases import Case, reading_of


class Difference(msgspec.Struct, frozen=True):
    """What the reference says and what the engine says, as plain values."""

    expected: Any
    got: Any


async def trends_differ(clickhouse: ClickHouse, case: Case, plan: TrendsPlan) -> Difference | None:
    """The first difference; None: they agree. The world is stored as the plan's team."""
    wanted = answer(plan, reading_of(case, plan))
    expected = {"results": wanted.results, "has_more": wanted.has_more}
    try:
        found = await compute(clickhouse, plan, has_overrides=bool(case.world.merged))
    except EngineError as error:
        return Difference("an answer", f"{type(error).__name__}: {error}")
    got = {"results": told(found.results), "has_more": found.has_more}
    return None if same(expected, got) else Difference(expected, got)


def same(a: Any, b: Any) -> bool:
    """Equal, with floats equal but for the last digits."""
    match a, b:
        case float(), int() | float():
            return isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)
        case int(), float():
            return same(b, a)
        case dict(), dict():
            return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
        case list() | tuple(), list() | tuple():
            return len(a) == len(b) and all(map(same, a, b))
        case _:
            return bool(a == b)


def told(results: Sequence[msgspec.Struct]) -> Any:
    """Rows as clients read them, without what is there for looks alone."""
    found = msgspec.json.decode(msgspec.json.encode(results))
    return [{name: of for name, of in row.items() if name != "filter"} for row in found]
