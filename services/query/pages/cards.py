"""An insight in the list of them: a name, a kind, a small picture, and who was last at it."""

from collections.abc import Mapping

import msgspec
from msgspec import Raw

from contracts.api.insights import UserBody
from contracts.queries.of_insights import kind_of
from contracts.read_models.insight import InsightRow
from services.common.pages.names import Moment, doer, moment, title_of
from services.query.insights.charts import Chart
from services.query.insights.stored_insights import chart_of
from services.query.shared.pages import kind_of_chart


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """chart_kind: what the template calls the chart."""

    number: int
    name: str
    kind: str
    chart: Chart | None
    chart_kind: str | None
    changed: Moment
    by: str


def card(row: InsightRow, result: Raw, users: Mapping[int, UserBody], timezone: str) -> Card:
    chart = chart_of(row, result)
    return Card(
        number=row.insight_id,
        name=title_of(row),
        kind=kind_in_words(row),
        chart=chart,
        chart_kind=kind_of_chart(chart),
        changed=moment(row.last_modified_at, timezone),
        by=doer(row.last_modified_by, users),
    )


def kind_in_words(row: InsightRow) -> str:
    """`Funnels` of a FunnelsQuery."""
    kind = kind_of(row)
    if kind is None:
        return "Asks nothing that can be read"
    return "SQL" if kind.name == "HogQLQuery" else kind.name.removesuffix("Query")
