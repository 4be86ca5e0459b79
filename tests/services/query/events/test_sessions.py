"""Properties of a session are those of all its events."""

from datetime import timedelta
from typing import Any

import pytest

from services.query.events.conditions import PropertyIs
from tests.services.query.conftest import NOON, Events, event, uid


@pytest.fixture
def visits(events: Events, team: int) -> int:
    """Session "long": pages /a then /b, 30 s; "short": page /c once; events 3 and 4 without."""

    def at(seconds: int, **of: Any) -> dict[str, Any]:
        return {"timestamp": NOON + timedelta(seconds=seconds)} | of

    pages = [("long", 0, "/a?x=1"), ("long", 30, "/b"), ("short", 5, "/c")]
    rows = [
        event(
            team, place, {"$current_url": f"https://x.y{path}"}, **at(seconds, session_id=session)
        )
        for place, (session, seconds, path) in enumerate(pages)
    ]
    rows += [event(team, 3, {"$current_url": "https://x.y/d"}), event(team, 4)]
    views = [
        event(
            team, "$pageview", {}, **at(seconds, session_id=s, uuid=uid(f"{team} view {seconds}"))
        )
        for s, seconds in (("long", 1), ("long", 29), ("short", 5))
    ]
    events.insert("events", rows)
    events.insert("events", views)
    return team


@pytest.mark.parametrize(
    ("key", "operator", "value", "passing"),
    [
        ("$session_duration", "gt", 29, [0, 1]),
        ("$session_duration", "exact", 0, [2]),
        ("$pageview_count", "exact", "2", [0, 1]),
        ("$is_bounce", "exact", "true", [2]),
        ("$entry_current_url", "exact", "https://x.y/a?x=1", [0, 1]),
        ("$entry_pathname", "exact", "/a", [0, 1]),
        ("$end_current_url", "icontains", "/B", [0, 1]),
        ("$end_pathname", "exact", "/b", [0, 1]),
        ("$start_timestamp", "is_date_after", "2024-01-10T12:00:04+00:00", [2]),
        ("$end_timestamp", "is_date_exact", "2024-01-10T12:00:30+00:00", [0, 1]),
        ("$entry_pathname", "is_not", "/a", [2, 3, 4]),
        ("$session_duration", "is_set", None, [0, 1, 2]),
    ],
)
def test_session_properties_are_those_of_all_its_events(
    events: Events, visits: int, key: str, operator: Any, value: Any, passing: list[int]
) -> None:
    values = () if value is None else (value,)
    condition = PropertyIs("session", key, operator, values)
    assert events.passing(visits, condition) == passing
