"""insights-api.md, PATCH rules; the preconditions of issue 4."""

from typing import Any

import pytest

from tests.contracts.api.talk import Api
from tests.whole import SIGN_UP


async def test_only_a_restoring_patch_reaches_a_deleted_insight(api: Api) -> None:
    made = await api.insight(name="A")
    path = f"insights/{made['id']}/"
    (await api(f"PATCH {path}", {"deleted": True})).says(200, deleted=True)
    for request, body in (
        (f"GET {path}", None),
        (f"PATCH {path}", {"name": "B"}),
        (f"PATCH {path}", {"deleted": True}),
        (f"PATCH {path}", {"dashboards": [999_999]}),
        (f"PUT {path}", {"name": "B"}),
        (f"POST {path}viewed/", None),
    ):
        (await api(request, body)).refuses(404, "not_found", "Not found.")
    (await api(f"PATCH {path}", {"deleted": False})).says(200, deleted=False, name="A")
    (await api(f"GET {path}")).says(200, deleted=False)


async def test_restoring_undoes_the_whole_deletion_tiles_included(api: Api) -> None:
    """PostHog leaves the tiles away; we do better."""
    board = await api.dashboard(name="Board")
    made = await api.insight(dashboards=[board])
    path = f"insights/{made['id']}/"
    (await api(f"PATCH {path}", {"deleted": True})).says(200, dashboards=[], dashboard_tiles=[])
    back = await api(f"PATCH {path}", {"deleted": False})
    back.says(200, dashboards=[board], dashboard_tiles=made["dashboard_tiles"])


@pytest.mark.parametrize(
    ("change", "material"),
    [
        ({"name": "B"}, True),
        ({"description": "why"}, True),
        ({"query": SIGN_UP}, True),
        ({"filters": {"insight": "PATHS"}}, True),
        ({"derived_name": "D"}, False),
        ({"tags": ["a"]}, False),
        ({"favorited": True}, False),
        ({"saved": False}, False),
        ({"order": 3}, False),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
async def test_last_modified_moves_with_material_fields_only(
    api: Api, change: dict[str, Any], material: bool
) -> None:
    made = await api.insight(name="A")
    by = await api.member("mel")
    body = (await api(f"PATCH insights/{made['id']}/", change, by=by)).body
    assert body["updated_at"] > made["updated_at"]
    assert (body["last_modified_at"] > made["last_modified_at"]) is material
    assert (body["last_modified_by"]["first_name"] == "mel") is material


async def test_a_patch_that_changes_nothing_moves_nothing(api: Api) -> None:
    made = await api.insight(name="A", tags=["x"])
    nothing: list[dict[str, Any]] = [
        {}, {"name": "A"}, {"tags": ["X "]}, {"saved": True}, {"filters": {}},
    ]  # fmt: skip
    for same in nothing:
        answer = await api(f"PATCH insights/{made['id']}/", same)
        assert answer.body == made


async def test_a_patch_that_does_not_name_saved_saves(api: Api) -> None:
    made = await api.insight(saved=False)
    (await api(f"PATCH insights/{made['id']}/", {"name": "B"})).says(200, saved=True)
    again = await api(f"PATCH insights/{made['id']}/", {"saved": False, "name": "C"})
    again.says(200, saved=False)


async def test_put_gives_the_rest_its_defaults(api: Api) -> None:
    made = await api.insight(name="A", tags=["x"], favorited=True, query=SIGN_UP, description="d")
    (await api(f"PUT insights/{made['id']}/", {"name": "B"})).says(
        200, name="B", tags=[], favorited=False, query=None, description=None, saved=True
    )


@pytest.mark.parametrize("kind", ["actions", "cohorts", "dashboards"])
async def test_a_put_of_anything_else_leaves_alone_what_it_does_not_name(
    api: Api, kind: str
) -> None:
    made = await api(f"POST {kind}/", {"name": "A", "description": "kept"})
    path = f"{kind}/{made['id']}/"
    (await api(f"PUT {path}", {"name": "B"})).says(200, name="B", description="kept")
    (await api(f"GET {path}")).says(200, name="B", description="kept")


async def test_a_patch_answers_as_the_next_read_and_the_list_do(api: Api) -> None:
    made = await api.insight(name="A")
    patched = await api(f"PATCH insights/{made['id']}/", {"name": "B", "tags": ["z", "a"]})
    read = await api(f"GET insights/{made['id']}/")
    (listed,) = (await api(f"GET insights/?short_id={made['short_id']}"))["results"]
    assert patched.body == read.body == listed
    assert patched.headers["etag"] == read.headers["etag"]


async def test_if_match_lets_one_of_two_writers_through_and_tells_the_other_what_changed(
    api: Api,
) -> None:
    made = await api("POST insights/", {"name": "A"})
    path = f"insights/{made['id']}/"
    known = {"If-Match": made.headers["etag"]}
    (await api(f"PATCH {path}", {"name": "B"}, headers=known)).says(200)
    for request, body in ((f"PATCH {path}", {"name": "C"}), (f"PUT {path}", {})):
        late = await api(request, body, headers=known)
        late.refuses(412, "stale", "Edited since you read it.")
        late.says(412, current_version=2, changes__0__field="name")
        late.says(412, changes__0__before="A", changes__0__after="B")
    present = {"If-Match": (await api(f"GET {path}")).headers["etag"]}
    (await api(f"PATCH {path}", {"name": "D"}, headers=present)).says(200)
    (await api(f"PATCH {path}", {"name": "E"}, headers={"If-Match": "*"})).says(200)
    for unreadable in ("seven", f'"{"9" * 5_000}-a"'):
        (await api(f"PATCH {path}", {}, headers={"If-Match": unreadable})).refuses(
            400, "invalid_input", attr="If-Match"
        )
    tag = (await api(f"GET {path}")).headers["etag"]
    for bare, quoted in (("2", '"2"'), ("W/2", '"2"'), ("'2'", '"2"'), (tag.strip('"'), tag)):
        (await api(f"PATCH {path}", {}, headers={"If-Match": bare})).refuses(
            400,
            "invalid_input",
            f"An ETag stands in quotes: If-Match: {quoted} would do.",
            attr="If-Match",
        )


@pytest.mark.parametrize("what", ["insights", "dashboards", "actions", "cohorts"])
async def test_a_star_never_matches_what_is_deleted(api: Api, what: str) -> None:
    made = await api(f"POST {what}/", {"name": "A"})
    path, star = f"{what}/{made['id']}/", {"If-Match": "*"}
    deleted = await api(f"PATCH {path}", {"deleted": True}, headers=star)
    deleted.says(200, deleted=True)
    (await api(f"PATCH {path}", {"name": "B"}, headers=star)).refuses(404, "not_found")
    refused = await api(f"PATCH {path}", {"deleted": False}, headers=star)
    refused.refuses(412, "stale", "It was deleted.")
    refused.says(412, current_version=2, changes=[])
    known = {"If-Match": deleted.headers["etag"]}
    (await api(f"PATCH {path}", {"deleted": False}, headers=known)).says(200, deleted=False)


async def test_a_repeat_under_its_idempotency_key_has_the_first_answer_and_no_second_effect(
    api: Api,
) -> None:
    key = {"Idempotency-Key": "create-1"}
    first = await api("POST insights/", {"name": "A"}, headers=key)
    again = await api("POST insights/", {"name": "A"}, headers=key)
    assert (again.status, again.body) == (201, first.body)
    other = await api("POST insights/", {"name": "B"}, headers=key)
    other.refuses(422, "idempotency_key_reused")
    path, keyed = f"insights/{first['id']}/", {"Idempotency-Key": "patch-1"}
    keyed["If-Match"] = first.headers["etag"]
    moved = await api(f"PATCH {path}", {"name": "C"}, headers=keyed)
    (await api(f"PATCH {path}", {"name": "D"})).says(200)
    repeated = await api(f"PATCH {path}", {"name": "C"}, headers=keyed)
    assert (repeated.status, repeated.body) == (200, moved.body)
    (await api(f"GET {path}")).says(200, name="D")


async def test_if_none_match_saves_the_body(api: Api) -> None:
    made = await api("POST insights/", {"name": "A"})
    for path in (f"insights/{made['id']}/", f"insights/?short_id={made['short_id']}"):
        first = await api(f"GET {path}")
        known = {"If-None-Match": first.headers["etag"]}
        again = await api(f"GET {path}", headers=known)
        assert (again.status, again.body) == (304, "")
        await api(f"PATCH insights/{made['id']}/", {"description": path})
        (await api(f"GET {path}", headers=known)).says(200)


async def test_insights_position_is_on_every_answer_and_makes_a_read_wait(api: Api) -> None:
    made = await api("POST insights/", {"name": "A"})
    seen = {"Insights-Position": made.headers["insights-position"]}
    for path in (
        f"insights/{made['id']}/",
        "insights/",
        f"insights/{made['id']}/activity/",
        "insights/activity/",
        f"insights/{made['id']}/sharing/",
        "insights/my_last_viewed/",
    ):
        answer = await api(f"GET {path}", headers=seen)
        answer_position = int(answer.headers["insights-position"])
        assert answer_position >= int(seen["Insights-Position"]), path
    bad = await api("GET insights/", headers={"Insights-Position": "later"})
    bad.refuses(400, "invalid_input", attr="Insights-Position")


async def test_a_version_that_never_was_is_no_edit_in_between(api: Api) -> None:
    made = await api.insight(name="A")
    refused = await api(f"PATCH insights/{made['id']}/", {"name": "B"}, headers={"If-Match": '"7"'})
    refused.refuses(412, "stale", "There is no such version.")
    refused.says(412, current_version=1, expected_version=7, changes=[])
