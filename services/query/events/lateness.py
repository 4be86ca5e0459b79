"""Late events: those that arrived more than an hour after the period that they count in."""

from datetime import timedelta

GRACE = timedelta(hours=1)
"""Events are on their way for a while; so long after a period they are no surprise."""

AFTER = f"toIntervalSecond({int(GRACE.total_seconds()):d})"


def is_late(arrived: str, end: str) -> str:
    """SQL. arrived: a time; end: of the period, in microseconds."""
    return f"toUnixTimestamp64Micro({arrived}) > {end} + {int(GRACE.total_seconds()) * 10**6:d}"
