"""When an event of a file happened. Files say it in more ways than clients do."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from contracts.times import microseconds
from services.command.capture.written_times import DateOrder, is_ambiguous, written

ORDERS: Final = {order.value: order for order in DateOrder}
UNITS: Final = {
    "s": Decimal(1_000_000), "ms": Decimal(1_000), "us": Decimal(1), "ns": Decimal("0.001"),
}  # fmt: skip
# Before the first day and after the last one of a calendar there is no time.
_FIRST = microseconds(datetime(1, 1, 2, tzinfo=UTC))
_LAST = microseconds(datetime(9999, 12, 30, tzinfo=UTC))
_NUMBER = re.compile(r"-?\d{1,20}(\.\d+)?\Z", re.ASCII)
# Digits alone that are a calendar's: 19970101, 202301051011, 20230105101112, 20230105101112123.
_COMPACT = re.compile(
    r"((?:19|20)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"
    r"(?:([01]\d|2[0-3])([0-5]\d)(?:([0-5]\d)(\d{3})?)?)?\Z",
    re.ASCII,
)
_HOW_TO_NAME = (
    "Name the order (--time-format month-first or day-first) or the form (--time-format"
    " '%d/%m/%Y %H:%M')"
)


class NotATime(Exception):
    """Why, as the end of a sentence that begins with the text."""


class TimeReader:
    """Reads the times of one file.

    form: None for the common ones; `month-first` or `day-first`, the order in 12/1/2010; a unit of
    numbers since 1970 (s, ms, us, ns); or a pattern of strptime. zone: of times that name none.
    """

    def __init__(self, form: str | None, zone: ZoneInfo) -> None:
        self._zone = UTC if zone.key == "UTC" else zone
        self._order = ORDERS.get(form or "")
        self._unit = UNITS.get(form or "")
        self._pattern = None if self._order or self._unit else form

    def micros(self, value: object) -> int:
        """Since 1970, UTC. Raises NotATime."""
        if type(value) is str:
            text = value
        elif type(value) is float:
            text = f"{Decimal(repr(value)):f}"
        else:
            text = str(value)
        found = self._read(text.strip())
        if found is None:
            raise NotATime(self._why_not(text))
        if not _FIRST <= found <= _LAST:
            raise NotATime("is outside of the years 1 to 9999")
        return found

    def _read(self, text: str) -> int | None:
        if self._pattern is not None:
            try:
                return self._of(datetime.strptime(text, self._pattern))  # noqa: DTZ007
            except ValueError:
                return None
        # Most times have a hyphen there, and are spared the pattern.
        if text[4:5] != "-" and _NUMBER.match(text):
            return self._number(text)
        if self._unit is not None:
            return None
        moment = written(text, self._order)
        return None if moment is None else self._of(moment)

    def _of(self, moment: datetime) -> int:
        return microseconds(
            moment if moment.tzinfo is not None else moment.replace(tzinfo=self._zone)
        )

    def _number(self, text: str) -> int:
        """A compact date where the digits are one; else since 1970, in the unit of its size."""
        if self._unit is not None:
            return int(Decimal(text) * self._unit)
        if compact := _COMPACT.match(text):
            year, month, day, hour, minute, second, milli = (
                int(part or 0) for part in compact.groups()
            )
            try:
                return self._of(datetime(year, month, day, hour, minute, second, milli * 1000))  # noqa: DTZ001 - _of gives it its zone
            except ValueError:
                pass
        number = Decimal(text)
        size = abs(number)
        # In the next smaller unit these would be before 1973, in this one after 5138.
        if size < 100_000_000_000:
            unit = UNITS["s"]
        elif size < 100_000_000_000_000:
            unit = UNITS["ms"]
        elif size < 100_000_000_000_000_000:
            unit = UNITS["us"]
        else:
            unit = UNITS["ns"]
        return int(number * unit)

    def _why_not(self, text: str) -> str:
        if self._pattern is not None:
            return f"is not a time in the form {self._pattern!r}"
        if self._unit is not None:
            return "is not a number"
        if is_ambiguous(text):
            return f"can be two days. {_HOW_TO_NAME}"
        return "is not a time. If it is one, say how it is written (--time-format '%d-%b-%y %H.%M')"
