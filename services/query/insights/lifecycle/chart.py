"""A result of a lifecycle as what pages draw."""

import msgspec
from msgspec import Raw

from contracts.api.trends import LifecycleRow
from services.query.insights.charts import Chart, counts

_rows = msgspec.json.Decoder(list[LifecycleRow] | None)


def chart(result: Raw) -> Chart | None:
    """None when there is no result, or no periods."""
    rows = _rows.decode(result) or []
    labels = rows[0].labels if rows else []
    return counts("Period", labels, [(row.status, row.data) for row in rows])
