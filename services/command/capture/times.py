"""When an event happened: the forms of its timestamp, and the correction of a wrong client clock.

All times are microseconds since 1970, UTC.
"""

import re
from datetime import UTC
from typing import Final

from contracts.times import SECOND_US, microseconds
from services.command.capture.written_times import DateOrder, written

MILLISECOND: Final = 1_000
FURTHEST_AHEAD: Final = 23 * 3600 * SECOND_US
# The years that a DateTime64 column can hold. An older time is stored as the first moment.
EARLIEST: Final = -2_208_988_800 * SECOND_US
# Client clocks before this are not believed (`_`, in milliseconds).
_CREDIBLE_MS: Final = 1_577_836_800_000

_NUMBER = re.compile(r"-?\d{1,17}(\.\d+)?\Z", re.ASCII)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)\Z", re.ASCII)
# An epoch number of this size is in milliseconds: in seconds it would be after the year 5000.
_MILLISECONDS_FROM = 100_000_000_000


def parse(text: str) -> int | None:
    """A timestamp in any form of client-compat.md section 8; None when it is in none of them."""
    stripped = text.strip()
    if _NUMBER.match(stripped):
        return _epoch(stripped)
    if stripped.startswith("0000-"):
        # No calendar of Python's has this year; the column starts later anyhow.
        return EARLIEST
    moment = written(stripped, DateOrder.MONTH_FIRST)
    if moment is None:
        return None
    return microseconds(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))


def parse_rfc3339(text: str) -> int | None:
    """Only with a zone, as the v1 protocol demands."""
    return parse(text.upper()) if _RFC3339.match(text) else None


def _epoch(text: str) -> int:
    number = float(text)
    unit = MILLISECOND if abs(number) >= _MILLISECONDS_FROM else SECOND_US
    return int(text) * unit if "." not in text else round(number * unit)


def sent_at(batch: object, clock_ms: int | None) -> int | None:
    """The client's clock at sending: the batch's `sent_at`, else the query's `_`."""
    if isinstance(batch, str) and batch:
        read = parse(batch)
        if read is not None:
            return read
    if clock_ms is not None and clock_ms > _CREDIBLE_MS:
        return clock_ms * MILLISECOND
    return None


def happened_at(
    *,
    timestamp: int | None,
    offset_ms: int | None,
    received: int,
    sent: int | None,
    ignore_sent: bool,
) -> int:
    """When the event happened, by the server's clock.

    timestamp: by the client's clock, None when absent or unreadable. offset_ms: how long before
    sending; stands even beside a timestamp. A time far ahead, which no skew explains, is now.
    """
    if offset_ms is not None:
        moment = received - offset_ms * MILLISECOND
    elif timestamp is None:
        return received
    elif sent is not None and not ignore_sent:
        moment = timestamp - (sent - received)
    else:
        moment = timestamp
    if moment > received + FURTHEST_AHEAD:
        return received
    if moment < _YEAR_ZERO:
        return 0
    return max(moment, EARLIEST)


# 0000-01-01 in the proleptic Gregorian calendar.
_YEAR_ZERO: Final = -62_167_219_200 * SECOND_US
