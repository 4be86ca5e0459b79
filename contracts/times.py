"""Times as whole microseconds since 1970: float seconds lose the last digits."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US


def microseconds(at: datetime) -> int:
    """Since 1970, exactly, of a time with a zone."""
    return (at - EPOCH) // MICROSECOND


def moment(since_1970: int) -> datetime:
    """The way back, in UTC. Raises OverflowError for what no calendar has."""
    return EPOCH + since_1970 * MICROSECOND
