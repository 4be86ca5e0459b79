"""insights-api.md, The insight body: what every answer that carries an insight has."""

import re
from datetime import datetime
from uuid import UUID

from tests.contracts.api.talk import Api

SHAPE: dict[str, type | tuple[type, ...]] = {
    "id": int,
    "short_id": str,
    "name": (str, type(None)),
    "derived_name": (str, type(None)),
    "filters": dict,
    "query": (dict, type(None)),
    "order": (int, type(None)),
    "deleted": bool,
    "dashboards": list,
    "dashboard_tiles": list,
    "last_refresh": (str, type(None)),
    "cache_target_age": (str, type(None)),
    "next_allowed_client_refresh": (str, type(None)),
    "result": (list, dict, type(None)),
    "hasMore": (bool, type(None)),
    "columns": (list, type(None)),
    "created_at": str,
    "created_by": dict,
    "description": (str, type(None)),
    "updated_at": str,
    "tags": list,
    "favorited": bool,
    "saved": bool,
    "last_modified_at": str,
    "last_modified_by": dict,
    "is_sample": bool,
    "effective_restriction_level": int,
    "effective_privilege_level": int,
    "user_access_level": str,
    "timezone": str,
    "is_cached": bool,
    "query_status": (dict, type(None)),
    "hogql": (str, type(None)),
    "types": (list, type(None)),
    "last_viewed_at": (str, type(None)),
    "alerts": list,
    "resolved_date_range": (dict, type(None)),
}


async def test_every_answer_has_every_member_and_all_tell_the_same(api: Api) -> None:
    board = await api.dashboard(name="Board")
    created = await api("POST insights/", {"name": "A", "dashboards": [board], "saved": True})
    path = f"insights/{created['id']}/"
    (listed,) = (await api(f"GET insights/?short_id={created['short_id']}"))["results"]
    read = await api(f"GET {path}")
    patched = await api(f"PATCH {path}", {})
    for body in (created.body, listed, read.body, patched.body):
        assert set(body) == set(SHAPE)
        for member, kind in SHAPE.items():
            assert isinstance(body[member], kind), member
        assert body == created.body
    tile = created["dashboard_tiles"][0]
    assert (tile["dashboard_id"], tile["deleted"], created["dashboards"]) == (board, False, [board])


async def test_a_user_is_the_eight_members_with_a_real_uuid(api: Api) -> None:
    made = await api.insight()
    for user in (made["created_by"], made["last_modified_by"]):
        assert set(user) == {
            "id", "uuid", "distinct_id", "first_name", "last_name", "email", "is_email_verified",
            "hedgehog_config",
        }  # fmt: skip
        assert user["id"] == api.here.ada
        assert user["hedgehog_config"] == {}
        UUID(user["uuid"])


async def test_a_short_id_can_never_be_taken_for_a_number(api: Api) -> None:
    for _ in range(20):
        short_id = (await api.insight())["short_id"]
        assert re.fullmatch(r"[A-Za-z0-9]{8}", short_id)
        assert not short_id.isdigit()


async def test_times_have_one_format_so_that_they_sort_as_text(api: Api) -> None:
    """client-compat.md 7: last_modified_at serves clients as a cursor."""
    fixed = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
    seen = []
    for _ in range(5):
        made = await api.insight(name="A")
        for member in ("created_at", "updated_at", "last_modified_at"):
            assert fixed.fullmatch(made[member]), made[member]
            datetime.fromisoformat(made[member])
        seen.append(made["last_modified_at"])
    assert seen == sorted(seen)
    assert len(set(seen)) == 5


async def test_an_empty_insight_has_its_defaults(api: Api) -> None:
    (await api("POST insights/", {})).says(
        201,
        name=None,
        derived_name=None,
        description=None,
        filters={},
        query=None,
        order=None,
        deleted=False,
        dashboards=[],
        dashboard_tiles=[],
        tags=[],
        favorited=False,
        saved=True,
        is_sample=False,
        result=None,
        last_refresh=None,
        cache_target_age=None,
        next_allowed_client_refresh=None,
        is_cached=False,
        query_status=None,
        effective_restriction_level=21,
        effective_privilege_level=37,
        user_access_level="manager",
        timezone="UTC",
        last_viewed_at=None,
    )


async def test_a_time_without_a_fraction_has_its_six_zeros(api: Api) -> None:
    """client-compat.md 7: one fixed format, also of the start of a day."""
    events = [{"id": "a"}, {"id": "b"}]
    answer = await api("POST insights/funnel/", {"events": events, "date_from": "2024-01-01"})
    answer.says(200, resolved_date_range__date_from="2024-01-01T00:00:00.000000Z")
