"""Times in answers: 27 characters, always, so that they sort as text and serve as a cursor.

msgspec writes a time without its fraction where that is zero; facts and hashes keep that form.
"""

from datetime import UTC, datetime
from typing import Annotated, NewType, overload

from msgspec import Meta

_Text = NewType("_Text", str)
Time = Annotated[_Text, Meta(extra_json_schema={"format": "date-time"})]
"""`2026-11-24T08:19:34.634823Z`: UTC, with all six digits of the microseconds."""


@overload
def written(at: datetime) -> Time: ...
@overload
def written(at: datetime | None) -> Time | None: ...
def written(at: datetime | None) -> Time | None:
    """at: with its zone, whichever it is."""
    if at is None:
        return None
    return _Text(at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z")
