"""A result of stickiness as what pages draw."""

import msgspec
from msgspec import Raw

from contracts.api.trends import StickinessRow
from services.query.insights.charts import Chart, counts

_rows = msgspec.json.Decoder(list[StickinessRow] | None)


def chart(result: Raw) -> Chart | None:
    """None when there is no result, or no intervals. Of two ranges, as many as the longer has."""
    rows = _rows.decode(result) or []
    labels: list[str] = max((row.labels for row in rows), key=len, default=[])
    rest = [0] * len(labels)
    lines = [(_label(row), [*row.data, *rest[len(row.data) :]]) for row in rows]
    return counts("Active in", labels, lines)


def _label(row: StickinessRow) -> str:
    """Its series and, beside another range, which of the two it is."""
    name = row.action.custom_name or row.label
    return f"{name} · {row.compare_label}" if row.compare is True else name
