"""Statistics of numbers as ClickHouse text: exact, and the same in whatever order rows come."""

from typing import assert_never

from services.query.events.series import Statistic

LEVELS: dict[str, float] = {"median": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99}
"""Of the quantiles: linear between neighbours at level * (n - 1)."""

_UNIT = "exp2(100)"
_LARGEST = "1e36"


def statistic(which: Statistic, number: str) -> str:
    """number: Nullable(Float64); nulls are left out. Null of none."""
    match which:
        case "sum":
            return exact_sum(number)
        case "avg":
            return f"{exact_sum(number)} / count({number})"
        case "min" | "max":
            return f"{which}({number})"
        case "median" | "p75" | "p90" | "p95" | "p99":
            return quantile(LEVELS[which], number)
        case _:
            assert_never(which)


def quantile(level: float, number: str) -> str:
    return f"quantileExactInclusive({level!r})({number})"


def exact_sum(number: str) -> str:
    """The sum, and not one that depends on the order of the additions, as one of Float64 does.

    In fixed point: 156 bits before the point (1e36, 2^34 times) and 100 after it. Twice as dear as
    the plain sum, which stands in where a number is larger.
    """
    whole = f"toInt256(if(abs({number}) < {_LARGEST}, {number}, 0) * {_UNIT})"
    fixed = f"toFloat64(sum({whole})) / {_UNIT}"
    return f"if(max(abs({number})) < {_LARGEST}, {fixed}, sum({number}))"
