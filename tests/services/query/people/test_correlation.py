"""Correlation over HTTP: its answer, its people, its refusals."""

import json
from typing import Any

from tests.services.query.people.shop import (
    DATES,
    NODE,
    SIGN_UP,
    Event,
    everybody,
    happened,
    known,
    names,
    ok,
    parameters,
    person_id,
)
from tests.whole import Whole

CLICK = {
    "$event_type": "click",
    "$elements_chain": 'button.buy:nth-child="1"text="Buy";div:attr_id="shop"',
}
PAYING = ("ada", "bob", "cy", "dot")
LEAVING = ("eve", "fay", "gil", "hal")


async def opened(whole: Whole) -> None:
    """Four pay after an hour, four leave; whoever pays has mostly watched the tour before."""
    await happened(
        whole,
        *(Event("signed_up", who, 0) for who in (*PAYING, *LEAVING)),
        *(Event("paid", who, 2) for who in PAYING),
        *(Event("toured", who, 1, {"lang": "en", "n": 2}) for who in ("ada", "bob", "cy", "eve")),
        *(Event("got lost", who, 1, {"lang": "fr"}) for who in ("dot", "fay", "gil", "hal")),
        *(Event("$autocapture", who, 1, CLICK) for who in ("ada", "bob", "eve")),
        # Outside its attempt, nothing counts.
        Event("toured", "dot", 3),
        Event("toured", "fay", 15 * 24),
    )
    await known(
        whole,
        **{who: {"plan": "pro", "seats": 5} for who in ("ada", "bob", "cy")},
        **{who: {"plan": "free"} for who in ("dot", "eve", "fay")},
        **{who: {} for who in ("gil", "hal")},
    )


async def correlation(whole: Whole, **filters: Any) -> dict[str, Any]:
    answer = await whole.client.post(
        f"{whole.insights}funnel/correlation/", json={**SIGN_UP, **filters}
    )
    return ok(answer)


def counts(answer: dict[str, Any]) -> dict[str, tuple[int, int]]:
    return {
        one["event"]["event"]: (one["success_count"], one["failure_count"])
        for one in answer["result"]["events"]
    }


async def lists_match(whole: Whole, answer: dict[str, Any]) -> None:
    """Each URL leads to as many people as are counted."""
    for one in answer["result"]["events"]:
        for side in ("success", "failure"):
            found = await everybody(whole, one[f"{side}_people_url"])
            assert len(found) == one[f"{side}_count"], one


async def test_events_that_go_along_with_paying_come_first(whole: Whole) -> None:
    await opened(whole)
    answer = await correlation(whole)
    assert counts(answer) == {"toured": (3, 1), "$autocapture": (2, 1), "got lost": (1, 3)}
    best = answer["result"]["events"][0]
    assert {name: value for name, value in best.items() if not name.endswith("_url")} == {
        "event": {"event": "toured", "properties": {}, "elements": []},
        "success_count": 3,
        "failure_count": 1,
        "odds_ratio": 4.0,
        "correlation_type": "success",
    }
    assert (answer["result"]["skewed"], answer["is_cached"]) == (False, False)
    assert answer["hogql"].startswith("CORRELATE events WITH CONVERSION OF\nSELECT")
    again = await correlation(whole)
    assert again["is_cached"] is True
    await lists_match(whole, again)
    without = await correlation(whole, funnel_correlation_exclude_event_names=["toured"])
    assert list(counts(without)) == ["$autocapture", "got lost"]


async def test_how_likely_chance_is_as_uneven_is_told_when_asked_for(whole: Whole) -> None:
    await opened(whole)
    assert "p_value" not in (await correlation(whole))["result"]["events"][0]
    best = (await correlation(whole, include="p_value"))["result"]["events"][0]
    assert 0.4 < best["p_value"] < 0.5
    source = {"kind": "FunnelsActorsQuery", "source": NODE, "funnelStep": 1}
    node = {"kind": "FunnelCorrelationQuery", "source": source}
    answer = ok(
        await whole.client.post(f"{whole.root}query/", json={"query": node, "include": ["p_value"]})
    )
    assert answer["results"]["events"][0]["p_value"] == best["p_value"]
    for path, asked in (
        (f"{whole.insights}funnel/correlation/", {**SIGN_UP, "include": "pending"}),
        (f"{whole.root}query/", {"query": node, "include": "pending"}),
        (f"{whole.insights}funnel/", {**SIGN_UP, "include": "p_value"}),
    ):
        refused = await whole.client.post(path, json=asked)
        assert (refused.status_code, refused.json()["attr"]) == (400, "include")


async def test_the_urls_carry_the_filter_and_the_entity(whole: Whole) -> None:
    await opened(whole)
    best = (await correlation(whole))["result"]["events"][0]
    sent = parameters(best["failure_people_url"])
    assert len(sent.pop("cache_invalidation_key")) == 8
    assert json.loads(sent.pop("events")) == SIGN_UP["events"]
    assert sent == {
        **DATES,
        "funnel_correlation_person_converted": "false",
        "funnel_correlation_person_entity": '{"id":"toured","type":"events"}',
    }
    page = ok(await whole.client.get(best["failure_people_url"]))
    assert names(page) == {"eve"}
    (eve,) = page["results"][0]["people"]
    assert [event["event"] for event in eve["matched_events"]] == ["signed_up"]


async def test_properties_of_events_are_told_with_their_values(whole: Whole) -> None:
    await opened(whole)
    asked = {
        "funnel_correlation_type": "event_with_properties",
        "funnel_correlation_event_names": ["toured", "got lost", "$autocapture"],
    }
    answer = await correlation(whole, **asked)
    chain = f"$autocapture::elements_chain::click__~~__{CLICK['$elements_chain']}"
    assert counts(answer) == {
        "toured::lang::en": (3, 1),
        "toured::n::2": (3, 1),
        chain: (2, 1),
        "got lost::lang::fr": (1, 3),
    }
    (clicked,) = [
        one["event"] for one in answer["result"]["events"] if one["event"]["event"] == chain
    ]
    assert clicked["properties"] == {"$event_type": "click"}
    assert {one["event"] for one in clicked["elements"]} == {None}
    assert [(one["tag_name"], one["text"], one["attr_id"]) for one in clicked["elements"]] == [
        ("button", "Buy", None),
        ("div", None, "shop"),
    ]
    await lists_match(whole, answer)
    without = await correlation(
        whole, **asked, funnel_correlation_event_exclude_property_names=["lang", "n"]
    )
    assert list(counts(without)) == [chain]


async def test_properties_of_persons_are_told_missing_ones_too(whole: Whole) -> None:
    await opened(whole)
    answer = await correlation(
        whole, funnel_correlation_type="properties", funnel_correlation_names=["plan"]
    )
    assert counts(answer) == {"plan::pro": (3, 0), "plan::free": (1, 2), "plan::": (0, 2)}
    await lists_match(whole, answer)
    every = await correlation(
        whole,
        funnel_correlation_type="properties",
        funnel_correlation_names='["$all"]',
        funnel_correlation_exclude_names=["plan"],
    )
    assert counts(every) == {"seats::5": (3, 0)}
    await lists_match(whole, every)


async def test_names_with_what_joins_them_lead_to_their_people_too(whole: Whole) -> None:
    await happened(
        whole,
        *(Event("signed_up", who, 0) for who in (*PAYING, *LEAVING)),
        *(Event("Tour::Seen", who, 1, {"At::Step": "a::b"}) for who in ("ada", "bob", "eve")),
        *(Event("paid", who, 2) for who in PAYING),
    )
    pro = ("ada", "bob", "eve", "gil")
    await known(
        whole, **{who: {"Plan::Name": "pro"} if who in pro else {} for who in (*PAYING, *LEAVING)}
    )
    of_persons = {"funnel_correlation_type": "properties"}
    answer = await correlation(whole, **of_persons, funnel_correlation_names=["Plan::Name"])
    (found,) = [e for e in answer["result"]["events"] if e["event"]["event"].endswith("pro")]
    assert found["event"]["parts"] == ["Plan::Name", "pro"]
    await lists_match(whole, answer)
    of_events = {"funnel_correlation_type": "event_with_properties"}
    answer = await correlation(whole, **of_events, funnel_correlation_event_names=["Tour::Seen"])
    (found,) = answer["result"]["events"]
    assert found["event"]["parts"] == ["Tour::Seen", "At::Step", "a::b"]
    await lists_match(whole, answer)


async def test_properties_of_groups_are_those_of_the_groups(whole: Whole) -> None:
    await happened(
        whole,
        Event("signed_up", "ada", 0, groups=["acme"]),
        Event("paid", "ada", 1, groups=["acme"]),
        Event("signed_up", "bob", 0, groups=["brick"]),
    )
    await whole.clickhouse.insert(
        "groups",
        {
            "team_id": [whole.project.id],
            "group_type_index": [0],
            "group_key": ["acme"],
            "properties": ['{"size":"big"}'],
            "sent": ['{"size":"big"}'],
            "created_at": ["2024-01-01"],
            "version": [1],
        },
    )
    answer = await correlation(
        whole,
        aggregation_group_type_index=0,
        funnel_correlation_type="properties",
        funnel_correlation_names=["size"],
    )
    assert counts(answer) == {"size::big": (1, 0), "size::": (0, 1)}
    await lists_match(whole, answer)


async def test_one_side_alone_is_skewed_and_no_series_is_nothing(whole: Whole) -> None:
    await happened(whole, Event("signed_up", "ada", 0), Event("toured", "ada", 1))
    assert (await correlation(whole))["result"] == {"events": [], "skewed": True}
    nothing = await correlation(whole, events=[])
    assert nothing["result"] == {"events": [], "skewed": False}


async def test_a_node_answers_the_same_and_so_do_its_actors(whole: Whole) -> None:
    await opened(whole)
    source = {"kind": "FunnelsActorsQuery", "source": NODE, "funnelStep": 1}
    node = {"kind": "FunnelCorrelationQuery", "source": source}

    async def run(query: dict[str, Any]) -> dict[str, Any]:
        return ok(await whole.client.post(f"{whole.root}query/", json={"query": query}))

    answer = await run(node)
    assert counts({"result": answer["results"]})["toured"] == (3, 1)
    assert "success_people_url" not in answer["results"]["events"][0]
    actors = {
        "kind": "FunnelCorrelationActorsQuery",
        "source": node,
        "funnelCorrelationPersonEntity": {"kind": "EventsNode", "event": "toured"},
    }
    both = await run({"kind": "ActorsQuery", "source": actors, "select": ["id"]})
    ids = sorted(str(person_id(who)) for who in ("ada", "bob", "cy", "eve"))
    assert [row[0] for row in both["results"]] == ids
    lost = await run({**actors, "funnelCorrelationPersonConverted": False})
    assert [row[1] for row in lost["results"]] == [str(person_id("eve"))]
    ordered = await run(
        {"kind": "ActorsQuery", "source": actors, "select": ["id"], "orderBy": ["id DESC"]}
    )
    assert [row[0] for row in ordered["results"]] == ids[::-1]


async def test_other_filters_of_an_entity_narrow_the_people_down(whole: Whole) -> None:
    await opened(whole)

    async def found(*filters: dict[str, Any], **asked: Any) -> set[str]:
        entity = {"id": "toured", "type": "events", "properties": list(filters)}
        answer = await whole.client.post(
            f"{whole.root}person/funnel/correlation/",
            json={**SIGN_UP, "funnel_correlation_person_entity": entity, **asked},
        )
        return names(ok(answer))

    assert await found({"key": "n", "operator": "gt", "value": 1}) == {"ada", "bob", "cy", "eve"}
    pro = {"key": "plan", "type": "person", "value": "pro"}
    assert await found({"key": "lang", "value": ["en", "fr"]}, pro) == {"ada", "bob", "cy"}
    assert await found({"key": "lang", "value": "fr"}) == set()
    assert len(await found(funnel_correlation_person_limit=2)) == 2
    assert len(await found(funnel_correlation_person_offset=3)) == 1


async def test_a_correlation_as_csv_is_a_row_per_name(whole: Whole) -> None:
    await opened(whole)
    answer = await whole.client.post(
        f"{whole.insights}funnel/correlation/?format=csv", json=SIGN_UP
    )
    header, *rows = answer.text.splitlines()
    assert (header.split(",")[0], len(rows)) == ("event.event", 3)


async def test_what_cannot_be_correlated_is_refused(whole: Whole) -> None:
    names_missing = "Property Correlation expects atleast one Property to run correlation on"
    events_missing = (
        "Event Property Correlation expects atleast one event name to run correlation on"
    )
    numbers: list[tuple[dict[str, Any], str | None, str]] = [
        ({"funnel_correlation_type": "properties"}, None, names_missing),
        ({"funnel_correlation_type": "event_with_properties"}, None, events_missing),
        ({"funnel_correlation_type": "moods"}, "funnel_correlation_type", '"moods" is not'),
        ({"funnel_correlation_names": [1]}, "funnel_correlation_names", "funnel_correlation_names"),
        ({"date_to": "x"}, "date_to", ""),
    ]
    properties = {"funnel_correlation_type": "properties", "funnel_correlation_names": ["plan"]}
    unequal = [{"key": "plan", "operator": "icontains", "value": "p"}]
    people: list[tuple[dict[str, Any], str | None, str]] = [
        ({}, None, "No entity for persons specified"),
        (
            {"funnel_correlation_person_entity": "[1]"},
            "funnel_correlation_person_entity",
            "An entity is an object.",
        ),
        (properties, None, "Property Correlation expects atleast one Property to get persons for"),
        (
            {**properties, "funnel_correlation_property_values": unequal},
            "funnel_correlation_property_values",
            "Only equality",
        ),
    ]
    for path, cases in (
        (f"{whole.insights}funnel/correlation/", numbers),
        (f"{whole.root}persons/funnel/correlation/", people),
    ):
        for filters, attr, detail in cases:
            answer = await whole.client.post(path, json={**SIGN_UP, **filters})
            told = answer.json()
            assert (answer.status_code, told["type"], told["attr"]) == (
                400, "validation_error", attr,
            ), (filters, told)  # fmt: skip
            assert told["detail"].startswith(detail), told
    source = {"kind": "FunnelsActorsQuery", "source": NODE, "funnelStep": 1}
    node = {"kind": "FunnelCorrelationQuery", "source": source}
    for query, detail in (
        ({**node, "funnelCorrelationType": "properties"}, names_missing),
        (
            {"kind": "FunnelCorrelationActorsQuery", "source": node},
            "No entity for persons specified",
        ),
    ):
        answer = await whole.client.post(f"{whole.root}query/", json={"query": query})
        assert (answer.status_code, answer.json()["detail"]) == (400, detail)
    reader = await whole.key("insight:read")
    denied = await whole.client.get(f"{whole.root}persons/funnel/correlation/", headers=reader)
    assert denied.status_code == 403
