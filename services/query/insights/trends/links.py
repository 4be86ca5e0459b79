"""The URLs beside the points of a trend's rows: the endpoint for people, with the filter that the
numbers came of.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec

from services.common.http.request import AnyRequest

# What a legacy trend consists of. Nothing else of a request enters a URL: it may hold a key.
TREND_FILTERS = (
    "insight", "events", "actions", "properties", "filter_test_accounts", "date_from", "date_to",
    "explicit_date", "interval", "breakdown", "breakdown_type", "breakdowns", "breakdown_limit",
    "breakdown_group_type_index", "breakdown_normalize_url", "breakdown_hide_other_aggregation",
    "breakdown_histogram_bin_count", "display", "compare", "compare_to", "sampling_factor",
)  # fmt: skip
MOST_URLS = 5_000
"""Of an answer: each is as long as its filter. A greater one has none."""

Row = dict[str, Any]


def link_rows(
    request: AnyRequest, team_id: int, filters: Mapping[str, Any], rows: Iterable[Row]
) -> None:
    """Gives rows of series their `persons_urls`: one for each point; of one value, one.

    Rows of formulas and of box plots have none: nobody is behind them alone.
    """
    counted = [row for row in rows if row.get("action")]
    if sum(len(_days(row)) for row in counted) > MOST_URLS:
        return
    url = request.url
    path = f"{url.scheme}://{url.netloc}/api/projects/{team_id}/persons/trends/"
    sent = {name: filters[name] for name in TREND_FILTERS if filters.get(name) not in (None, "")}
    for row in counted:
        base = f"{path}?{_query(sent | dict(_of_row(row)))}"
        row["persons_urls"] = [{"url": f"{base}{day}"} for day in _days(row)]


def _days(row: Row) -> list[str]:
    """What is added to the row's URL for each point; nothing for one value."""
    if "aggregated_value" in row:
        return [""]
    return [f"&{_query({'day': day})}" for day in row["action"]["days"]]


def _of_row(row: Row) -> Iterator[tuple[str, Any]]:
    yield "entity_order", row["order"]
    if "breakdown_value" in row:
        value = row["breakdown_value"]
        # In a list, text that looks like JSON stays text. "all" is a cohort's.
        yield "breakdown_value", [value] if isinstance(value, str) and value != "all" else value
    if "compare_label" in row:
        yield "compare_label", row["compare_label"]


def _query(parameters: Mapping[str, Any]) -> str:
    """Lists and objects are written as JSON."""
    return urlencode(
        {
            name: value if isinstance(value, str) else msgspec.json.encode(value).decode()
            for name, value in parameters.items()
        }
    )
