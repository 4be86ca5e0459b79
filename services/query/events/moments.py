"""Times as whole microseconds: float seconds lose the last digits."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(at: datetime) -> int:
    """Since 1970, exactly."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def moment(micros: int) -> datetime:
    """The way back, in UTC."""
    return _EPOCH + timedelta(microseconds=micros)
