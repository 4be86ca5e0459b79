"""An insight is put back to a version of it, over HTTP."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from msgspec import Raw

from contracts.events.insight import InsightQueryChanged
from contracts.events.recorded import UserActor
from contracts.events.streams import insight_stream
from contracts.json import NULL
from services.common.log.store import Append, AppendPart
from tests.services.command.conftest import World
from tests.services.command.history.test_undo import (
    NAMED,
    as_another,
    asked,
    done,
    made,
    operation,
    shown,
)


async def test_it_is_again_as_it_was_and_says_why(world: World) -> None:
    made_it = await done(world, "POST", "/insights/", {**NAMED, "saved": False, "tags": ["a"]})
    insight = made_it.json()["id"]
    await done(world, "PATCH", f"/insights/{insight}/", {"name": "Visits", "tags": ["b"]})
    answer = await done(world, "POST", f"/insights/{insight}/revert/", {"to": "v2"})
    body = answer.json()
    assert (body["name"], body["tags"], body["saved"]) == ("Sign-ups", ["a"], False)
    facts = await world.app.state.store.operations(world.project.id, [operation(answer)])
    assert facts[-1].fact.event.version == 2
    assert {str(each.fact.causation_id) for each in facts} == {operation(made_it)}
    again = await done(world, "POST", f"/insights/{insight}/revert/", {"to": "v2"})
    assert "Insights-Operation" not in again.headers


async def test_some_fields_alone_and_a_version_inside_an_operation_is_the_one_before(
    world: World,
) -> None:
    insight = await made(world, "insights", {"name": "A", "description": "B"})
    both = {"name": "C", "description": "D"}
    position = (await done(world, "PATCH", f"/insights/{insight}/", both)).headers[
        "Insights-Position"
    ]
    path = f"/insights/{insight}/revert/"
    part = (await done(world, "POST", path, {"to": "v2", "fields": ["name"]})).json()
    assert (part["name"], part["description"]) == ("A", "D")
    back = (await done(world, "POST", path, {"to": f"p{position}"})).json()
    assert (back["name"], back["description"]) == ("C", "D")
    first = (await done(world, "POST", path, {"to": f"p{int(position) - 1}"})).json()
    assert (first["name"], first["description"]) == ("A", "B")
    now = datetime.now(UTC).isoformat()
    assert "Insights-Operation" not in (await done(world, "POST", path, {"to": now})).headers


async def test_dashboards_that_are_gone_are_named(world: World) -> None:
    kept = await made(world, "dashboards", {"name": "Kept"})
    gone = await made(world, "dashboards", {"name": "Gone"})
    made_it = await done(world, "POST", "/insights/", {"dashboards": [kept, gone]})
    insight, version = made_it.json()["id"], made_it.headers["ETag"].split("-")[0].strip('"')
    await done(world, "PATCH", f"/insights/{insight}/", {"dashboards": []})
    await done(world, "PATCH", f"/dashboards/{gone}/", {"deleted": True})
    body, key = {"to": f"v{version}"}, {"Idempotency-Key": "back"}
    for _ in range(2):
        answer = await asked(world, "POST", f"/insights/{insight}/revert/", body, **key)
        assert answer.json()["dashboards"] == [kept], answer.text
        assert answer.headers["Insights-Skipped"] == f"dashboards={gone}"


async def test_a_deleted_insight_comes_back_and_a_deleted_version_does_not(world: World) -> None:
    insight = await made(world, "insights", NAMED)
    await done(world, "PATCH", f"/insights/{insight}/", {"deleted": True})
    path = f"/insights/{insight}/revert/"
    await done(world, "POST", path, {"to": "v1"})
    assert (await shown(world, insight))["name"] == "Sign-ups"
    refused = await asked(world, "POST", path, {"to": "v2"})
    assert (refused.status_code, refused.json()["code"]) == (409, "version_deleted")


@pytest.mark.parametrize(
    ("to", "status", "code"),
    [
        ("v9", 404, "not_found"),
        ("v0", 404, "not_found"),
        ("7", 400, "invalid_input"),
        ("p999999", 400, "as_of_ahead"),
        ("s999999", 400, "as_of_ahead"),
        ("2999-01-01T00:00:00Z", 400, "as_of_ahead"),
        ("2001-01-01T00:00:00Z", 404, "not_found"),
    ],
)
async def test_what_names_no_version_is_refused(
    world: World, to: str, status: int, code: str
) -> None:
    insight = await made(world, "insights", NAMED)
    refused = await asked(world, "POST", f"/insights/{insight}/revert/", {"to": to})
    assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text


async def test_who_may_not_edit_it_may_not_revert_it(world: World) -> None:
    insight = await made(world, "insights", NAMED)
    await done(world, "PUT", f"/insights/{insight}/access_controls/", {"access_level": "viewer"})
    path, body = f"/insights/{insight}/revert/", {"to": "v1"}
    assert (await asked(world, "POST", path, body, **await as_another(world))).status_code == 403
    stale = await asked(world, "POST", path, body, **{"If-Match": '"9"'})
    assert stale.status_code == 412


async def test_a_stored_query_that_is_refused_by_now_does_not_come_back(world: World) -> None:
    insight = await made(world, "insights", NAMED)
    # As an older version of the code took it.
    stored = InsightQueryChanged(Raw(b'{"kind":"Nonsense"}'), NULL)
    number = uuid4()
    await world.app.state.store.append(
        Append(
            parts=(AppendPart(insight_stream(world.project.id, insight), 1, (stored,)),),
            actor=UserActor(world.user_id),
            operation_id=number,
            correlation_id=number,
        )
    )
    query = {"kind": "FunnelsQuery", "series": [{"kind": "EventsNode", "event": "a"}]}
    await done(world, "PATCH", f"/insights/{insight}/", {"query": query, "name": "Visits"})
    path = f"/insights/{insight}/revert/"
    refused = await asked(world, "POST", path, {"to": "v2"})
    assert refused.status_code == 409, refused.text
    assert (refused.json()["code"], refused.json()["attr"]) == ("not_valid_now", "to")
    assert "Nonsense" in refused.json()["detail"]
    named = await done(world, "POST", path, {"to": "v2", "fields": ["name"]})
    assert named.json()["name"] == "Sign-ups"
    assert named.json()["query"]["kind"] == "FunnelsQuery"
