"""The URLs behind numbers: the endpoint for people, with the filter that the number came of."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec import UNSET, Raw

from contracts.api.funnels import BreakdownValue, FunnelStep
from services.common.http.request import AnyRequest

Filters = Mapping[str, Any]

# The members of a legacy funnel. Nothing else of a request enters a URL: it may hold a key.
FUNNEL_FILTERS = (
    "insight", "events", "actions", "properties", "filter_test_accounts", "date_from", "date_to",
    "explicit_date", "interval", "breakdown", "breakdown_type", "breakdowns", "breakdown_limit",
    "breakdown_group_type_index", "breakdown_normalize_url", "breakdown_hide_other_aggregation",
    "breakdown_attribution_type", "breakdown_attribution_value", "funnel_window_interval",
    "funnel_window_interval_unit", "funnel_window_interval_type", "funnel_window_days",
    "funnel_viz_type", "display", "funnel_order_type", "funnel_from_step", "funnel_to_step",
    "bin_count", "exclusions", "aggregation_group_type_index", "funnel_aggregate_by_hogql",
    "sampling_factor",
)  # fmt: skip
PEOPLE_FILTERS = (
    *FUNNEL_FILTERS, "funnel_step", "funnel_custom_steps", "funnel_step_breakdown",
    "entrance_period_start", "drop_off", "funnel_conversion_time_from",
    "funnel_conversion_time_to", "include_recordings", "search",
)  # fmt: skip
CORRELATION_FILTERS = (
    *FUNNEL_FILTERS, "funnel_correlation_type", "funnel_correlation_names",
    "funnel_correlation_exclude_names", "funnel_correlation_exclude_event_names",
    "funnel_correlation_event_names", "funnel_correlation_event_exclude_property_names",
)  # fmt: skip
CORRELATION_PEOPLE_FILTERS = (
    *CORRELATION_FILTERS, "funnel_correlation_person_converted",
    "funnel_correlation_person_entity", "funnel_correlation_property_values",
    "include_recordings",
)  # fmt: skip

_steps = msgspec.json.Decoder(list[FunnelStep])
_groups = msgspec.json.Decoder(list[list[FunnelStep]])
_JSON = ("[", "{")


def absolute(request: AnyRequest, path: str, parameters: Filters) -> str:
    """Of this server as the request called it. Lists and objects are written as JSON."""
    url = request.url
    query = urlencode([(name, _text(value)) for name, value in parameters.items()])
    return f"{url.scheme}://{url.netloc}{path}?{query}"


def kept(filters: Filters, names: Iterable[str]) -> dict[str, Any]:
    """The names that the request filled in; "" is a value of a row."""
    return {
        name: filters[name]
        for name in names
        if filters.get(name) is not None
        and (filters[name] != "" or name == "funnel_step_breakdown")
    }


class StepLinks:
    """converted_people_url and dropped_people_url of the rows of one answer.

    They are made per request: a result that is kept knows neither its host nor its reader's words.
    """

    def __init__(
        self, request: AnyRequest, team_id: int, filters: Filters, *, baseline: bool = False
    ) -> None:
        """baseline: the last of the rows that are broken down is everybody's."""
        self._request = request
        self._baseline = baseline
        self._path = f"/api/projects/{team_id}/persons/funnel/"
        self._filters = kept(filters, FUNNEL_FILTERS)

    def added(self, results: Raw) -> Raw:
        """Steps, broken down or not, with their URLs; any other result is left as it is."""
        if bytes(results).startswith(b"[["):
            groups = _groups.decode(results)
            last = len(groups) if self._baseline else 0
            return Raw(
                msgspec.json.encode(
                    [
                        self._rows(rows, number == last)
                        for number, rows in enumerate(groups, start=1)
                    ]
                )
            )
        return Raw(msgspec.json.encode(self._rows(_steps.decode(results))))

    def _rows(self, rows: Sequence[FunnelStep], everybody: bool = False) -> list[FunnelStep]:
        key = secrets.token_hex(4)
        return [
            msgspec.structs.replace(
                row,
                converted_people_url=self._url(row, row.order + 1, key, everybody),
                dropped_people_url=(
                    self._url(row, -row.order - 1, key, everybody) if row.order else None
                ),
            )
            for row in rows
        ]

    def _url(self, row: FunnelStep, funnel_step: int, key: str, everybody: bool) -> str:
        pointed = {**self._filters, "funnel_step": funnel_step}
        if row.breakdown_value is not UNSET and not everybody:
            pointed["funnel_step_breakdown"] = _breakdown(row.breakdown_value)
        return absolute(self._request, self._path, {**pointed, "cache_invalidation_key": key})


def _breakdown(value: BreakdownValue) -> Any:
    """Text that would be read as JSON travels in a list of one, which means the same."""
    return [value] if isinstance(value, str) and value.lstrip().startswith(_JSON) else value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
