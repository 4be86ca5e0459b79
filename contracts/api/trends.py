"""Answers of trends, stickiness and lifecycle, as PostHog shows them (trends.md)."""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from contracts.api.times import Time

Number = int | float
"""Whole numbers without a point."""

BreakdownValue = str | int | list[str]
SideLabel = Literal["current", "previous"]


class TrendAction(msgspec.Struct, frozen=True, kw_only=True):
    """The series that a row counts. id: event name, or (oddity) the action's name.

    type: events, of actions too (oddity). order: place in the query, from 0. days: the starts of
    the periods as ISO date-times with the offset of the project's zone.
    """

    id: str | None
    type: str = "events"
    order: int
    name: str
    custom_name: str | None = None
    math: str | None = None
    math_property: str | None = None
    math_hogql: str | None = None
    math_group_type_index: int | None = None
    properties: dict[str, Any] = {}
    days: list[str]


class PersonsUrl(msgspec.Struct, frozen=True):
    """url: of the people behind a point, on this server."""

    url: str


class TrendRow(msgspec.Struct, frozen=True, kw_only=True):
    """One series (of a formula: one formula), breakdown value and side of a comparison.

    data: one number per period; of one value empty, of a formula's one value null (oddity).
    aggregated_value: of one value only. filter: the query in legacy words, for clients to read.
    incomplete: ours, when asked for: places of points whose period is cut or still running.
    late: ours, when asked for: of each point, how many of its events arrived more than an hour
    after the period's end; of a formula those of its series, added up.
    persons_urls: of insights/trend/ alone, one per point.
    """

    action: TrendAction | None
    label: str
    order: int
    count: Number
    data: list[Number] | None
    days: list[str]
    labels: list[str]
    aggregated_value: Number | UnsetType = UNSET
    breakdown_value: BreakdownValue | UnsetType = UNSET
    compare: bool | UnsetType = UNSET
    compare_label: SideLabel | UnsetType = UNSET
    filter: dict[str, Any]
    incomplete: list[int] | UnsetType = UNSET
    late: list[int] | UnsetType = UNSET
    persons_urls: list[PersonsUrl] | UnsetType = UNSET


class LateChange(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """A point that has another number than in the result that was kept before it.

    order, breakdown_value, compare_label, status: of its row, as far as rows have them. day: one of
    the row's. from, to: when the old number was computed, and when the new one.
    """

    order: int
    breakdown_value: BreakdownValue | UnsetType = UNSET
    compare_label: SideLabel | UnsetType = UNSET
    status: str | UnsetType = UNSET
    day: str | int
    old: Number
    new: Number
    from_: Time | None
    to: Time | None


class ChangedBy(msgspec.Struct, frozen=True):
    """A user, who may be gone: then without an address."""

    id: int
    first_name: str
    email: str | None


class DefinitionChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change of an action, a cohort or the test-account filters that the query names.

    day: one of `days`, in whose period it was; of stickiness the period's day. what: `action 5
    'Signed up': steps changed`. by: null: not a user.
    """

    day: str
    at: Time
    what: str
    by: ChangedBy | None


class BoxRow(msgspec.Struct, frozen=True, kw_only=True):
    """The spread of a series' numbers in one period; zeros where there are none (oddity)."""

    day: str
    label: str
    min: Number
    p25: Number
    median: Number
    p75: Number
    max: Number
    mean: Number
    series_index: int
    series_label: str


class TrendsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """has_more: some values have no row of their own, and Other is shown."""

    results: list[TrendRow] | list[BoxRow]
    has_more: bool = False


class StickinessAction(msgspec.Struct, frozen=True, kw_only=True):
    """The series that a row counts. id: event name, or number of the action."""

    id: str | int | None
    type: Literal["events", "actions"]
    order: int
    name: str
    custom_name: str | None = None
    math: str | None = None
    math_hogql: str | None = None
    math_group_type_index: int | None = None


class StickinessRow(msgspec.Struct, frozen=True, kw_only=True):
    """data: actors of one interval, of two, and so on. count: actors in any interval at all.

    incomplete: ours, when asked for: all points while a period is cut or still running, else none.
    """

    action: StickinessAction
    label: str
    order: int
    count: int
    data: list[int]
    days: list[int]
    labels: list[str]
    compare: bool | UnsetType = UNSET
    compare_label: SideLabel | UnsetType = UNSET
    incomplete: list[int] | UnsetType = UNSET


class LifecycleAction(msgspec.Struct, frozen=True, kw_only=True):
    """The series. id: event name, or the number of the action as text."""

    id: str | None
    name: str
    type: Literal["events", "actions"]
    order: int = 0
    math: str = "total"


class LifecycleRow(msgspec.Struct, frozen=True, kw_only=True):
    """Actors of one status per period; those of dormant are negative.

    incomplete: ours, when asked for: places of points whose period is still running.
    late: ours, when asked for: of each point, how many events in its period of the actors that it
    counts arrived more than an hour after the period's end; dormant actors have none.
    """

    action: LifecycleAction
    label: str
    status: str
    count: int
    data: list[int]
    days: list[str]
    labels: list[str]
    incomplete: list[int] | UnsetType = UNSET
    late: list[int] | UnsetType = UNSET
