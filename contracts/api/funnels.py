"""Answers of funnels, as PostHog shows them (funnels.md sections 6, 7 and 9)."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

BreakdownValue = str | int | list[str]


class FunnelStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step's row of `steps`.

    order: from 0. count: actors whose reported attempt has the step. Times: seconds from the step
    before, null for the first step and when everybody took no time. breakdown…: only when broken
    down. …_people_url: the legacy endpoint's; pending_count: only when asked for.
    """

    action_id: str | int | None
    name: str | None
    custom_name: str | None
    order: int
    people: tuple[()] = ()
    count: int
    type: str
    average_conversion_time: float | None = None
    median_conversion_time: float | None = None
    breakdown: BreakdownValue | UnsetType = UNSET
    breakdown_value: BreakdownValue | UnsetType = UNSET
    converted_people_url: str | UnsetType | None = UNSET
    dropped_people_url: str | UnsetType | None = UNSET
    compare_label: str | UnsetType = UNSET
    pending_count: int | UnsetType = UNSET


class FunnelTrend(msgspec.Struct, frozen=True, kw_only=True):
    """Conversion over time: percentages, one per period of entrance."""

    count: int
    data: list[float]
    days: list[str]
    labels: list[str]
    breakdown_value: BreakdownValue | UnsetType = UNSET
    compare_label: str | UnsetType = UNSET
    pending: list[int] | UnsetType = UNSET


class TimeToConvert(msgspec.Struct, frozen=True, kw_only=True):
    """bins: [start in seconds, actors], each as wide as the distance to the next."""

    bins: list[tuple[int, int]]
    average_conversion_time: float | None = None
    median_conversion_time: float | None = None
    compare_label: str | UnsetType = UNSET


Steps = list[FunnelStep]
FunnelResults = Steps | list[Steps] | list[FunnelTrend] | TimeToConvert | list[TimeToConvert]


class FunnelAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A funnel's numbers; `total_median_conversion_time` is shown by the query endpoint alone."""

    results: FunnelResults
    total_median_conversion_time: float | None = None


def _list_of(kind: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": kind}


_STEP = {"$ref": "#/components/schemas/FunnelStep"}
_TIMES = {"$ref": "#/components/schemas/TimeToConvert"}
ShownResult = Annotated[
    Raw,
    Meta(
        description="Steps, lists of steps by breakdown value, trends, or bins; null without any.",
        extra={"rows": FunnelStep},
        extra_json_schema={
            "anyOf": [
                _list_of(_STEP),
                _list_of(_list_of(_STEP)),
                _list_of({"$ref": "#/components/schemas/FunnelTrend"}),
                _TIMES,
                _list_of(_TIMES),
                # Of other kinds of query, which have shapes of their own.
                {"type": "array"},
                {"type": "object"},
                {"type": "null"},
            ]
        },
    ),
]
"""A result that is kept encoded. The components it names: `Components`."""


class Components(msgspec.Struct, frozen=True):
    """The types inside a `ShownResult`, named for its schema in the OpenAPI document."""

    step: FunnelStep
    trend: FunnelTrend
    times: TimeToConvert
