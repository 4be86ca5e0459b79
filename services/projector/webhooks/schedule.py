"""When an event is sent again, and when it is given up."""

from datetime import timedelta

WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
)
"""After the first attempt, the second …: ten attempts in 75 hours and 35 minutes."""
SPREAD = 0.1
LONGEST_RETRY_AFTER = timedelta(hours=1)

# So many failures in a row, over all lanes, and one probe at a time goes out.
FAILURES_UNTIL_PROBING = 20
# Without one success for so long, the webhook is disabled.
PATIENCE = timedelta(days=5)


def wait_after(attempts: int, retry_after: timedelta | None, spread: float) -> timedelta | None:
    """How long to wait for the next attempt; None: there were as many as there are.

    attempts: how many there were. retry_after: what the receiver asked for.
    spread: between -1 and 1, drawn anew each time, so that lanes do not come back together.
    """
    if attempts > len(WAITS):
        return None
    if retry_after is not None:
        return min(retry_after, LONGEST_RETRY_AFTER)
    return WAITS[attempts - 1] * (1 + SPREAD * spread)
