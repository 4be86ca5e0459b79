"""An insight in the list of them: a name, a kind, a small picture, and who was last at it."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Raw

from contracts.api.insights import UserBody
from contracts.queries.of_insights import kind_of
from contracts.read_models.insight import InsightRow
from services.query.insights.charts import Chart
from services.query.insights.stored_insights import chart_of
from services.query.shared.pages import kind_of_chart

NAMELESS = "Without a name"


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """chart_kind: what the template calls the chart. changed: in the project's zone."""

    number: int
    name: str
    kind: str
    chart: Chart | None
    chart_kind: str | None
    changed: datetime
    by: str


def card(row: InsightRow, result: Raw, users: Mapping[int, UserBody], timezone: str) -> Card:
    chart = chart_of(row, result)
    return Card(
        number=row.insight_id,
        name=title_of(row),
        kind=kind_in_words(row),
        chart=chart,
        chart_kind=kind_of_chart(chart),
        changed=row.last_modified_at.astimezone(ZoneInfo(timezone)),
        by=name_of(users.get(row.last_modified_by or 0)),
    )


def title_of(row: InsightRow) -> str:
    return row.name or row.derived_name or NAMELESS


def kind_in_words(row: InsightRow) -> str:
    """`Funnels` of a FunnelsQuery."""
    kind = kind_of(row)
    if kind is None:
        return "Asks nothing that can be read"
    return "SQL" if kind.name == "HogQLQuery" else kind.name.removesuffix("Query")


def name_of(user: UserBody | None) -> str:
    """Of nobody: who is gone, and the system."""
    return "nobody who is here" if user is None else user.first_name or user.email
