"""A trend's result as what pages draw: lines, bars, one number or several, boxes."""

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from contracts.api.trends import BoxRow, TrendRow
from services.query.insights.charts import Chart, as_bars, as_pie, boxes, counts, totals
from services.query.insights.trends.plan import NULL, OTHER

_STACKED = ("ActionsBar", "ActionsStackedBar")
_BARS = (*_STACKED, "ActionsUnstackedBar")


def chart(result: Raw) -> Chart | None:
    """None when there is no result, or no row of it."""
    document = msgspec.json.decode(result)
    match document:
        case [{"p25": _}, *_]:
            return _boxes(msgspec.convert(document, list[BoxRow]))
        case [{"aggregated_value": _}, *_]:
            return _totals(msgspec.convert(document, list[TrendRow]))
        case [{"data": _}, *_]:
            return _points(msgspec.convert(document, list[TrendRow]))
        case _:
            return None


def _totals(rows: Sequence[TrendRow]) -> Chart | None:
    drawn = totals([(_label(row), float(row.aggregated_value or 0)) for row in rows])
    is_pie = rows[0].filter.get("display") == "ActionsPie"
    return as_pie(drawn) if drawn is not None and is_pie else drawn


def _points(rows: Sequence[TrendRow]) -> Chart | None:
    """Of two ranges, as many points as the longer has."""
    labels: list[str] = max((row.labels for row in rows), key=len)
    lines = []
    for row in rows:
        data = row.data or []
        lines.append((_label(row), [*data, *[0] * (len(labels) - len(data))]))
    drawn = counts("Period", labels, lines)
    display = rows[0].filter.get("display")
    if drawn is None or display not in _BARS:
        return drawn
    return as_bars(drawn, stacked=display in _STACKED)


def _boxes(rows: Sequence[BoxRow]) -> Chart | None:
    return boxes([(row.series_label, row.label, _spread(row)) for row in rows])


def _spread(row: BoxRow) -> tuple[float, ...]:
    return (row.min, row.p25, row.median, row.p75, row.max, row.mean)


def _label(row: TrendRow) -> str:
    """Its series and value and, beside another range, which of the two it is."""
    label = row.label.replace(NULL, "None (i.e. no value)")
    label = label.replace(OTHER, "Other (i.e. all remaining values)")
    if row.breakdown_value is msgspec.UNSET and row.action is not None:
        label = row.action.custom_name or label
    return f"{label} · {row.compare_label}" if row.compare is True else label
