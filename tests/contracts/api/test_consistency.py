"""ETags, If-Match, Idempotency-Key and Insights-Position: every writer and every read alike."""

from typing import Any

import pytest

from tests.contracts.api.talk import Answer, Api

LATE = {"If-Match": '"99"'}

# request, its body, another body
WRITERS: list[tuple[str, Any, Any]] = [
    ("PATCH insights/{insight}/", {"name": "B"}, {"name": "C"}),
    ("PUT insights/{insight}/", {"name": "B"}, {"name": "C"}),
    ("PATCH insights/{insight}/sharing/", {"enabled": True}, {"enabled": False}),
    ("POST insights/{insight}/sharing/refresh/", None, None),
    ("POST insights/{insight}/sharing/passwords/", {"note": "a"}, {"note": "b"}),
    ("DELETE insights/{insight}/sharing/passwords/{password}/", None, None),
    ("PUT insights/{insight}/access_controls/", {"access_level": "editor"},
     {"access_level": "manager"}),
    ("PUT insights/{insight}/global_access_controls/", {"access_level": "editor"},
     {"access_level": "manager"}),
    ("PATCH dashboards/{dashboard}/", {"name": "B"}, {"name": "C"}),
    ("PUT dashboards/{dashboard}/", {"name": "B"}, {"name": "C"}),
    ("PATCH actions/{action}/", {"name": "B"}, {"name": "C"}),
    ("PUT actions/{action}/", {"name": "B"}, {"name": "C"}),
    ("PATCH cohorts/{cohort}/", {"name": "B"}, {"name": "C"}),
    ("PUT cohorts/{cohort}/", {"name": "B"}, {"name": "C"}),
    ("PATCH /api/projects/{project}/", {"name": "B"}, {"name": "C"}),
]  # fmt: skip
NAMES = [request for request, _, _ in WRITERS]

READS = [
    "insights/{insight}/", "insights/", "insights/my_last_viewed/", "insights/activity/",
    "insights/{insight}/activity/", "insights/{insight}/sharing/",
    "insights/{insight}/access_controls/", "insights/{insight}/global_access_controls/",
    "dashboards/", "dashboards/{dashboard}/", "actions/", "actions/{action}/", "cohorts/",
    "cohorts/{cohort}/", "/api/projects/{project}/",
]  # fmt: skip


@pytest.fixture(scope="module")
async def boss(api: Api) -> dict[str, str]:
    """An administrator: all of these are theirs to write."""
    return await api.key(user_id=await api.here.member("boss@example.com", level=8))


async def places(api: Api, boss: dict[str, str]) -> dict[str, Any]:
    """One of each thing, new, by its place in a path; the insight is shared, under a password."""
    made: dict[str, Any] = {"project": api.here.project.id}
    for kind in ("insights", "dashboards", "actions", "cohorts"):
        made[kind.removesuffix("s")] = (await api(f"POST {kind}/", {"name": "A"}))["id"]
    sharing = f"insights/{made['insight']}/sharing/"
    await api(f"PATCH {sharing}", {"enabled": True, "password_required": True})
    made["password"] = (await api(f"POST {sharing}passwords/", {}, by=boss))["id"]
    return made


@pytest.mark.parametrize(("request_", "body", "_"), WRITERS, ids=NAMES)
async def test_a_writer_that_decided_on_another_version_is_refused(
    api: Api, boss: dict[str, str], request_: str, body: Any, _: Any
) -> None:
    asked = request_.format(**await places(api, boss))
    late = await api(asked, body, by=boss, headers=LATE)
    late.refuses(412, "stale")
    assert late["current_version"] < late["expected_version"] == 99
    known = {"If-Match": f'"{late["current_version"]}"'}
    done = await api(asked, body, by=boss, headers=known)
    assert done.status in (200, 201, 204)
    assert int(done.headers["insights-position"]) > 0
    if done.status != 204:
        assert done.headers["etag"].startswith('"')


@pytest.mark.parametrize(("request_", "body", "other"), WRITERS, ids=NAMES)
async def test_a_repeated_write_is_done_once(
    api: Api, boss: dict[str, str], request_: str, body: Any, other: Any
) -> None:
    made = await places(api, boss)
    asked, key = request_.format(**made), {"Idempotency-Key": f"{request_} {made['insight']}"}
    first = await api(asked, body, by=boss, headers=key)
    again = await api(asked, body, by=boss, headers=key)
    assert (again.status, _lasting(again)) == (first.status, _lasting(first))
    assert again.headers.get("etag", "")[:3] == first.headers.get("etag", "")[:3]
    if other is not None:
        (await api(asked, other, by=boss, headers=key)).refuses(422, "idempotency_key_reused")


def _lasting(answer: Answer) -> Any:
    """Without a password that is shown once."""
    if not isinstance(answer.body, dict):
        return answer.body
    return {name: value for name, value in answer.body.items() if name != "password"}


@pytest.mark.parametrize("path", READS)
async def test_a_read_has_a_tag_and_a_position_and_waits_for_one(
    api: Api, boss: dict[str, str], path: str
) -> None:
    made = await places(api, boss)
    asked = "GET " + path.format(**made)
    changed = await api(f"PATCH insights/{made['insight']}/", {"name": "Seen"}, by=boss)
    position = changed.headers["insights-position"]
    read = await api(asked, by=boss, headers={"Insights-Position": position})
    assert read.status == 200
    assert int(read.headers["insights-position"]) >= int(position)
    known = {"If-None-Match": read.headers["etag"]}
    unchanged = await api(asked, by=boss, headers=known)
    assert (unchanged.status, unchanged.body) == (304, "")
    far = await api(asked, by=boss, headers={"Insights-Position": "nonsense"})
    assert far.status == 400
