"""Worked examples of lifecycles: trends.md section 13."""

from typing import Any

from services.query.events.facts import PlanningFacts
from services.query.insights.lifecycle.oracle import answer
from tests.trends.stories import (
    NOW,
    VIEWED,
    alive,
    at,
    counted,
    data,
    february,
    lifecycle,
    living,
    reading,
    record,
    trends,
    world,
)

DATES = february(2, 5)
# ann was there before and comes and goes; bob is new on the 3rd; cat did other things first.
SHOP = world(
    at("ann", "02-01"), at("ann", "02-02"), at("ann", "02-05"),
    at("bob", "02-03"), at("bob", "02-04"),
    at("cat", "01-20", "$other"), at("cat", "02-04"),
    persons={
        "ann": record("01-01"), "bob": record("02-03 08:00"), "cat": record("01-20"),
    },
)  # fmt: skip


def test_each_day_everybody_is_one_of_four() -> None:
    assert alive(lifecycle(dateRange=DATES), SHOP) == {
        "new": [0, 1, 0, 0],
        "returning": [1, 0, 1, 0],
        "resurrecting": [0, 0, 1, 1],
        "dormant": [0, -1, 0, -2],
    }


def test_rows_are_always_these_four() -> None:
    plan = lifecycle(dateRange=DATES)
    rows = answer(plan, reading(trends(), SHOP))
    assert [row["status"] for row in rows] == ["new", "returning", "resurrecting", "dormant"]
    assert rows[3] == {
        "action": {
            "id": "$pageview", "name": "$pageview", "type": "events", "order": 0, "math": "total",
        },
        "label": "$pageview - dormant",
        "status": "dormant",
        "data": [0, -1, 0, -2],
        "count": -3,
        "days": ["2024-02-02", "2024-02-03", "2024-02-04", "2024-02-05"],
        "labels": ["2-Feb-2024", "3-Feb-2024", "4-Feb-2024", "5-Feb-2024"],
    }  # fmt: skip
    nothing = alive(lifecycle(dateRange=DATES), world())
    assert nothing == dict.fromkeys(("new", "returning", "resurrecting", "dormant"), [0] * 4)


def test_who_is_new_and_silent_the_day_after_is_dormant() -> None:
    of = world(at("ann", "02-02"), persons={"ann": record("02-02")})
    assert alive(lifecycle(dateRange=february(2, 3)), of)["dormant"] == [0, -1]


def test_events_without_a_profile_never_count_for_persons() -> None:
    quiet: dict[str, Any] = {"$process_person_profile": False}
    of = world(at("ann", "02-02", **quiet), at("bob", "02-02"), persons={"bob": record("02-02")})
    assert alive(lifecycle(dateRange=february(2, 2)), of)["new"] == [1]
    assert alive(lifecycle(dateRange=february(2, 2)), of)["resurrecting"] == [0]


def test_groups_are_first_seen_by_their_record_or_their_first_event() -> None:
    of = world(
        at("u", "01-20", "$other", groups={0: "seen"}),
        at("u", "02-02", groups={0: "seen"}),
        at("u", "02-02", groups={0: "fresh"}),
        at("u", "02-02", groups={0: "known"}),
        at("u", "02-02"),
        groups={(0, "known"): record("01-01"), (1, "fresh"): record("01-01")},
    )
    plan = lifecycle(dateRange=february(2, 2), aggregation_group_type_index=0)
    found = alive(plan, of)
    assert (found["new"], found["resurrecting"]) == ([1], [2])


def test_the_step_back_loses_nothing_where_clocks_change() -> None:
    berlin = PlanningFacts(team_id=1, now=NOW, timezone="Europe/Berlin")
    # 31 March has 23 hours there: from 23:00 UTC of the 30th to 22:00 UTC.
    of = world(at("ann", "03-30 23:10"), at("ann", "03-31 21:59"), at("ann", "03-31 22:00"))
    dates = {"date_from": "2024-03-31", "date_to": "2024-04-01"}
    assert alive(lifecycle(facts=berlin, dateRange=dates), of)["returning"] == [0, 1]


def test_statuses_add_up_to_the_active_people() -> None:
    found = alive(lifecycle(dateRange=DATES), SHOP)
    dau = data(trends(counted("dau"), dateRange=february(1, 5)), SHOP)
    here = zip(found["new"], found["returning"], found["resurrecting"], strict=True)
    assert [sum(three) for three in here] == dau[1:]
    before = zip(found["returning"], found["dormant"], strict=True)
    assert [kept - lost for kept, lost in before] == dau[:-1]


def test_the_people_of_a_status() -> None:
    plan = lifecycle(dateRange=DATES)
    assert living(plan, SHOP, day="2024-02-05", status="dormant") == {"bob": 1, "cat": 1}
    assert living(plan, SHOP, day="2024-02-04", status="resurrecting") == {"cat": 1}
    assert living(plan, SHOP, status="returning") == {"ann": 1, "bob": 1}


def test_an_unknown_action_has_no_rows() -> None:
    plan = lifecycle({"kind": "ActionsNode", "id": 9}, dateRange=DATES)
    assert alive(plan, SHOP) == {}


def test_any_event_is_called_all_events() -> None:
    plan = lifecycle({"kind": "EventsNode"}, dateRange=DATES)
    assert answer(plan, reading(trends(VIEWED), SHOP))[0]["label"] == "All events - new"
