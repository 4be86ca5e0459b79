"""Dates, intervals and comparisons: what queries of all kinds share about time."""

import re
from collections.abc import Mapping
from typing import Any

from contracts.differences.rules import At, Document, Rule, chosen, compared, switched, worded
from contracts.differences.words import all_of, capital, count, plain

Json = Any

_UNITS = {"h": "hour", "d": "day", "w": "week", "m": "month", "q": "quarter", "y": "year"}
_AGO = re.compile(r"-(\d{1,6})([hdwmqy])", re.ASCII)
_WHOLE = {
    ("dStart", None): "today",
    ("-1dStart", "-1dEnd"): "yesterday",
    ("wStart", None): "this week",
    ("mStart", None): "this month",
    ("-1mStart", "-1mEnd"): "last month",
    ("qStart", None): "this quarter",
    ("yStart", None): "this year",
    ("-1yStart", "-1yEnd"): "last year",
    ("all", None): "all time",
}
_DEFAULT = "-7d"
_DAYS = (
    "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays",
)  # fmt: skip

INTERVALS: Mapping[str | None, str] = {
    None: "day", **{each: each for each in ("second", "minute", "hour", "day", "week", "month")},
}  # fmt: skip


def _range(before: Document, after: Document, _: At) -> list[str]:
    bounds = [(each.get("date_from"), each.get("date_to")) for each in (before, after)]
    if not all(isinstance(bound, str | None) for both in bounds for bound in both):
        return []
    old, new = (range_text(since, until) for since, until in bounds)
    if old == new:
        return []
    was, now = (_ago(since, until) for since, until in bounds)
    if was is not None and now is not None and was[1] == now[1]:
        old = str(was[0])
    return [f"{capital(new)} instead of {old}."]


def range_text(since: str | None, until: str | None) -> str:
    """last 30 days; 2026-01-01 to 2026-02-01; since 2026-01-01. "now" says the same as nothing."""
    until = None if until == "now" else until or None
    ago = _ago(since, until)
    if ago is not None:
        return f"last {count(*ago)}"
    whole = _WHOLE.get((since or _DEFAULT, until))
    if whole is not None:
        return whole
    if not until:
        return f"since {plain(since or _DEFAULT)}"
    return f"{plain(since or _DEFAULT)} to {plain(until)}"


def _ago(since: str | None, until: str | None) -> tuple[int, str] | None:
    found = None if until and until != "now" else _AGO.fullmatch(since or _DEFAULT)
    if found is None or int(found[1]) == 0:
        return None
    return int(found[1]), _UNITS[found[2]]


def _days(document: Document) -> str | None:
    sent = document.get("daysOfWeek")
    if not sent:
        return "every day of the week"
    if not isinstance(sent, list) or not all(type(day) is int and 1 <= day <= 7 for day in sent):
        return None
    return all_of([_DAYS[day - 1] for day in sorted(set(sent))])


def _timezone(document: Document) -> str | None:
    sent = document.get("timezone")
    if sent is None:
        return "the project's timezone"
    return plain(sent) if isinstance(sent, str) else None


BOUNDS = Rule(("date_from", "date_to"), _range)

_DATES = (
    BOUNDS,
    switched(
        "explicitDate",
        "The range now ends at the exact times given.",
        "The range now ends with whole days.",
    ),
    worded(("daysOfWeek",), _days, "Counts on {after} instead of {before}."),
    switched(
        "excludeIncompletePeriods",
        "Incomplete periods are now left out.",
        "Incomplete periods are no longer left out.",
    ),
    worded(("timezone",), _timezone, "Times are in {after} instead of {before}."),
)


def _dates(before: Document, after: Document, at: At) -> list[str]:
    left, right = before.get("dateRange"), after.get("dateRange")
    if not isinstance(left, Mapping | None) or not isinstance(right, Mapping | None):
        return []
    return compared(left or {}, right or {}, _DATES, at.inside("dateRange"))


def _compared_with(document: Document) -> str | None:
    sent = document.get("compareFilter")
    if sent is None:
        return ""
    if not isinstance(sent, Mapping):
        return None
    if sent.get("compare") is not True:
        return ""
    to = sent.get("compare_to")
    if not to:
        return "the period before"
    found = _AGO.fullmatch(to) if isinstance(to, str) else None
    return plain(str(to)) if found is None else f"{count(int(found[1]), _UNITS[found[2]])} earlier"


def _comparison(before: Document, after: Document, _: At) -> list[str]:
    old, new = _compared_with(before), _compared_with(after)
    if old is None or new is None or old == new:
        return []
    if not new:
        return [f"No longer compared with {old}."]
    return [f"Compared with {new} instead of {old}." if old else f"Compared with {new}."]


DATES = Rule(("dateRange",), _dates)
COMPARISON = Rule(("compareFilter",), _comparison)
INTERVAL = chosen("interval", INTERVALS, "By {after} instead of {before}.")
