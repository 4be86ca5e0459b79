"""insights-api.md, Errors and Authentication, at every door there is: who may not come in is told
so in the one shape, and nothing of another project is ever seen.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from litestar.routes import HTTPRoute

from tests.contracts.api.talk import Api

SECRET = "Theirs alone"
# What a route must be sent before it looks at what the path names.
BODIES: dict[str, dict[str, Any]] = {
    "put_access": {"access_level": "viewer"},
    "put_project_access": {"access_level": "viewer"},
    "revert_insight": {"to": "v1"},
    "undo_in_insight": {"operation_id": str(UUID(int=1))},
}

# Ada is a member. What they tell an administrator of one project, and not of another, has tests of
# its own.
FOR_ADMINISTRATORS = {
    *("pull_facts", "stream_facts", "one_fact"),
    *("list_webhooks", "get_webhook", "webhook_attempts", "webhook_parked"),
    *("create_webhook", "edit_webhook", "delete_webhook", "rotate_webhook_secret"),
    *("pause_webhook", "resume_webhook", "retry_webhook_lane", "skip_webhook_lane"),
    *("replay_webhook", "send_webhook_test"),
    *("read_audit", "read_reads", "read_completeness", "export_archive"),
    *("read_checkpoint", "read_keys", "read_tile", "prove_inclusion", "prove_consistency"),
    *("request_erasure", "list_erasures", "get_erasure", "place_hold", "list_holds", "lift_hold"),
    *("organization_log", "advanced_organization_log"),
    *("read_organizations_audit", "read_organizations_reads", "read_organizations_completeness"),
    *("export_organizations_archive", "read_organizations_checkpoint", "read_organizations_keys"),
    *("read_organizations_tile", "prove_organizations_inclusion"),
    "prove_organizations_consistency",
}


class Door(msgspec.Struct, frozen=True):
    """One method of one path, whose places are not filled in yet."""

    method: str
    path: str
    handler: str
    scopes: tuple[str, ...]

    def at(self, **places: object) -> str:
        path = re.sub(r"{(\w+):\w+}", lambda place: str(places[place[1]]), self.path)
        return f"{self.method} {path}/"

    @property
    def body(self) -> dict[str, Any] | None:
        return BODIES.get(self.handler, {}) if self.method in ("POST", "PUT", "PATCH") else None


def doors(api: Api) -> list[Door]:
    """Every door that needs a key."""
    found = list(_doors(api))
    assert len(found) > 100
    assert sum(bool(door.scopes) for door in found) > 100
    assert sum("{organization:str}" in door.path for door in found) > 3
    return found


def _doors(api: Api) -> Iterator[Door]:
    for route in api.here.app.routes:
        if not isinstance(route, HTTPRoute) or not route.path.startswith("/api/"):
            continue
        for handler in route.route_handlers:
            if handler.opt.get("public"):
                continue
            for method in handler.http_methods - {"OPTIONS"}:
                scopes = handler.opt.get("scopes", ())
                yield Door(str(method), route.path, handler.handler_name, scopes)


@pytest.fixture(scope="module")
async def theirs(api: Api) -> dict[str, object]:
    """One of each thing in the other organization's project, by its place in a path."""
    eve = await api.stranger()
    root = api.elsewhere
    made: dict[str, object] = {"project": api.here.foreign.id, "name": "none", "password": 1}
    made |= {"sequence": 1, "webhook": "wh_1", "kind": "insight", "number": 1, "version": 1}
    made |= {"consumer": "bc_1", "operation": UUID(int=1), "place": "/0/999"}
    made |= {"erasure": 1, "hold": 1}
    made["organization"] = api.here.foreign.organization_id
    for kind in ("dashboards", "actions", "cohorts"):
        body = {"name": SECRET, "is_static": True} if kind == "cohorts" else {"name": SECRET}
        answer = await api(f"POST {root}{kind}/", body, by=eve)
        answer.says(201)
        made[kind.removesuffix("s")] = answer["id"]
    series = [{"kind": "EventsNode", "event": event} for event in ("a", SECRET)]
    insight = await api(
        f"POST {root}insights/",
        {
            "name": SECRET,
            "tags": [SECRET],
            "dashboards": [made["dashboard"]],
            "query": {"kind": "FunnelsQuery", "series": series},
        },
        by=eve,
    )
    insight.says(201)
    made["insight"] = insight["id"]
    shared = await api(f"PATCH {root}insights/{insight['id']}/sharing/", {"enabled": True}, by=eve)
    shared.says(200)
    started = await api(f"GET {root}insights/{insight['id']}/?refresh=async", by=eve)
    made["job"] = started["query_status"]["id"]
    await api(f"POST {root}insights/{insight['id']}/viewed/", by=eve)
    await happened(api)
    definitions = await api(f"GET {root}event_definitions/", by=eve)
    definitions.says(200, results__0__name=SECRET)
    made["definition"] = definitions["results"][0]["id"]
    return made


async def happened(api: Api) -> None:
    """An event in the other organization's project."""
    now = datetime.now(UTC)
    row = {
        "team_id": api.here.foreign.id,
        "event": SECRET,
        "timestamp": now,
        "uuid": uuid4(),
        "distinct_id": SECRET,
        "person_id": uuid4(),
        "properties": f'{{"{SECRET}": 1}}',
        "sent": "{}",
        "inserted_at": now,
    }
    await api.here.clickhouse.insert("events", {name: [value] for name, value in row.items()})


def ours(api: Api, **places: object) -> dict[str, object]:
    """Places of our own project, whether or not there is such a thing in it."""
    return {
        "project": api.here.project.id,
        "organization": api.here.organization.id,
        "insight": 1,
        "dashboard": 1,
        "action": 1,
        "cohort": 1,
        "password": 1,
        "name": "none",
        "job": UUID(int=1),
        "definition": UUID(int=1),
        "sequence": 1,
        "webhook": "wh_1",
        "kind": "insight",
        "number": 1,
        "version": 1,
        "consumer": "bc_1",
        "operation": UUID(int=1),
        "place": "/0/999",
        "erasure": 1,
        "hold": 1,
        **places,
    }


async def test_nobody_comes_in_without_a_key_or_with_a_wrong_one(api: Api) -> None:
    for door in doors(api):
        request = door.at(**ours(api))
        nobody = await api(request, door.body, by={"Authorization": ""})
        nobody.refuses(401, "not_authenticated")
        assert nobody.headers["www-authenticate"] == "Bearer", request
        wrong = await api(request, door.body, by={"Authorization": "Bearer phx_wrong"})
        wrong.refuses(401, "authentication_failed")


async def test_nobody_comes_in_without_the_scope(api: Api) -> None:
    key = await api.key("survey:write")
    for door in doors(api):
        if door.scopes:
            answer = await api(door.at(**ours(api)), door.body, by=key)
            words = f"API key missing required scope '{door.scopes[0]}'"
            answer.refuses(403, "permission_denied", words)


async def test_a_foreign_project_is_closed_from_both_sides(
    api: Api, theirs: dict[str, object]
) -> None:
    eve = await api.stranger()
    for door in doors(api):
        if "{project:str}" not in door.path or "{organization:str}" in door.path:
            continue
        for request, by in ((door.at(**theirs), {}), (door.at(**ours(api)), eve)):
            answer = await api(request, door.body, by=by)
            answer.refuses(403, "permission_denied", "You don't have access to the project.")


async def test_a_foreign_organization_is_not_there(api: Api, theirs: dict[str, object]) -> None:
    for door in doors(api):
        if "{organization:str}" in door.path:
            body = {"name": "A"} if door.body is not None else None
            (await api(door.at(**theirs), body)).refuses(404, "not_found")


async def test_a_foreign_id_is_not_there(api: Api, theirs: dict[str, object]) -> None:
    """What another project's things are called leads nowhere in ours."""
    named = {**theirs, "project": api.here.project.id}
    tried = 0
    for door in doors(api):
        places = set(re.findall(r"{(\w+):", door.path)) - {"project", "organization"}
        if "{project:str}" not in door.path or not places:
            continue
        answer = await api(door.at(**named), door.body)
        if door.handler == "cancel_job":
            # Nothing runs under it here, which is no error; theirs went on.
            assert answer.status == 204
            continue
        if door.handler in FOR_ADMINISTRATORS:
            answer.refuses(403, "permission_denied")
            continue
        # Who takes an operation back is told that it is the operation that is not here.
        undoes = door.handler in ("undo_operation", "undo_in_insight")
        answer.refuses(404, "not_found", attr="operation" if undoes else None)
        tried += 1
    assert tried >= 40


async def test_nothing_of_theirs_is_in_any_answer(api: Api, theirs: dict[str, object]) -> None:
    mine = await api.insight(name="Mine", query={"kind": "HogQLQuery", "query": "select 1"})
    board = await api.dashboard(name="Board")
    seen = 0
    for door in doors(api):
        if door.method != "GET" or door.handler in FOR_ADMINISTRATORS:
            continue
        request = door.at(**ours(api, insight=mine["id"], dashboard=board))
        for query in ("", f"?search={SECRET}&limit=1000&all=true&basic=true"):
            answer = await api(request + query)
            assert answer.status in (200, 400, 404), request
            # A link to the next page says what was searched, but not with a space in it.
            assert SECRET not in str(answer.body), request
            seen += answer.status == 200
    assert seen >= 30
    for query in (
        f"insights/?short_id={theirs['insight']}",
        f"insights/?dashboards=[{theirs['dashboard']}]",
        f"insights/?tags=[%22{SECRET.lower()}%22]",
    ):
        (await api(f"GET {query}")).says(200, count=0, results=[])


async def test_their_job_was_not_cancelled_by_us(api: Api, theirs: dict[str, object]) -> None:
    eve = await api.stranger()
    polled = await api(f"GET {api.elsewhere}query/{theirs['job']}/", by=eve)
    assert polled["query_status"]["error"] is False
