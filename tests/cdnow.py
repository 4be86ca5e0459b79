"""Real purchases (CDNOW, 1997 to 1998), with funnels and periods over them counted by hand.

The counting knows nothing of the product's SQL nor of its reference: other tests compare with it.
"""

import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, groupby
from pathlib import Path
from statistics import median

import msgspec

SHARED = Path(os.environ.get("RECOUNT_SHARED", Path(__file__).parents[2] / "shared"))
PURCHASES = SHARED / "data" / "cdnow_purchases.txt"
DATE_FROM = datetime(1997, 1, 1, tzinfo=UTC)
DATE_TO = datetime(1998, 6, 30, 23, 59, 59, 999_999, tzinfo=UTC)


class Purchase(msgspec.Struct, frozen=True):
    """One row. The n-th of a customer's day (from 0) happened n minutes after midnight UTC."""

    customer: str
    at: datetime
    cds: int
    value: float


class Conversion(msgspec.Struct, frozen=True):
    """counts: customers with a first, second, third purchase of the funnel. medians: seconds from
    the purchase before, None for the first."""

    counts: tuple[int, int, int]
    medians: tuple[None, float, float]


def purchases(path: Path = PURCHASES) -> dict[str, list[Purchase]]:
    """Customer -> purchases, the oldest first. Raises FileNotFoundError without the data set."""
    _header, *lines = path.read_text().splitlines()
    rows = [line.split() for line in lines]
    found: dict[str, list[Purchase]] = {}
    for (customer, day), of_day in groupby(sorted(rows, key=lambda row: row[:2]), lambda r: r[:2]):
        midnight = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC)
        found.setdefault(customer, []).extend(
            Purchase(customer, midnight + timedelta(minutes=n), int(cds), float(dollars))
            for n, (_, _, cds, dollars) in enumerate(of_day)
        )
    return found


def three_purchases(
    customers: dict[str, list[Purchase]], *, window_days: int, second_over: float | None = None
) -> Conversion:
    """purchase → purchase → purchase within a window that starts at the first.

    second_over: dollars that the second purchase must exceed. Zero seconds never occur: no customer
    buys twice in one minute.
    """
    window = timedelta(days=window_days)
    first, second, third = 0, [], []
    for bought in customers.values():
        if not bought:
            continue
        first += 1
        seconds = [
            j
            for j in range(1, len(bought))
            if second_over is None or bought[j].value > second_over
            if bought[j].at - bought[j - 1].at <= window
        ]
        if not seconds:
            continue
        # A third purchase follows the newest pair before it; the first to do so is reported.
        closings = (
            (newest, i)
            for i in range(2, len(bought))
            if (newest := max((j for j in seconds if j < i), default=0))
            if bought[i].at - bought[newest - 1].at <= window
        )
        j, i = next(closings, (seconds[0], None))
        second.append((bought[j].at - bought[j - 1].at).total_seconds())
        if i is not None:
            third.append((bought[i].at - bought[j].at).total_seconds())
    return Conversion(
        (first, len(second), len(third)), (None, float(median(second)), float(median(third)))
    )


# Over periods, counted by hand too. A month is a number, from 0: January 1997.

MONTHS = 18


def revenue_by_month(customers: dict[str, list[Purchase]]) -> list[float]:
    cents = [0] * MONTHS
    for one in _all(customers):
        cents[_month(one)] += round(one.value * 100)
    return [month / 100 for month in cents]


def buyers_by_week(customers: dict[str, list[Purchase]]) -> list[int]:
    """Weeks begin on Sunday: the first is that of 29 December 1996."""
    since = datetime(1996, 12, 29, tzinfo=UTC)
    buyers = {((one.at - since).days // 7, one.customer) for one in _all(customers)}
    weeks = range((DATE_TO - since).days // 7 + 1)
    found = Counter(week for week, _ in buyers)
    return [found[week] for week in weeks]


def customers_by_number_of_months(customers: dict[str, list[Purchase]]) -> list[int]:
    """How many bought in one month, in two, and so on."""
    found = Counter(len({_month(one) for one in bought}) for bought in customers.values())
    return [found[number] for number in range(1, MONTHS + 1)]


def lifecycle_by_month(customers: dict[str, list[Purchase]]) -> dict[str, list[int]]:
    """Those who fell silent are negative."""
    found = {status: [0] * MONTHS for status in ("new", "returning", "resurrecting", "dormant")}
    for bought in customers.values():
        active = {_month(one) for one in bought}
        for month in range(MONTHS):
            before = month - 1 in active
            if month in active:
                again = "returning" if before else "resurrecting"
                found["new" if month == min(active) else again][month] += 1
            elif before:
                found["dormant"][month] -= 1
    return found


def _all(customers: dict[str, list[Purchase]]) -> Iterator[Purchase]:
    return chain.from_iterable(customers.values())


def _month(one: Purchase) -> int:
    return (one.at.year - 1997) * 12 + one.at.month - 1
