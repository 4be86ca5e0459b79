"""insights-api.md, Dates: as the funnel endpoint resolves them, in the project's timezone."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from services.common.accounts import administration
from tests.contracts.api.talk import Api

FUNNEL = {"events": [{"id": "a"}, {"id": "b"}]}


async def resolved(api: Api, zone: str = "UTC", **dates: str) -> tuple[datetime, datetime]:
    """The range that a funnel with these dates covers, in a project of this timezone."""
    project = await administration.create_project(
        api.here.pool, api.here.organization.id, zone, zone
    )
    answer = await api(f"POST /api/projects/{project.id}/insights/funnel/", {**FUNNEL, **dates})
    answer.says(200)
    found = answer["resolved_date_range"]
    return datetime.fromisoformat(found["date_from"]), datetime.fromisoformat(found["date_to"])


def today() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


DAY = timedelta(days=1)
STARTS: dict[str, Callable[[], datetime]] = {
    "-7d": lambda: today() - 7 * DAY,
    "-2w": lambda: today() - 14 * DAY,
    "dStart": today,
    "-1dStart": lambda: today() - DAY,
    "wStart": lambda: today() - (today().isoweekday() % 7) * DAY,
    "mStart": lambda: today().replace(day=1),
    "yStart": lambda: today().replace(month=1, day=1),
    "2021-01-01": lambda: datetime(2021, 1, 1, tzinfo=UTC),
    "2021-01-01T10:30:00": lambda: datetime(2021, 1, 1, 10, 30, tzinfo=UTC),
    "2021-01-01T10:30:00+02:00": lambda: datetime(2021, 1, 1, 8, 30, tzinfo=UTC),
}


@pytest.mark.parametrize("date_from", STARTS)
async def test_a_start(api: Api, date_from: str) -> None:
    start, _ = await resolved(api, date_from=date_from)
    assert start == STARTS[date_from]()


async def test_hours_and_smaller_are_exact_and_days_begin_at_midnight(api: Api) -> None:
    for text, ago in (
        ("-24h", timedelta(hours=24)),
        ("-30M", timedelta(minutes=30)),
        ("-30s", timedelta(seconds=30)),
    ):
        before = datetime.now(UTC)
        start, _ = await resolved(api, date_from=text)
        after = datetime.now(UTC)
        assert before - ago - timedelta(seconds=1) <= start <= after - ago
    for text in ("-1m", "-1q", "-1y"):
        start, _ = await resolved(api, date_from=text)
        assert (start.hour, start.minute, start.second) == (0, 0, 0)


async def test_the_default_is_the_last_seven_days_until_now(api: Api) -> None:
    """The docs say that date_to is -7d by default: it is now."""
    start, end = await resolved(api)
    assert start == today() - 7 * DAY
    assert end >= datetime.now(UTC) - timedelta(minutes=5)


async def test_an_end_that_is_a_day_includes_that_day(api: Api) -> None:
    _, end = await resolved(api, date_from="2021-01-01", date_to="2021-01-02")
    assert end == datetime(2021, 1, 2, 23, 59, 59, 999999, tzinfo=UTC)
    _, end = await resolved(api, date_to="-1d")
    assert end == today() - timedelta(microseconds=1)
    _, end = await resolved(api, date_from="2021-01-01", date_to="2021-01-02T03:00:00")
    assert end == datetime(2021, 1, 2, 3, tzinfo=UTC)


async def test_days_are_the_projects(api: Api) -> None:
    start, end = await resolved(
        api, "America/New_York", date_from="2021-01-01", date_to="2021-01-01"
    )
    assert start == datetime(2021, 1, 1, 5, tzinfo=UTC)
    assert end == datetime(2021, 1, 2, 5, tzinfo=UTC) - timedelta(microseconds=1)


async def test_all_begins_with_the_first_event(api: Api) -> None:
    first = datetime(2020, 5, 17, 12, tzinfo=UTC)
    await api.here.happened(("a", "ada", first))
    answer = await api("POST insights/funnel/", {**FUNNEL, "date_from": "all"})
    answer.says(200)
    assert [step["count"] for step in answer["result"]] == [1, 0]


async def test_a_list_takes_the_same_dates_and_they_are_strict(api: Api) -> None:
    made = await api.insight(tags=["dated"])
    at = made["last_modified_at"].replace("Z", "")
    for query, count in (
        (f"date_from={at}", 0),  # strictly after
        (f"date_to={at}", 0),  # strictly before
        ("date_from=-1h", 1),
        ("date_from=dStart", 1),
        ("date_to=-1h", 0),
    ):
        answer = await api(f"GET insights/?tags=[%22dated%22]&{query}")
        assert (query, answer["count"]) == (query, count)
