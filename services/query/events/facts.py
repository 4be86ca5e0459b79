"""A project as planning sees it: looked up by the caller, given as values."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from contracts.queries.actions import Action
from contracts.queries.properties import PropertyGroup
from services.query.events.dates import Calendar


class PlanningFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A project, as one query sees it.

    now: the clock of the request, UTC. timezone: the project's.
    test_account_filters: property filters as the project has them.
    numeric: ("event" | "person" | …, key) of the properties declared numeric.
    path_cleaning: (regular expression, replacement), in order.
    actions, cohorts: at least those that the query names; cohort id -> name.
    definitions: of the dynamic cohorts among them and of those that these are made of.
    cohort_versions: of static cohorts. Not part of the plan, but of the kept result's key.
    first_event_at: for date_from "all"; None: there are no events.
    """

    team_id: int
    now: datetime
    timezone: str = "UTC"
    week_starts_monday: bool = False
    test_account_filters: Any = None
    numeric: frozenset[tuple[str, str]] = frozenset()
    path_cleaning: tuple[tuple[str, str], ...] = ()
    actions: Mapping[int, Action] = {}
    cohorts: Mapping[int, str] = {}
    definitions: Mapping[int, PropertyGroup] = {}
    cohort_versions: Mapping[int, int] = {}
    first_event_at: datetime | None = None

    @property
    def calendar(self) -> Calendar:
        return Calendar(
            now=self.now,
            timezone=self.timezone,
            week_starts_monday=self.week_starts_monday,
            first_event_at=self.first_event_at,
        )
