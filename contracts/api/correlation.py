"""Answers of correlation: what goes along with converting, and what with dropping out."""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from contracts.api.jobs import JobBody
from contracts.api.times import Time
from contracts.json import JsonList, ObjectOrNull


class Element(msgspec.Struct, frozen=True, kw_only=True):
    """An element of an autocaptured click, or one that contains it. order: 0 is the clicked one.

    event: always null, as PostHog shows elements that are not read from its database.
    """

    order: int
    event: None = None
    tag_name: str | None = None
    text: str | None = None
    href: str | None = None
    attr_id: str | None = None
    attr_class: list[str] | None = None
    nth_child: int | None = None
    nth_of_type: int | None = None
    attributes: dict[str, str] = {}


class CorrelationEvent(msgspec.Struct, frozen=True, kw_only=True):
    """event: a name, `event::key::value` or `key::value`.

    parts: ours, of such a name, where a part of it has `::` too. The others: of autocaptured
    ones only.
    """

    event: str
    parts: tuple[str, ...] | UnsetType = UNSET
    properties: dict[str, str] = {}
    elements: list[Element] = []


class Correlated(msgspec.Struct, frozen=True, kw_only=True):
    """odds_ratio: with a prior of one.

    p_value: ours, when asked for; how likely mere chance is that uneven.
    …_people_url: the legacy endpoint's.
    """

    event: CorrelationEvent
    success_count: int
    failure_count: int
    odds_ratio: float
    correlation_type: Literal["success", "failure"]
    p_value: float | UnsetType = UNSET
    success_people_url: str | UnsetType = UNSET
    failure_people_url: str | UnsetType = UNSET


class CorrelationResults(msgspec.Struct, frozen=True, kw_only=True):
    """events: those that tell most of success, then of failure. skewed: too uneven to tell much."""

    events: list[Correlated]
    skewed: bool


class CorrelationEnvelope(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `insights/funnel/correlation/`. result: null while a job runs."""

    result: CorrelationResults | None
    timezone: str
    is_cached: bool
    last_refresh: Time | None
    timings: JsonList
    hogql: str | None
    resolved_date_range: ObjectOrNull
    cache_target_age: Time | None
    next_allowed_client_refresh: Time | None
    query_status: JobBody | None
