"""Times as people and programs write them, read as what they say or not at all.

A form that could be two moments is not read: a wrong time is worse than none.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from typing import Final

_MONTHS: Final = (
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
)  # fmt: skip
# The zones that RFC 2822 names. Other abbreviations stand for several offsets (CST, IST, BST).
_ZONES: Final = {
    "Z": 0, "UT": 0, "UTC": 0, "GMT": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7,
    "MDT": -6, "PST": -8, "PDT": -7,
}  # fmt: skip
_ZERO_ZONES = frozenset({"Z", "UT", "UTC", "GMT"})


# Longer ones are not looked at: a pattern's time may grow faster than the text.
LONGEST: Final = 100


class DateOrder(Enum):
    """Of the first two numbers in 12/1/2010."""

    MONTH_FIRST = "month-first"
    DAY_FIRST = "day-first"


_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?"
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?P<day>\d\d?)(?:st|nd|rd|th)?"
_DATES = tuple(
    re.compile(form, re.ASCII | re.IGNORECASE)
    for form in (
        r"(?P<year>\d{4})(?P<dash>[-/.])(?P<month>\d\d?)(?P=dash)(?P<day>\d\d?)(?!\d)",
        r"(?P<day>\d\d?)\.(?P<month>\d\d?)\.(?P<year>\d{4})(?!\d)",
        rf"{_WEEKDAY}{_DAY}[ /-]{_MONTH},?[ /-](?P<year>\d{{4}}|\d\d)(?!\d)",
        rf"{_WEEKDAY}{_MONTH}\s+{_DAY},?\s+(?P<year>\d{{4}})(?!\d)",
    )
)
_SLASHED = re.compile(r"(\d\d?)([/-])(\d\d?)\2(\d{4}|\d\d)(?!\d)", re.ASCII)
_REST = re.compile(
    r"(?:(?:[T:]|,?\s+(?:at\s+)?)(?P<hour>\d\d?)"
    r"(?::(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?)?"
    r"(?:\s*(?P<half>[ap])\.?m\.?)?)?"
    r"(?:\s*(?P<zone>Z|UTC?|GMT|[ECMP][SD]T))?"
    r"(?:\s*(?P<sign>[+-])(?P<hours>\d\d?)(?::?(?P<minutes>\d\d))?)?"
    r"(?:\s+UTC|\s*\([^()]*\)|\[[^\[\]]*\])?",
    re.ASCII | re.IGNORECASE,
)
# Sun Jan  1 10:00:00 UTC 2023: the year comes after the clock.
_YEAR_LAST = re.compile(
    r"(.*[a-z]{3}\.?\s+\d\d?)\s+(\d\d?:.*?)\s+(\d{4})", re.ASCII | re.IGNORECASE
)
_BASIC_ISO = re.compile(r"\d{8}[Tt ]", re.ASCII)


def written(text: str, order: DateOrder | None) -> datetime | None:
    """The moment; naive when the text names no zone, None when it is in no form we know.

    order: of 12/1/2010. None: such a date is read only if one of its numbers is above 12.
    """
    if text[4:5] == "-" and (len(text) == 10 or text[10:11] in ("T", "t", " ")):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    if len(text) > LONGEST:
        return None
    text = text.strip().replace("\u202f", " ").replace("\xa0", " ")
    if _BASIC_ISO.match(text):
        return _iso(text)
    if slashed := _SLASHED.match(text):
        date = _slashed_date(slashed, order)
        return None if date is None else _joined(*date, text[slashed.end() :])
    for form in _DATES:
        if found := form.match(text):
            date = _year(found["year"]), _month(found["month"]), int(found["day"])
            return _joined(*date, text[found.end() :])
    if last := _YEAR_LAST.fullmatch(text):
        return written(f"{last[1]}, {last[3]} {last[2]}", order)
    return None


def is_ambiguous(text: str) -> bool:
    """Whether the text is a date like 12/1/2010 that needs an order."""
    slashed = _SLASHED.match(text.strip())
    return slashed is not None and _slashed_date(slashed, None) is None


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _slashed_date(found: re.Match[str], order: DateOrder | None) -> tuple[int, int, int] | None:
    """Year, month, day."""
    first, second, year = int(found[1]), int(found[3]), found[4]
    if order is None:
        if len(year) == 2 or (first <= 12 and second <= 12 and first != second):
            return None
        order = DateOrder.DAY_FIRST if first > 12 else DateOrder.MONTH_FIRST
    month, day = (first, second) if order is DateOrder.MONTH_FIRST else (second, first)
    return _year(year), month, day


def _year(digits: str) -> int:
    """Of two digits by RFC 2822's rule: 00 to 49 are after 2000."""
    year = int(digits)
    if len(digits) == 2:
        return year + (2000 if year < 50 else 1900)
    return year


def _month(text: str) -> int:
    return int(text) if text.isdigit() else _MONTHS.index(text[:3].lower()) + 1


def _joined(year: int, month: int, day: int, rest: str) -> datetime | None:
    """The date with the clock and the zone that the rest is."""
    found = _REST.fullmatch(rest.rstrip())
    if found is None or (found["hour"] and not (found["minute"] or found["half"])):
        return None
    if found["hour"] is None and found["sign"] and found["minutes"] is None:
        # 2023-01-05-10 is no date in a zone; 2023-01-05-10:00 is one of XML's.
        return None
    hour = int(found["hour"] or 0)
    if half := found["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half in "pP" else 0)
    micros = int(f"{found['fraction'] or '':0<6}"[:6])
    try:
        zone = _zone(found["zone"], found["sign"], found["hours"], found["minutes"])
        return datetime(
            year,
            month,
            day,
            hour,
            int(found["minute"] or 0),
            int(found["second"] or 0),
            micros,
            zone,
        )
    except ValueError:
        return None


def _zone(name: str | None, sign: str | None, hours: str, minutes: str | None) -> timezone | None:
    """Raises ValueError for one that is none."""
    if sign is None:
        return None if name is None else timezone(timedelta(hours=_ZONES[name.upper()]))
    if (name is not None and name.upper() not in _ZERO_ZONES) or int(minutes or 0) > 59:
        raise ValueError
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    return timezone(-offset if sign == "-" else offset) if offset else UTC
