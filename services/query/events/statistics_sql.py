"""Statistics of numbers as ClickHouse text: exact, and the same in whatever order rows come."""

from typing import assert_never

from services.query.events.series import Statistic

LEVELS: dict[str, float] = {"median": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99}
"""Of the quantiles: linear between neighbours at level * (n - 1)."""

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

    In fixed point: 156 bits before the point (1e36, 2^34 times) and 100 after it. Each number is
    cut into pieces that 64 bits hold: to make 256 bits of it at once costs as much again as to read
    it. The plain sum stands in where a number is larger.
    """
    kept = f"ifNull(if(abs({number}) < {_LARGEST}, {number}, 0), 0)"
    total = _sum_of_whole(f"{kept} / exp2(60)")
    for from_bit, bits in ((-60, 60), (0, 60), (60, 40)):
        rest = _fraction(f"{kept} * exp2({from_bit})")
        total = f"({total} * toInt256(exp2({bits})) + {_sum_of_whole(f'{rest} * exp2({bits})')})"
    fixed = f"toFloat64({total}) / exp2(100)"
    return f"if(max(abs({number})) < {_LARGEST}, {fixed}, sum({number}))"


def _fraction(number: str) -> str:
    return f"({number} - trunc({number}))"


def _sum_of_whole(number: str) -> str:
    return f"toInt256(sum(toInt128(toInt64({number}))))"
