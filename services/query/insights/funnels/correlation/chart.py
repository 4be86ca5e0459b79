"""A correlation's result as what pages show."""

import msgspec
from msgspec import Raw

from contracts.api.correlation import Correlated, CorrelationResults
from services.query.insights.charts import Chart, SignalRow, SignalsTable


def chart(result: Raw) -> Chart | None:
    """None when there is no result, or none of this shape."""
    try:
        return _signals(msgspec.json.decode(result, type=CorrelationResults))
    except msgspec.ValidationError:
        return None


def _signals(results: CorrelationResults) -> SignalsTable:
    return SignalsTable(tuple(map(_signal, results.events)), results.skewed)


def _signal(one: Correlated) -> SignalRow:
    return SignalRow(
        name=one.event.event.replace("::", " · "),
        converted=one.success_count,
        dropped=one.failure_count,
        odds_ratio=one.odds_ratio,
    )
